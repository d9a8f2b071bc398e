"""Webhooks are made, changed, rotated, tried out and told again, each by its owner alone."""

import dataclasses

import pytest
import standardwebhooks
from msgspec.structs import replace
from tests.unit.domain.sending.hooks import DAY_MS, URL, Desk

from penfold.base.errors import NotFoundError, StorageFullError
from penfold.base.limits import (
    WEBHOOK_REPLAY_MAX,
    WEBHOOK_REPLAY_SCAN_MAX,
    WEBHOOK_REPLAY_WAITING_MAX,
    WEBHOOK_ROTATE_MS,
    WEBHOOK_SECRETS_MAX,
    WEBHOOKS_MAX,
)
from penfold.domain.sending.findings import Findings
from penfold.domain.sending.webhook_rules import TYPES, read_kinds, read_url
from penfold.domain.sending.webhooks import Range
from penfold.ports.sending.events import NOBODY, Event
from penfold.ports.sending.webhooks import DeliveryState
from penfold.proto.standard_webhooks import Verdict, parse_secret, verify
from penfold.spec.sending.problems import SendingError


@pytest.fixture
def desk():
    desk = Desk()
    yield desk
    desk.world.close()


def is_good(desk, at, secret):
    signed, body = desk.receiver.signed(at)
    now_s = desk.clock.now_ms() // 1000
    return verify(signed, body, [parse_secret(secret)], now_s=now_s) is Verdict.GOOD


def test_secret_is_shown_once_and_sealed(desk):
    assert desk.made.secret.startswith("whsec_")
    assert desk.made.secret not in str(desk.webhook())
    assert all(desk.made.secret not in str(each) for each in desk.audit)
    assert URL not in str(desk.audit)


def test_account_has_so_many_webhooks_and_no_more(desk):
    for _ in range(WEBHOOKS_MAX - 1):
        desk.hooks.add(desk.account.id, URL, ())
    with pytest.raises(SendingError):
        desk.hooks.add(desk.account.id, URL, ())
    assert len(desk.hooks.list(desk.account.id)) == WEBHOOKS_MAX
    assert desk.hooks.list("m" + "0" * 20) == []


@pytest.mark.parametrize("what", ["change", "delete", "rotate", "test", "replay"])
def test_nobody_reaches_the_webhook_of_somebody_else(desk, what):
    other = desk.world.bob.id
    event = desk.event()
    calls = {
        "change": lambda: desk.hooks.change(desk.id, other, url="https://x.example"),
        "delete": lambda: desk.hooks.delete(desk.id, other),
        "rotate": lambda: desk.hooks.rotate(desk.id, other),
        "test": lambda: desk.hooks.test(desk.id, other),
        "replay": lambda: desk.hooks.replay_event(desk.id, other, event),
    }
    before = desk.webhook(), desk.deliveries()
    with pytest.raises(NotFoundError):
        calls[what]()
    assert (desk.webhook(), desk.deliveries()) == before


def test_secret_before_signs_too_for_a_day_after_a_rotation(desk):
    new = desk.hooks.rotate(desk.id, desk.account.id).secret
    desk.event()
    desk.sender.send(desk.id)
    assert [is_good(desk, 0, secret) for secret in (desk.made.secret, new)] == [True, True]
    desk.clock.advance(ms=WEBHOOK_ROTATE_MS)
    desk.event()
    desk.sender.send(desk.id)
    assert [is_good(desk, 1, secret) for secret in (desk.made.secret, new)] == [False, True]


def test_rotations_in_a_row_keep_few_secrets_and_the_next_after_a_day_two(desk):
    for _ in range(WEBHOOK_SECRETS_MAX + 2):
        desk.hooks.rotate(desk.id, desk.account.id)
    assert len(desk.webhook().secrets) == WEBHOOK_SECRETS_MAX
    desk.clock.advance(ms=WEBHOOK_ROTATE_MS)
    desk.hooks.rotate(desk.id, desk.account.id)
    assert len(desk.webhook().secrets) == 2


