"""Return addresses name the row they left with, and nobody else can make one."""

import base64
import random

import pytest
from msgspec import structs
from tests.unit.world import World, mail

from penfold.base.limits import DELIVERY_LIFE_S, VERP_DAYS
from penfold.domain.outgoing.return_paths import Returned, ReturnPaths, is_answer
from penfold.ports.directory import Account
from penfold.ports.identity import Fact
from penfold.ports.queue import SENDING
from penfold.testing.sealing import PlainSealer

KIM, LEE = "kim@elsewhere.example", "lee@x.example"
DAY_S = 86_400


@pytest.fixture
def world():
    world = World(captures=False)
    yield world
    world.close()


def send(world, *recipients):
    """Send a message and return its rows."""
    world.submit(mail("Lunch", message_id="one@penfold.test"), *(recipients or [KIM]))
    return world.queue.list_rows()


def another(world, *, sealer=None, **more):
    """Return what another process has."""
    sealer = sealer or world.sealer
    return ReturnPaths(world.directory, sealer, world.queue, world.clock, random.Random(8), **more)


def test_a_return_address_is_of_the_senders_domain_and_names_its_row(world):
    [row] = send(world)
    address = world.returns.make(row)
    assert address.startswith(f"b+{row.id:x}.")
    assert address.endswith("@penfold.test")
    assert world.returns.find(address) == Returned(row, world.alice)
    assert world.returns.find(address.upper()) == Returned(row, world.alice)


def test_every_try_of_a_row_has_the_same_address_and_every_row_its_own(world):
    rows = send(world, KIM, LEE)
    first = [world.returns.make(row) for row in rows]
    world.clock.advance(s=DELIVERY_LIFE_S)
    assert [world.returns.make(row) for row in rows] == first
    assert len(set(first)) == 2


def test_the_first_process_makes_the_key_and_others_read_it(world):
    [row] = send(world)
    other = another(world)
    assert other.find_row("b+1.g2p.aaaaaaaaaaaaaaaa@penfold.test") is None
    address = world.returns.make(row)
    assert other.find_row(address) == row
    assert other.make(row) == address


class Behind:
    """A directory in which a process looked before another one wrote."""

    def __init__(self, book):
        self.book = book

    def __getattr__(self, name):
        return getattr(self.book, name)

    def find(self, kind, key):
        return None


def test_of_two_processes_that_make_the_key_at_once_one_does(world):
    [row] = send(world)
    address = world.returns.make(row)
    book = Behind(world.directory)
    other = ReturnPaths(book, world.sealer, world.queue, world.clock, random.Random(8))
    assert other.make(row) == address


def test_the_key_is_kept_sealed(world):
    world.returns.make(*send(world))
    kept = base64.b64decode(world.directory.find(Fact, "verp_key").value)
    assert len(world.sealer.open(kept, context="verp_key")) == 32


class OtherSealer(PlainSealer):
    """Has another master key."""

    def seal(self, secret, *, context):
        return b"2" + super().seal(secret, context=context)

    def open(self, sealed, *, context):
        return super().open(
            sealed.removeprefix(b"2") if sealed[:1] == b"2" else b"", context=context
        )


@pytest.mark.parametrize("damage", ["", "not base64"])
def test_a_key_that_cannot_be_opened_gives_way_to_a_new_one(world, damage, caplog):
    [row] = send(world)
    before = world.returns.make(row)
    if damage:
        world.directory.change(lambda writer: writer.replace(Fact("verp_key", damage)))
    other = another(world, sealer=OtherSealer())
    assert other.find_row(before) is None
    after = other.make(row)
    assert after != before
    assert "cannot be opened" in caplog.text
    assert (other.find_row(after), other.find_row(before)) == (row, None)


@pytest.mark.parametrize("sender", ["", "al@elsewhere.example", "al@[192.0.2.1]"])
def test_who_has_no_domain_here_keeps_its_address(world, sender):
    [row] = send(world)
    assert world.returns.make(structs.replace(row, sender=sender)) == sender


def test_bounces_of_a_sending_domain_come_here_by_a_name_that_leads_here(world):
    [row] = send(world)
    theirs = structs.replace(row, sender="shop@news.example")
    ours = structs.replace(theirs, origin=SENDING)
    returns = another(world, find_home={"news.example": "mx.penfold.test"}.get)
    for local in (True, False):
        address = returns.make(ours, local=local)
        assert address.endswith("@mx.penfold.test")
        assert world.returns.find_row(address) == row
        assert returns.make(theirs, local=local) == "shop@news.example"
    assert returns.make(structs.replace(row, origin=SENDING), local=False) == row.sender


def test_a_row_that_is_too_old_for_a_token_leaves_with_its_senders_address(world):
    [row] = send(world)
    world.clock.advance(s=DELIVERY_LIFE_S + 1)
    assert world.returns.make(row) == row.sender


@pytest.mark.parametrize(("days", "counts"), [(VERP_DAYS, True), (VERP_DAYS + 1, False)])
def test_an_address_counts_for_ten_days(world, days, counts):
    [row] = send(world)
    address = world.returns.make(row)
    world.clock.advance(s=days * DAY_S)
    assert (world.returns.find(address) is not None) == counts


def test_an_address_of_a_row_that_is_gone_says_nothing(world):
    [row] = send(world)
    assert world.returns.find(world.returns.make(structs.replace(row, id=999))) is None


def test_an_address_of_an_account_that_is_gone_or_suspended_says_nothing(world):
    [row] = send(world)
    address = world.returns.make(row)
    suspended = structs.replace(world.alice, suspended=True)
    world.directory.change(lambda writer: writer.replace(suspended))
    assert world.returns.find(address) is None
    world.directory.change(lambda writer: writer.delete(Account, world.alice.id))
    assert world.returns.find(address) is None
    assert world.returns.find_row(address) == row


REPORT = "multipart/report; report-type=Delivery-Status; boundary=x"
FEEDBACK = 'multipart/report; boundary=x; report-type="feedback-report"'


@pytest.mark.parametrize(
    ("sender", "content_type", "answers"),
    [
        ("", "", True),
        ("", "text/plain", True),
        ("p@x.example", "", False),
        ("p@x.example", "text/plain", False),
        ("p@x.example", "multipart/report; boundary=x", False),
        ("p@x.example", "multipart/mixed; report-type=delivery-status", False),
        ("p@x.example", REPORT, True),
        ("p@x.example", FEEDBACK, True),
    ],
)
def test_what_answers_has_the_null_reverse_path_or_says_that_it_is_a_report(
    sender, content_type, answers
):
    raw = mail(Content_Type=content_type)
    assert is_answer(sender, raw) == answers


def test_a_type_in_the_body_says_nothing():
    assert not is_answer("p@x.example", mail(body=f"Content-Type: {REPORT}\r\n"))
