"""Every commit shows in what is looked at of a mailbox's file."""

import pytest

from penfold.app.mail.pushing import make_state_finder
from penfold.store.blobs.local import LocalBlobs
from penfold.store.sqlite.mailboxes import SqliteMailboxes

BOX = "m00000000000000000001"


@pytest.fixture
def open_mailboxes(tmp_path):
    opened = []

    def make():
        opened.append(SqliteMailboxes(tmp_path, LocalBlobs(tmp_path / "blobs"), fatal=pytest.fail))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def commit(mailboxes, number):
    mailboxes.change(
        BOX,
        lambda box: box.add_outbox(
            sender="a@x", recipients=["b@y"], raw=b"x" * number, now_ms=number
        ),
    )


def test_every_commit_changes_the_state_or_is_of_the_same_moment(tmp_path, open_mailboxes):
    find_state = make_state_finder(tmp_path)
    assert find_state(BOX).changed_ns == 0
    mailboxes = open_mailboxes()
    mailboxes.create(BOX)
    states = [find_state(BOX)]
    for number in range(1, 6):
        commit(mailboxes, number)
        states.append(find_state(BOX))
    assert all(state.changed_ns for state in states)
    times = [state.changed_ns for state in states]
    assert times == sorted(times)
    assert len(set(states)) > 1


def test_a_commit_shows_when_its_writer_has_closed_the_file(tmp_path, open_mailboxes):
    find_state = make_state_finder(tmp_path)
    first = open_mailboxes()
    first.create(BOX)
    first.close()
    before = find_state(BOX)
    second = open_mailboxes()
    commit(second, 5)
    second.close()
    assert find_state(BOX) != before