def test_a_webhook_that_is_off_is_told_nothing_and_is_caught_up_by_a_replay(desk):
    waiting = desk.event()
    desk.hooks.change(desk.id, desk.account.id, enabled=False)
    missed = desk.event()
    assert [one.state for one in desk.deliveries()] == [DeliveryState.FAILED]
    for refused in (
        lambda: desk.hooks.test(desk.id, desk.account.id),
        lambda: desk.hooks.replay_event(desk.id, desk.account.id, missed),
    ):
        with pytest.raises(SendingError, match="conflict"):
            refused()
    desk.hooks.change(desk.id, desk.account.id, enabled=True)
    now_ms = desk.clock.now_ms()
    done = desk.hooks.replay_range(desk.id, desk.account.id, Range(now_ms, now_ms))
    assert (done.count, done.last, done.more) == (2, missed, False)
    desk.sender.send(desk.id)
    assert desk.receiver.ids == [waiting, missed]


def test_test_event_comes_to_this_webhook_alone_whatever_it_wants():
    desk = Desk(kinds=("bounced",))
    other = desk.hooks.add(desk.account.id, URL, ()).webhook
    name = desk.hooks.test(desk.id, desk.account.id)
    desk.sender.send(desk.id)
    [payload] = desk.receiver.payloads
    assert payload["type"] == "webhook.test"
    assert payload["data"] == {"event_id": name, "webhook_id": desk.id}
    assert desk.book.read(lambda book: book.list_deliveries(other.id, limit=9)) == []
    desk.world.close()


def test_replayed_event_has_the_same_id_and_comes_although_it_was_taken(desk):
    event = desk.event()
    desk.sender.send(desk.id)
    desk.hooks.replay_event(desk.id, desk.account.id, event)
    desk.sender.send(desk.id)
    assert desk.receiver.ids == [event, event]
    with pytest.raises(NotFoundError):
        desk.hooks.replay_event(desk.id, desk.account.id, "no-such-event")


def test_replay_of_a_time_comes_page_by_page_and_only_what_is_wanted():
    desk = Desk(kinds=("bounced",))
    desk.event("opened")
    desk.hooks.test(desk.id, desk.account.id)
    names = [desk.event("bounced") for _ in range(WEBHOOK_REPLAY_MAX + 1)]
    until_ms = desk.clock.now_ms()
    desk.clock.advance(ms=1)
    desk.event("bounced")
    before = len(desk.deliveries())
    wanted = Range(until_ms, until_ms)
    first = desk.hooks.replay_range(desk.id, desk.account.id, wanted)
    assert (first.count, first.last, first.more) == (WEBHOOK_REPLAY_MAX, names[-2], True)
    rest = desk.hooks.replay_range(desk.id, desk.account.id, Range(until_ms, until_ms, first.last))
    assert (rest.count, rest.last, rest.more) == (1, names[-1], False)
    assert not desk.hooks.replay_range(desk.id, desk.account.id, Range(0, 1)).more
    again = desk.book.read(lambda b: b.list_deliveries(desk.id, limit=10_000))
    assert len(again) - before == len(names)
    desk.world.close()


def test_replay_that_looked_at_enough_says_where_to_go_on():
    desk = Desk(kinds=("bounced",))
    for at in range(WEBHOOK_REPLAY_SCAN_MAX):
        desk.book._state.events[at + 1] = Event(
            at + 1, f"old{at}", desk.account.id, 0, "", NOBODY, "", "opened", 5, False
        )
    desk.book._state.last["event"] = WEBHOOK_REPLAY_SCAN_MAX
    name = desk.event("bounced")
    wanted = Range(0, desk.clock.now_ms())
    first = desk.hooks.replay_range(desk.id, desk.account.id, wanted)
    assert (first.count, first.more) == (0, True)
    rest = desk.hooks.replay_range(desk.id, desk.account.id, replace(wanted, after=first.last))
    assert (rest.count, rest.last, rest.more) == (1, name, False)
    desk.world.close()


def test_replay_is_refused_while_too_much_waits(desk):
    event = desk.event()
    number = desk.deliveries()[0].event
    many = [number] * WEBHOOK_REPLAY_WAITING_MAX
    desk.book.change(
        lambda w: w.add_deliveries(desk.id, many, now_ms=desk.clock.now_ms(), replay=True)
    )
    with pytest.raises(SendingError, match="conflict"):
        desk.hooks.replay_event(desk.id, desk.account.id, event)


