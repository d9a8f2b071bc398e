"""Where mail lands: what is sent, how long is looked, and what shares are of."""

import base64

import pytest

from penfold.base.clock import FixedClock
from penfold.base.errors import ParseError
from penfold.domain.sending.placement import (
    Placement,
    Share,
    count_shares,
    is_well,
    make_call,
)
from penfold.ports.api_client import RefusedError
from penfold.ports.seeds import Place, SeedError, Where

INBOX, SPAM = Place(Where.INBOX), Place(Where.SPAM)
BODY = {"from": "shop@home.example", "to": "x@y.example", "cc": ["z@y.example"], "subject": "Hi"}


class World:
    """Seeds by address: when their mail is there (seconds), and where; or what is wrong."""

    def __init__(self, *, test=False, refused=(), hides=False, **seeds):
        self.clock = FixedClock()
        self.began_ms = self.clock.now_ms()
        self.seeds = {f"{name}@seed.example": value for name, value in seeds.items()}
        self.asked, self.sent, self.progress = [], {}, []
        self.test, self.refused, self.hides = test, refused, hides

    def ask(self, verb, path, value=None):
        if verb == "GET" and self.hides:
            raise RefusedError("The key lacks emails:read.")
        if verb == "GET":
            email_id = path.rpartition("/")[2]
            delivered = {"last_event": "delivered", "message_id": f"<{email_id}@home.example>"}
            return delivered | {"test": self.test}
        if value["to"].partition("@")[0] in self.refused:
            raise RefusedError("`from` is not yours")
        self.asked.append((path, value))
        email_id = f"e{len(self.asked)}"
        self.sent[value["to"]] = f"{email_id}@home.example"
        return {"id": email_id}

    def passed_s(self):
        return (self.clock.now_ms() - self.began_ms) / 1_000

    def open(self, address):
        world = self

        class Mailbox:
            def find(self, message_id):
                after_s, place = world.seeds[address]
                if place is SeedError or (place == "later" and world.passed_s() >= after_s):
                    raise SeedError("the login is refused")
                there = world.sent.get(address) == message_id and world.passed_s() >= after_s
                return place if there and place != "later" else None

        return Mailbox()

    def run(self, make=None, *, within_s=60):
        opened = {address: self.open(address) for address in self.seeds}
        placement = Placement(self, opened, self.clock.now_ms, self.wait)
        make = make or make_call(b"", BODY)
        return placement.run(
            make, within_s=within_s, progress=lambda *said: self.progress.append(said)
        )

    def wait(self, seconds):
        self.clock.advance(ms=round(1_000 * seconds))


def places(found):
    return {one.address.partition("@")[0]: str(one.place) for one in found}


def test_each_seed_gets_a_mail_of_its_own_and_is_looked_into_until_all_are_found():
    world = World(a=(0, INBOX), b=(25, SPAM), c=(12, Place(Where.CATEGORY, "promotions")))
    found = world.run()
    assert places(found) == {"a": "inbox", "b": "spam", "c": "category promotions"}
    assert [value["to"] for _, value in world.asked] == list(world.seeds)
    assert all(set(value) == {"from", "to", "subject"} for _, value in world.asked)
    assert world.passed_s() == 25
    assert [said[:2] for said in world.progress] == [(1, 3)] * 4 + [(2, 3), (3, 3)]
    assert {one.event for one in found} == {"delivered"}


def test_what_does_not_come_in_time_is_missing_and_counts():
    world = World(a=(0, INBOX), b=(99, INBOX))
    found = world.run(within_s=60)
    assert world.passed_s() == 60
    assert count_shares(found) == [Share("inbox", 1, 2), Share("missing", 1, 2)]
    assert not is_well(found)


def test_who_cannot_be_looked_into_is_sent_nothing_and_counts_in_no_share():
    world = World(a=(0, INBOX), b=(0, SeedError), c=(0, INBOX), refused=("c",))
    found = world.run()
    assert list(world.sent) == ["a@seed.example"]
    assert count_shares(found) == [Share("inbox", 1, 1)]
    assert [one.trouble for one in found] == [
        "", "the login is refused", "not sent: `from` is not yours",
    ]  # fmt: skip
    assert not is_well(found)


def test_mail_that_was_sent_and_cannot_be_read_is_not_said_to_be_unsent():
    world = World(a=(0, INBOX), hides=True)
    [found] = world.run()
    assert found.trouble == "sent, but the API does not show it: The key lacks emails:read."
    assert (found.email_id, len(world.sent), world.passed_s()) == ("e1", 1, 0)
    assert not is_well([found])


def test_a_mailbox_that_can_no_more_be_looked_into_is_not_said_to_lack_the_mail():
    found = World(a=(5, "later")).run()
    assert (count_shares(found), found[0].trouble) == ([], "the login is refused")


def test_all_is_well_when_mail_is_anywhere_but_in_spam():
    assert is_well(World(a=(0, INBOX), b=(0, Place(Where.FOLDER, "Shops"))).run())
    assert not is_well(World(a=(0, SPAM)).run())


def test_a_message_is_sent_to_the_seed_alone_and_under_a_new_id():
    raw = b"From: shop@home.example\nTo: x@y.example\nMessage-ID: <old@x>\nSubject: Hi\n\nHi\n"
    world = World(a=(0, INBOX))
    world.run(make_call(raw, None))
    [(path, value)] = world.asked
    sent = base64.urlsafe_b64decode(value["raw"])
    assert path == "/emails/raw"
    assert sent == (b"To: a@seed.example\r\nFrom: shop@home.example\r\nSubject: Hi\r\n\r\nHi\r\n")


def test_a_test_key_and_recipients_of_their_own_are_refused():
    with pytest.raises(ParseError, match="test key"):
        World(a=(0, INBOX), test=True).run()
    with pytest.raises(ParseError, match="recipients"):
        make_call(b"", BODY | {"recipients": []})
