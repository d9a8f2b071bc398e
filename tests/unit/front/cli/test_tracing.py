"""penfold trace: what it takes for what, what it prints, and what it advises."""

import contextlib
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.front.cli.test_commands import ACCOUNT, Bench
from tests.unit.world import mail

from penfold.base.clock import FixedClock
from penfold.base.errors import NotFoundError, ParseError
from penfold.base.labels import SENT
from penfold.domain.mailbox.messages import add_letter, read_letter
from penfold.front.cli.moments import parse_moment
from penfold.ports.queue import Attempt, Facts, NewQueueRow, QueueState, Tried

NOW = FixedClock().now_ms()
ID = "one@penfold.test"
LEE = "lee@elsewhere.example"
TRIED = Tried(
    "mx.elsewhere.example", "192.0.2.1", 25, "opportunistic", "none", "rcpt", "refused", "reply"
)


class Traced(Bench):
    """A command line with an account and its mailbox."""

    def __init__(self):
        super().__init__()
        self.kim = self.identity.accounts.add(ACCOUNT)

    def store(self, raw, *labels):
        """Put a message into the mailbox and return its id."""
        row = self.mailboxes.change(
            self.kim.id,
            lambda box: add_letter(
                box,
                read_letter(raw),
                labels=frozenset(labels),
                thread_id=None,
                internal_ms=NOW,
                now_ms=NOW,
                chance=random.Random(3),
            ),
        )
        return f"{row.id:x}"

    def queue_up(self, recipient=LEE, *, state=QueueState.QUEUED, message_id=ID, number=1):
        row = NewQueueRow(
            origin=self.kim.id,
            number=number,
            sender=ACCOUNT,
            recipient=recipient,
            subject="Figures",
            raw=b"x",
            created_ms=NOW,
            message_id=message_id,
        )
        [row_id] = self.queue.add([row], state=state)
        return row_id

    def advice(self, target):
        return self.run("trace", target, "--json"), self.run("trace", target).output


@pytest.fixture
def bench():
    return Traced()


def sent_mail(bench):
    raw = mail("Figures\x1b[31m", message_id=ID, sender=ACCOUNT, to=LEE, Received="by \x1bmx")
    return bench.store(raw, SENT)


def test_a_mail_is_found_by_its_message_id_in_brackets_or_not_and_by_the_id_of_the_api(bench):
    message = sent_mail(bench)
    shown = [bench.out("trace", target) for target in (f"<{ID}>", ID, message)]
    assert shown[0] == shown[1] == shown[2]
    assert f"<{ID}>" in shown[0]
    assert f"{ACCOUNT}  SENT  (message {message})" in shown[0]
    assert "Received: by" in shown[0]
    assert "\x1b" not in shown[0]


def test_every_attempt_is_shown_with_where_it_went(bench):
    row = bench.queue_up()
    attempt = Attempt(
        NOW, "550 5.1.1 no such user\x1b", "C: QUIT", "invalid_recipient",
        Facts(tried=(TRIED,), blame="address"),
    )  # fmt: skip
    bench.queue.add_attempt(row, attempt, state=QueueState.FAILED)
    shown = bench.out("trace", ID)
    assert f"to {LEE}: failed  (queue {row}, from {ACCOUNT})" in shown
    assert "invalid_recipient: 550 5.1.1 no such user\\x1b" in shown
    assert "at mx.elsewhere.example [192.0.2.1]:25, in clear" in shown
    assert f"(up to: address): `penfold queue show {row}` has the conversation" in shown
    assert "C: QUIT" not in shown  # that is queue show's
    [sending] = bench.json("trace", ID)["queue"]
    assert sending["attempts"][0]["facts"]["tried"][0]["host"] == "mx.elsewhere.example"


@pytest.mark.parametrize(
    ("state", "next_ms", "advice"),
    [
        (QueueState.QUEUED, NOW + 60_000, "is tried again at 2026-09-21T14:14:20Z; `penfold queue retry 1`"),
        (QueueState.QUEUED, NOW, "is due now; does `penfold serve` run?"),
        (QueueState.CAPTURED, NOW, "Captured: local mode never sends"),
        (QueueState.CANCELLED, NOW, "row 1 was cancelled by hand"),
        (QueueState.SENT, NOW, None),
    ],
    ids=["later", "due", "captured", "cancelled", "sent"],
)  # fmt: skip
def test_what_comes_next_is_said_of_each_state(bench, state, next_ms, advice):
    bench.queue_up(state=state)
    if state is QueueState.QUEUED and next_ms > NOW:
        bench.queue.take(now_ms=NOW, lease_ms=next_ms - NOW, limit=1)
    found = bench.json("trace", ID)["next"]
    assert len(found) == (1 if advice else 0)
    assert all(advice in line for line in found)