def test_deleted_webhook_leaves_nothing(desk):
    desk.event()
    desk.hooks.delete(desk.id, desk.account.id)
    assert desk.webhook() is None
    assert desk.deliveries() == []
    assert desk.sender.send(desk.id).tried == 0
    assert [each.action for each in desk.audit] == ["add", "delete"]


@pytest.mark.parametrize("action", ["add", "change", "rotate", "delete"])
def test_what_is_done_with_a_webhook_is_noted_first_or_not_done(desk, action):
    def note(event):
        noted.append(event.action)
        raise StorageFullError

    noted, there = [], desk.hooks.list(desk.account.id)
    hooks, whose = dataclasses.replace(desk.hooks, note=note), (desk.id, desk.account.id)
    done = {
        "add": lambda: hooks.add(desk.account.id, URL, ()),
        "change": lambda: hooks.change(*whose, enabled=False),
        "rotate": lambda: hooks.rotate(*whose),
        "delete": lambda: hooks.delete(*whose),
    }[action]
    with pytest.raises(StorageFullError):
        done()
    assert noted == [action]
    assert desk.hooks.list(desk.account.id) == there


def test_old_replayed_and_changed_messages_are_refused_by_the_standards_library(desk):
    desk.event()
    desk.sender.send(desk.id)
    _, headers, body = desk.receiver.got[0]
    theirs = standardwebhooks.Webhook(desk.made.secret)
    # The message was signed at the time of the clock of this test, which is long ago.
    with pytest.raises(standardwebhooks.WebhookVerificationError, match=r"too (old|new)"):
        theirs.verify(body, headers)
    signed, _ = desk.receiver.signed(0)
    now_s = desk.clock.now_ms() // 1000
    key = [parse_secret(desk.made.secret)]
    assert verify(signed, body, key, now_s=now_s) is Verdict.GOOD
    assert verify(signed, body, key, now_s=now_s + 301) is Verdict.OLD
    assert verify(signed, body + b" ", key, now_s=now_s) is Verdict.FORGED


@pytest.mark.parametrize(
    ("url", "local", "good"),
    [
        ("https://shop.example/hook", False, True),
        ("https://8.8.8.8:8443/", False, True),
        ("http://shop.example/hook", False, False),
        ("http://shop.example/hook", True, False),
        ("http://127.0.0.1:9000/hook", True, True),
        ("http://localhost:9000/hook", True, True),
        ("https://[::1]/", True, True),
        ("http://127.0.0.1:9000/hook", False, False),
        ("https://127.0.0.1/", False, False),
        ("https://localhost/", False, False),
        ("https://LOCALHOST./", False, False),
        ("https://x.localhost/", False, False),
        ("https://10.0.0.1/", True, False),
        ("https://192.168.1.1/", False, False),
        ("https://169.254.169.254/latest/meta-data", True, False),
        ("https://[fe80::1]/", True, False),
        ("https://[::ffff:10.0.0.1]/", True, False),
        ("https://0.0.0.0/", True, False),
        ("https://kim:secret@shop.example/", False, False),
        ("https://shop.example/#x", False, False),
        ("ftp://shop.example/", True, False),
        ("file:///etc/passwd", True, False),
        ("//shop.example/", True, False),
        ("", True, False),
    ],
)
def test_address_is_on_the_public_web_or_on_this_machine_in_local_mode(url, local, good):
    findings = Findings()
    read_url(url, findings, local=local)
    assert bool(findings) is not good


def test_kinds_are_those_there_are_each_once():
    findings = Findings()
    assert read_kinds(["email.bounced", "email.sent", "email.bounced"], findings) == (
        "bounced",
        "sent",
    )
    assert not findings
    assert "email.delivered" in TYPES
    assert read_kinds(["bounced"], findings) == ()
    assert findings.errors[0].field == "events"


def test_another_address_begins_with_a_clean_slate(desk):
    desk.receiver.usual = 500
    desk.event()
    desk.sender.send(desk.id)
    assert desk.webhook().failing_ms
    changed = desk.hooks.change(desk.id, desk.account.id, url="https://new.example/")
    assert not changed.failing_ms
    desk.clock.advance(ms=DAY_MS)
    desk.sender.send(desk.id)
    assert desk.receiver.got[-1][0] == "https://new.example/"
