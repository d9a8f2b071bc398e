"""How a group of changes ends, and what each caller hears."""

import os
import threading

import apsw
import pytest
from tests.contract.mail import MAILBOX, NOW_MS, make_message
from tests.contract.mailbox_contract import Answers, Box

from penfold.base.errors import (
    MailboxBusyError,
    MailboxDamagedError,
    NewerDataError,
    OutcomeUnknownError,
    StorageFullError,
    TooCostlyError,
    UnavailableError,
)
from penfold.base.labels import INBOX
from penfold.base.limits import GROUP_COMMIT_MAX
from penfold.domain.outgoing.sending_limits import SendingLimits, charge_sending, count_sent
from penfold.ports.mailbox import Query
from penfold.proto.search.tree import Text
from penfold.spec.problems import SENDING_LIMIT_RETRY_AFTER, ProblemError
from penfold.store.room import Room
from penfold.store.sqlite.layout import mailbox_path, marker_path
from penfold.store.sqlite.migrate import find_steps, newest_version
from penfold.store.sqlite.open import open_database

OTHER = "m" + "e" * 20
WORDS = Query(limit=10, tree=Text("any", ("words",)))


def submit(box, answers, name, change):
    box.mailboxes.submit(box.id, change, answers.waiter(name))


def add(number, **facts):
    return lambda writer: writer.add_message(make_message(number, labels=[INBOX], **facts))


class Gate:
    """A change that holds its group until it is told to go on, so that others gather behind."""

    def __init__(self):
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, writer):
        self.entered.set()
        assert self.go_on.wait(30)


@pytest.fixture
def gathered(box):
    """Return a function that submits changes so that they surely share one transaction."""

    def run(*changes):
        gate, answers = Gate(), Answers()
        submit(box, answers, "gate", gate)
        assert gate.entered.wait(30)
        for name, change in enumerate(changes):
            submit(box, answers, name, change)
        gate.go_on.set()
        results = answers.wait(1 + len(changes))
        return [results[name] for name in range(len(changes))]

    return run


def test_gathered_changes_share_one_commit(box, data, gathered):
    watcher = open_database(mailbox_path(data, MAILBOX), readonly=True)
    box.add(500)
    watcher.execute("SELECT count(*) FROM message").fetchall()
    seen = []

    def look(writer):
        seen.append(watcher.execute("SELECT count(*) FROM message").get)

    results = gathered(add(1), look, add(2), look, add(3))
    assert [error for _, error in results] == [None] * 5
    assert seen == [1, 1]
    assert watcher.execute("SELECT count(*) FROM message").get == 4
    watcher.close()


def test_group_is_bounded(box, gathered):
    """The change after a full group runs in the next transaction, so it finds the row durable."""
    committed = []

    def note(writer):
        writer.after_commit(lambda: committed.append(len(committed)))

    seen = []
    changes = [note] * GROUP_COMMIT_MAX + [lambda writer: seen.append(len(committed))]
    gathered(*changes)
    assert seen == [GROUP_COMMIT_MAX]


def test_error_in_the_middle_keeps_the_others(box, gathered):
    def fail(writer):
        add(2)(writer)
        writer.set_labels(1, frozenset())
        raise ZeroDivisionError

    results = gathered(add(1), fail, add(3))
    assert [type(error) for _, error in results] == [type(None), ZeroDivisionError, type(None)]
    assert box.list(INBOX) == [3, 1]
    assert box.counts(INBOX) == (2, 0, 2, 0)


def test_index_entries_follow_an_undone_change_that_had_searched(box, gathered):
    """A search inside a change writes waiting index entries; undoing it must not lose them."""

    def search_and_fail(writer):
        assert writer.list_messages(WORDS) == [(2, 2), (1, 1)]
        add(9)(writer)
        assert len(writer.list_messages(WORDS)) == 3
        raise ZeroDivisionError

    gathered(add(1), add(2), search_and_fail, add(3))
    assert box.look(lambda reader: reader.list_messages(WORDS)) == [(3, 3), (2, 2), (1, 1)]