def test_a_held_domain_is_named_with_why_and_what_lets_it_go(bench):
    bench.queue_up()
    bench.queue.hold("elsewhere.example", until_ms=NOW + 60_000, why="421 too\x1bmany")
    for target in (ID, LEE):
        shown = bench.out("trace", target)
        assert "elsewhere.example is held until 2026-09-21T14:14:20Z: 421 too\\x1bmany" in shown
        assert "`penfold queue release elsewhere.example` tries at once." in shown


def test_a_mail_that_is_nowhere_is_exit_code_1_and_advice(bench):
    result = bench.run("trace", "<none@x.example>")
    assert result.exit_code == 1
    assert "No mailbox, outbox or queue row here has it." in result.output
    assert "penfold domain check DOMAIN" in result.output
    assert bench.run("trace", "<none@x.example>", "--json").exit_code == 1


def test_mail_of_an_address_is_a_table_and_each_has_its_state(bench):
    message = sent_mail(bench)
    bench.queue_up(state=QueueState.SENT)
    bench.queue_up("pat@elsewhere.example", state=QueueState.FAILED)
    [line] = [line for line in bench.out("trace", ACCOUNT).splitlines() if message in line]
    assert line.split("\t")[2:] == [LEE, "Figures[31m", "sent, failed", message]
    assert "Why pat@elsewhere.example did not get one: penfold queue show 2" in bench.out(
        "trace", ACCOUNT
    )
    [found] = bench.json("trace", ACCOUNT)["mails"]
    assert [row["state"] for row in found["queue"]] == ["sent", "failed"]


def test_an_address_elsewhere_shows_what_is_only_in_the_queue(bench):
    row = bench.queue_up(message_id="")
    [line] = [each for each in bench.out("trace", LEE).splitlines() if "\t" in each]
    assert line.split("\t")[1:] == [ACCOUNT, LEE, "Figures", "queued", f"queue {row}"]
    assert "Mail waits for elsewhere.example" in bench.out("trace", LEE)


def test_an_address_without_mail_says_why_that_may_be(bench):
    assert "Mail that was refused is not kept" in bench.run("trace", ACCOUNT).output
    assert "Nobody here has this address" in bench.run("trace", "nobody@penfold.test").output
    bench.identity.accounts.set_suspended(ACCOUNT, suspended=True)
    assert f"{ACCOUNT} is suspended" in bench.run("trace", ACCOUNT).output
    assert bench.run("trace", "who@elsewhere.example").exit_code == 1


def test_an_alias_says_where_it_leads(bench):
    bench.out("alias", "add", "team@penfold.test", ACCOUNT)
    assert (
        f"team@penfold.test leads to {ACCOUNT}." in bench.run("trace", "team@penfold.test").stderr
    )


def test_only_the_mailboxes_that_are_named_are_looked_into(bench):
    message = sent_mail(bench)
    bench.out("user", "add", "lou@penfold.test")
    for target in (f"<{ID}>", message, "unknown@elsewhere.example"):
        found = bench.run("trace", target, "--in", "lou@penfold.test", "--json")
        assert (found.exit_code, json.loads(found.stdout)["mailboxes"]["of"]) == (1, 1)
        assert bench.run("trace", target, "--in", ACCOUNT).exit_code == (target[0] == "u")
    assert isinstance(bench.error("trace", ID, "--in", "x@penfold.test"), NotFoundError)


def test_only_what_is_newer_is_shown(bench):
    sent_mail(bench)
    assert bench.json("trace", ACCOUNT, "--since", "1h")["mails"]
    assert bench.run("trace", ACCOUNT, "--since", "2027-01-01").exit_code == 1
    assert isinstance(bench.error("trace", ACCOUNT, "--since", "yesterday"), ParseError)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", NOW - 1_800_000),
        ("12h", NOW - 43_200_000),
        ("7d", NOW - 604_800_000),
        ("2w", NOW - 1_209_600_000),
        ("2026-09-21", 1_789_948_800_000),
        ("2026-09-21T02:00:00+02:00", 1_789_948_800_000),
    ],
)
def test_moments_are_read_as_people_type_them(text, moment):
    assert parse_moment(text, now_ms=NOW) == moment


@given(st.text(alphabet="0123456789mhdw-:TZ+. é", max_size=30))
def test_any_text_is_a_moment_or_refused(text):
    with contextlib.suppress(ParseError):
        assert isinstance(parse_moment(text, now_ms=NOW), int)


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7D", "9999999d", "2026-13-01", "1e3h"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ParseError):
        parse_moment(text, now_ms=NOW)
