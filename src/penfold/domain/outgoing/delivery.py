"""What came of an attempt to deliver, and what happens to the row: pure.

An attempt calls the servers of a domain one after the other until one of them decides
(`is_decided`). `conclude` then finds the server whose word counts, the class of what it said
(proto.smtp.outcomes), and whether the row is done or when it is tried again.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.limits import DELAY_NOTICE_AFTER_MS, DELIVERY_LIFE_S
from penfold.domain.outgoing.relaying import is_about_login, is_about_relay
from penfold.domain.outgoing.retrying import find_next_attempt
from penfold.ports.queue import (
    SENDING,
    Attempt,
    Facts,
    Lease,
    QueueRow,
    QueueState,
    Settlement,
    Told,
    Tried,
)
from penfold.proto.exchangers import Route, Verdict
from penfold.proto.mime.dates import format_date
from penfold.proto.smtp.client.outcome import Fate, Reason, Result
from penfold.proto.smtp.client.transaction import Envelope, Recipient
from penfold.proto.smtp.outcomes.classify import Blame, Outcome, Retry, classify, find_provider
from penfold.proto.smtp.outcomes.rule import Kind
from penfold.proto.smtp.stage import Stage

#: What a server says of itself before it knows the message: the next one may think otherwise.
_ABOUT_ITSELF: Final = frozenset({Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.STARTTLS})
#: RFC 3463 §3.5, §3.8 for what we noticed ourselves.
_STATUS_OF: Final = {
    Reason.CLOSED: "4.4.2",
    Reason.TIMEOUT: "4.4.1",
    Reason.NONSENSE: "4.5.0",
    Reason.STOPPED: "4.3.2",
    Reason.TLS_NOT_OFFERED: "4.7.4",
    Reason.TLS_FAILED: "4.7.5",
    Reason.TLS_UNVERIFIED: "4.7.5",
    Reason.AUTH_UNSAFE: "4.7.5",
    Reason.NO_MECHANISM: "4.7.4",
    Reason.NO_LOGIN: "4.7.0",
}
#: What the sender may read of it; the rest names files of this server, and stays with the attempt.
_WORDS_OF: Final = {Reason.NO_LOGIN.value: "the login of this server cannot be used now"}
_NOBODY_REACHED: Final = "4.4.1"
_DNS_WORDS: Final = {
    Verdict.NO_DOMAIN: "the domain {domain} does not exist",
    Verdict.NULL_MX: "the domain {domain} says that it takes no mail",
    Verdict.NO_ADDRESS: "no server takes mail for {domain}",
    Verdict.LOOP: "mail for {domain} would come back to this server",
    Verdict.FORBIDDEN: "the servers of {domain} have addresses mail must not go to",
    Verdict.NO_ANSWER: "the DNS does not say where mail for {domain} goes",
}


class Trail(Struct, frozen=True):
    """The way of one attempt. dns, tried: as in ports.queue.Facts. transcript: what was said.
    relay: the name of the relay that was called, "" for a domain's own servers.
    """

    route: Route
    dns: tuple[str, ...] = ()
    tried: tuple[Tried, ...] = ()
    transcript: str = ""
    relay: str = ""


class Conclusion(Struct, frozen=True):
    """settlement: for the queue. outcome: what it was. reached: whether any server answered.

    relay: as in Trail, with whose fault it is: about_relay when it is not the message's,
    about_login when the operator has to mend our login.
    """

    settlement: Settlement
    outcome: Outcome
    reached: bool
    relay: str = ""
    about_relay: bool = False
    about_login: bool = False


def make_envelope(row: QueueRow, sender: str) -> Envelope:
    """Return the envelope a row travels in, with its sender's wishes (RFC 3461 §5.2, RFC 8689).

    sender: the reverse-path, the row's own or one in its place.
    """
    original = row.report.find_original()
    recipient = Recipient(
        row.recipient,
        notify=row.report.notify,
        original=f"{original.kind};{original.address}" if original else "",
    )
    options = row.options
    return Envelope(
        sender,
        (recipient,),
        ret=options.ret,
        envelope_id=options.envid,
        require_tls=options.require_tls,
    )


def is_decided(result: Result) -> bool:
    """Return whether no other server of the domain is asked (RFC 5321 §5.1).

    What was perhaps accepted is never offered to another: that could deliver it twice. A login
    that fails at one address of a relay fails at the next.
    """
    if result.fate in (Fate.ACCEPTED, Fate.UNKNOWN) or result.stage is Stage.AUTH:
        return True
    if result.fate is Fate.FAILED or result.reason is Reason.NEEDS_REQUIRETLS:
        return False
    if result.stage in _ABOUT_ITSELF:
        return False
    return result.fate is not Fate.DEFERRED or result.stage is not Stage.MAIL


def find_status(result: Result) -> str:
    """Return the enhanced code of a result, ours where the server gave none."""
    if result.code or result.enhanced:
        return result.enhanced
    return _STATUS_OF.get(result.reason, _NOBODY_REACHED)


def conclude(lease: Lease, trail: Trail, *, now_ms: int, chance: Chance) -> Conclusion:
    """Return what an attempt that began at now_ms means for its row."""
    told = find_decisive(trail.tried)
    outcome, words = _judge(trail.route, told)
    stage, code = (Stage(told.stage), told.code) if told else (Stage.DNS, 0)
    about_relay = bool(trail.relay) and is_about_relay(stage, code)
    if about_relay:
        outcome, words = _put_down_to_relay(outcome), f"relay {trail.relay}: {words}"
    state, next_ms = QueueState.SENT, 0
    if outcome.kind is not Kind.ACCEPTED:
        state = QueueState.FAILED
        due_ms = None if _is_final(outcome, told) else _find_next(lease, outcome, now_ms, chance)
        if due_ms is not None:
            state, next_ms = QueueState.QUEUED, _until(lease.row, due_ms)
        elif not outcome.permanent:
            words = f"given up after {lease.tries} tries, the last: {words}"
    kind = outcome.kind
    if state is QueueState.FAILED and not outcome.permanent:
        kind = Kind.EXPIRED
    facts = Facts(trail.dns, trail.tried, outcome.rule, outcome.blame)
    attempt = Attempt(now_ms, words, trail.transcript, kind, facts)
    reached = any(each.code for each in trail.tried)
    return Conclusion(
        Settlement(lease, attempt, state, next_ms),
        outcome,
        reached,
        relay=trail.relay,
        about_relay=about_relay,
        about_login=about_relay and is_about_login(stage, code),
    )


def explain_held(lease: Lease, why: str, *, until_ms: int, now_ms: int) -> Conclusion | None:
    """Return what is recorded of a row whose relay is left alone; None: it is given back untried.

    Its time may be over, and its sender is to hear once that it is late.
    """
    row = lease.row
    waited_ms = now_ms - row.created_ms
    wants_to_know = not row.report.notify or "DELAY" in row.report.notify
    if waited_ms >= 1_000 * DELIVERY_LIFE_S:
        words = f"given up after {lease.tries} tries, as the relay is left alone: {why}"
        attempt = Attempt(now_ms, words, "", Kind.EXPIRED)
        settlement = Settlement(lease, attempt, QueueState.FAILED)
    elif waited_ms >= DELAY_NOTICE_AFTER_MS and row.told is Told.NOTHING and wants_to_know:
        attempt = Attempt(now_ms, f"not tried, as the relay is left alone: {why}", "", Kind.NETWORK)
        settlement = Settlement(lease, attempt, QueueState.QUEUED, until_ms)
    else:
        return None
    return Conclusion(settlement, classify(Stage.DNS, 0, "4.4.7", why), reached=False)


def explain_over(lease: Lease, *, now_ms: int) -> Conclusion | None:
    """Return what is recorded of a row that is not to be delivered any more; None: it still is."""
    until_ms = lease.row.options.until_ms
    if not 0 < until_ms <= now_ms:
        return None
    words = f"given up: it was not to be delivered after {format_date(until_ms)}"
    attempt = Attempt(now_ms, words, "", Kind.EXPIRED)
    outcome = classify(Stage.DNS, 0, "4.4.7", words)
    return Conclusion(Settlement(lease, attempt, QueueState.FAILED), outcome, reached=False)


def _until(row: QueueRow, due_ms: int) -> int:
    """Return when a row is looked at again: at the latest when its time is over."""
    return min(due_ms, row.options.until_ms or due_ms)


def _put_down_to_relay(outcome: Outcome) -> Outcome:
    """Return the outcome as it is for the message: nothing is final, the operator can mend it."""
    retry = Retry.LATER if outcome.retry is Retry.NO else outcome.retry
    return replace(outcome, permanent=False, suppress=None, retry=retry, blame=Blame.OPERATOR)


def is_news(settlement: Settlement) -> bool:
    """Return whether the sender may want to hear of it (domain.notices decides)."""
    row = settlement.lease.row
    if settlement.state is not QueueState.SENT or row.origin == SENDING:
        return True
    return "SUCCESS" in row.report.notify


def put_off(lease: Lease, error: Exception, *, now_ms: int, chance: Chance) -> Settlement:
    """Return what happens to a row that could not be tried because of an error on this side."""
    next_ms = find_next_attempt(
        now_ms, created_ms=lease.row.created_ms, tries=lease.tries, soon=False, chance=chance
    )
    words = f"not tried, something is wrong on this server: {type(error).__name__}"
    attempt = Attempt(now_ms, words, "", Kind.UNDETERMINED)
    state = QueueState.FAILED if next_ms is None else QueueState.QUEUED
    return Settlement(lease, attempt, state, _until(lease.row, next_ms or 0))


def find_decisive(tried: Sequence[Tried]) -> Tried | None:
    """Return the server whose word counts: who decided, else who at least left the door open, and
    of those who said something.
    """
    if not tried:
        return None
    last = tried[-1]
    if last.fate in (Fate.ACCEPTED, Fate.UNKNOWN) or Stage(last.stage) not in _ABOUT_ITSELF:
        return last
    open_ones = [each for each in tried if each.fate != Fate.REFUSED] or list(tried)
    return next((each for each in reversed(open_ones) if each.code), open_ones[-1])


def _judge(route: Route, told: Tried | None) -> tuple[Outcome, str]:
    """Return the class of what was said, and the words."""
    if told is None:
        if route.verdict is Verdict.HOSTS:
            words, status = "no server of the domain may be given this message now", "4.7.5"
        else:
            words, status = _DNS_WORDS[route.verdict].format(domain=route.domain), route.status
        return classify(Stage.DNS, 0, status, words), f"{status} {words}"
    parts = (
        str(told.code or ""),
        told.enhanced,
        _WORDS_OF.get(told.reason, told.text or told.reason),
    )
    words = " ".join(" ".join(parts).split())
    provider = find_provider(told.host)
    stage, code, enhanced = Stage(told.stage), told.code, told.enhanced
    if code // 100 == 2 and told.fate != Fate.ACCEPTED:
        # A yes to something else, said where the message was not asked for: nobody has it.
        code, enhanced = 0, ""
    return classify(stage, code, enhanced, told.text, provider=provider), words


def _is_final(outcome: Outcome, told: Tried | None) -> bool:
    """Return whether the message will not get there.

    A kept connection may have gone out of step: such a refusal counts only on a new one.
    """
    again = outcome.retry is Retry.NEW_CONNECTION and told is not None and told.reused
    return outcome.permanent and not again


def _find_next(lease: Lease, outcome: Outcome, now_ms: int, chance: Chance) -> int | None:
    return find_next_attempt(
        now_ms,
        created_ms=lease.row.created_ms,
        tries=lease.tries,
        soon=outcome.kind in (Kind.NETWORK, Kind.GREYLISTED),
        chance=chance,
        named_s=outcome.wait_s,
    )