def test_writer_that_outlives_its_transaction_is_refused(box):
    kept = box.change(lambda writer: writer)
    with pytest.raises(RuntimeError):
        kept.find_message(1)
    with box.mailboxes.open_reader(MAILBOX) as reader:
        pass
    with pytest.raises(RuntimeError):
        reader.find_message(1)


def test_answer_that_raises_does_not_stop_the_others(box, caplog):
    gate, answers = Gate(), Answers()
    submit(box, answers, "gate", gate)
    assert gate.entered.wait(30)

    def burst(result, error):
        raise ZeroDivisionError

    box.mailboxes.submit(box.id, add(1), burst)
    submit(box, answers, 2, add(2))
    gate.go_on.set()
    answers.wait(2)
    assert box.list(INBOX) == [2, 1]
    assert "an answer or effect of a change raised" in caplog.text


def test_closing_finishes_what_is_queued(box, open_mailboxes):
    gate, answers = Gate(), Answers()
    submit(box, answers, "gate", gate)
    assert gate.entered.wait(30)
    for number in range(1, 3 * GROUP_COMMIT_MAX):
        submit(box, answers, number, lambda writer: None)
    submit(box, answers, "last", add(7))
    closing = threading.Thread(target=box.mailboxes.close)
    closing.start()
    gate.go_on.set()
    closing.join(30)
    assert not closing.is_alive()
    assert answers.wait(3 * GROUP_COMMIT_MAX + 1)["last"][1] is None
    submit(box, answers, "late", add(8))
    assert isinstance(answers.wait(3 * GROUP_COMMIT_MAX + 2)["late"][1], UnavailableError)
    assert Box(open_mailboxes(), MAILBOX).list(INBOX) == [7]


# --- disk full


def test_reserve_is_kept_before_anything_is_written(open_mailboxes, data):
    data.mkdir()
    box = Box(open_mailboxes(room=Room(data, reserve_bytes=1 << 62)), MAILBOX)
    box.mailboxes.create(MAILBOX)
    with pytest.raises(StorageFullError):
        box.add(1)
    with pytest.raises(StorageFullError):
        box.change(lambda writer: writer.add_outbox(sender="", recipients=(), raw=b"x", now_ms=0))
    assert box.change(lambda writer: writer.get_totals()).messages == 0


def test_room_counts_what_was_taken_since_the_last_look(tmp_path):
    found = os.statvfs(tmp_path)
    room = Room(tmp_path, reserve_bytes=found.f_bavail * found.f_frsize // 2)
    room.take(1000)
    quarter = found.f_bavail * found.f_frsize // 4
    room.take(quarter)
    with pytest.raises(StorageFullError):
        room.take(quarter + 1)


def limit_pages(box, data):
    """Make SQLite say "full" as a full disk would: the file may not grow any further."""

    def change(writer):
        pages = writer._execute("PRAGMA page_count").get
        writer._execute(f"PRAGMA max_page_count={pages + 1}").fetchall()

    box.change(change)


def test_full_disk_fails_the_whole_group_and_the_store_lives_on(box, data, gathered, fatal):
    box.add(500)
    limit_pages(box, data)
    results = gathered(add(1), add(2, body="x " * 200_000), add(3))
    assert [type(error) for _, error in results] == [StorageFullError] * 3
    assert box.list(INBOX) == []
    assert fatal == []
    box.add(4, labels=[INBOX])  # the handle was replaced, and with it the made-up limit
    box.delete(500)
    assert box.list(INBOX) == [4]


# --- damage


@pytest.fixture
def damaged(box, data, open_mailboxes):
    """A second mailbox whose file is overwritten, and the store that meets it."""
    box.mailboxes.create(OTHER)
    box.mailboxes.close()
    path = mailbox_path(data, OTHER)
    path.write_bytes(b"\xff" * path.stat().st_size)
    return Box(open_mailboxes(), OTHER)


@pytest.mark.parametrize(
    "use",
    [lambda box: box.add(1), lambda box: box.list(), lambda box: box.counts(INBOX)],
    ids=["change", "list", "read"],
)
def test_damaged_mailbox_is_set_apart_alone(damaged, data, use):
    with pytest.raises(MailboxDamagedError):
        use(damaged)
    with pytest.raises(MailboxDamagedError):
        damaged.mailboxes.check(OTHER)
    assert marker_path(data, OTHER).exists()
    Box(damaged.mailboxes, MAILBOX).add(1)


def test_change_of_a_mailbox_that_is_set_apart_is_answered_like_any(damaged):
    """Who submits a change hears of it in one way, or some callers would wait for ever."""
    with pytest.raises(MailboxDamagedError):
        damaged.list()
    answers = Answers()
    submit(damaged, answers, "later", add(1))
    assert isinstance(answers.wait(1)["later"][1], MailboxDamagedError)


def test_quarantine_is_known_to_other_processes_and_after_a_restart(damaged, open_mailboxes):
    with pytest.raises(MailboxDamagedError):
        damaged.list()
    again = open_mailboxes()
    for use in (again.check, lambda name: Box(again, name).add(1), Box(again, OTHER).list):
        with pytest.raises(MailboxDamagedError):
            use(OTHER)
    again.check(MAILBOX)


def test_emptied_file_is_damage_not_a_fresh_start(box, data, open_mailboxes):
    box.mailboxes.close()
    mailbox_path(data, MAILBOX).write_bytes(b"")
    again = Box(open_mailboxes(), MAILBOX)
    with pytest.raises(MailboxDamagedError):
        again.add(1)
    assert mailbox_path(data, MAILBOX).stat().st_size == 0


def test_damage_met_within_a_change_sets_the_mailbox_apart(box, data, gathered):
    def meet(writer):
        raise apsw.CorruptError("database disk image is malformed")

    results = gathered(add(1), meet)
    assert [type(error) for _, error in results] == [MailboxDamagedError] * 2
    assert marker_path(data, MAILBOX).exists()
    with pytest.raises(MailboxDamagedError):
        box.add(2)


# --- unknown outcome


def test_failed_sync_ends_the_process_before_anything_is_answered(failing, open_mailboxes, fatal):
    box = Box(open_mailboxes(vfs="failing"), MAILBOX)
    box.mailboxes.create(MAILBOX)
    box.add(1)
    failing.set()
    answers = Answers()
    told = []

    def done(result, error):
        told.extend(fatal)
        answers.waiter("it")(result, error)

    box.mailboxes.submit(MAILBOX, add(2), done)
    [(_, error)] = answers.wait(1).values()
    failing.clear()
    box.mailboxes.close()
    assert isinstance(error, OutcomeUnknownError)
    assert told == [error]  # in production the process has ended before this answer


def test_failed_sync_of_a_merged_index_ends_the_process_too(failing, open_mailboxes, fatal):
    """What is written behind a lost page of the log would be lost with it after a power cut."""
    box = Box(open_mailboxes(vfs="failing"), MAILBOX)
    box.mailboxes.create(MAILBOX)
    for number in range(1, 10):
        box.add(number)
    failing.set()
    box.mailboxes.settle(MAILBOX)
    failing.clear()
    box.mailboxes.close()
    assert [type(error) for error in fatal] == [OutcomeUnknownError]


# --- locks, versions, creation


def test_lock_held_too_long_is_busy_and_the_writer_lives_on(box, data, monkeypatch):
    box.change(lambda writer: writer._handle.connection.set_busy_timeout(1))
    other = open_database(mailbox_path(data, MAILBOX))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(MailboxBusyError):
        box.add(1)
    other.execute("ROLLBACK")
    other.close()
    box.add(1)


def test_two_stores_write_one_mailbox(box, open_mailboxes):
    other = Box(open_mailboxes(), MAILBOX)

    def work(mine, first):
        for number in range(first, first + 30):
            mine.add(number, labels=[INBOX])

    threads = [
        threading.Thread(target=work, args=(mine, first))
        for mine, first in ((box, 1), (other, 100))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert box.counts(INBOX) == other.counts(INBOX) == (60, 0, 60, 0)
    assert other.list(INBOX) == box.list(INBOX)


def test_of_many_at_once_no_more_send_than_the_day_has_room_for(box, open_mailboxes):
    """Two processes, fifty threads, one message left."""
    limits, sent = SendingLimits(messages=100, recipients=1_000), []
    boxes = [box, Box(open_mailboxes(), MAILBOX)]
    box.change(lambda writer: [writer.add_sent(1, now_ms=NOW_MS) for _ in range(99)])

    def send(mine):
        try:
            mine.change(lambda writer: charge_sending(writer, limits, 1, now_ms=NOW_MS))
            sent.append("")
        except ProblemError as error:
            sent.append(error.problem)

    threads = [threading.Thread(target=send, args=(boxes[n % 2],)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(sent.count, {"", SENDING_LIMIT_RETRY_AFTER})) == [1, 49]
    assert box.look(lambda reader: count_sent(reader, now_ms=NOW_MS)).messages == 100


def add_note(connection):
    connection.execute("CREATE TABLE note (text TEXT NOT NULL) STRICT")


NEXT = newest_version("mailbox") + 1
STEPS = {**find_steps("mailbox"), NEXT: add_note}


@pytest.mark.parametrize(
    "use", [lambda box: box.list(), lambda box: box.add(9)], ids=["read", "change"]
)
def test_mailbox_of_the_release_before_is_migrated_on_open(box, open_mailboxes, data, use):
    box.add(1)
    newer = Box(open_mailboxes(steps=STEPS), MAILBOX)
    use(newer)
    connection = open_database(mailbox_path(data, MAILBOX), readonly=True)
    assert connection.table_exists("main", "note")
    connection.close()


def test_newer_mailbox_is_refused_and_not_set_apart(box, open_mailboxes, data):
    Box(open_mailboxes(steps=STEPS), MAILBOX).list()
    again = Box(open_mailboxes(), MAILBOX)
    for use in (again.list, lambda: again.add(1)):
        with pytest.raises(NewerDataError):
            use()
    assert not marker_path(data, MAILBOX).exists()


def test_failed_migration_makes_one_mailbox_unavailable(box, open_mailboxes):
    def fail(connection):
        if connection.execute("SELECT messages FROM mailbox").get:
            raise ZeroDivisionError

    box.add(1)
    newer = open_mailboxes(steps={**STEPS, NEXT: fail})
    with pytest.raises(UnavailableError):
        Box(newer, MAILBOX).list()
    newer.create(OTHER)
    Box(newer, OTHER).add(1)


def test_making_a_mailbox_leaves_one_file_and_no_partial_one(mailboxes, data):
    mailboxes.create(MAILBOX)
    folder = mailbox_path(data, MAILBOX).parent
    assert [path.name for path in folder.iterdir()] == [f"{MAILBOX}.db"]


def test_mailbox_made_by_many_threads_at_once_is_made_once(mailboxes):
    threads = [threading.Thread(target=mailboxes.create, args=(MAILBOX,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    secrets = {Box(mailboxes, MAILBOX).look(lambda reader: reader.get_secret()) for _ in range(3)}
    assert len(secrets) == 1


def test_listing_that_takes_too_long_is_refused(box, monkeypatch):
    from penfold.store.sqlite import mailbox

    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, x FROM n"
    monkeypatch.setattr(mailbox, "LISTING_MAX_S", 0.0)
    with box.mailboxes.open_reader(MAILBOX) as reader:
        with pytest.raises(TooCostlyError):
            reader._list(Query(limit=1), (endless, []))
        assert reader.get_totals().messages == 0
    assert box.list() == []
