"""What a person can do next about a mail that was traced. One line each, the most urgent first."""

from collections.abc import Iterator
from typing import Final

from penfold.domain.tracing.values import AddressTrace, Coverage, MailTrace, Sending
from penfold.front.cli.output import show_text, show_time
from penfold.ports.queue import Destination, QueueRow, QueueState
from penfold.proto.address import domain_of

#: Rows that are named one by one; more of the same help nobody.
_NAMED: Final = 3
#: Lines about the rows of one mail.
_LINES: Final = 10


def advise_mail(trace: MailTrace, now_ms: int) -> list[str]:
    """Return what to do about one mail; nothing when all of it is done."""
    lines = list(_advise_missing(trace))
    if trace.waiting:
        lines.append(
            "It waits in an outbox: a mailbox it goes to, or the queue, could not take it. The "
            "server tries again every minute; `penfold data verify` looks for damage."
        )
    for sending in trace.sendings:
        lines += _advise_sending(sending, now_ms)
    return [*list(dict.fromkeys(lines))[:_LINES], *_advise_coverage(trace.coverage)]


def advise_address(trace: AddressTrace, now_ms: int) -> list[str]:
    """Return what to do about the mail of an address."""
    lines: list[str] = []
    if trace.local and not trace.accounts:
        lines.append(
            "Nobody here has this address, so its mail is refused (550 5.1.1): `penfold user add` "
            "or `penfold alias add` changes that."
        )
    suspended = [each.address for each in trace.accounts if each.suspended]
    lines += [f"{each} is suspended: its mail is refused (550 5.1.1)." for each in suspended]
    lines += _advise_destination(trace.destination, now_ms)
    rows = [row for entry in trace.entries for row in entry.rows]
    lines += [
        f"Why {show_text(row.recipient)} did not get one: penfold queue show {row.id}"
        for row in rows
        if row.state is QueueState.FAILED
    ][:_NAMED]
    if trace.local and trace.accounts and not trace.entries:
        lines += _say_refused(domain_of(trace.address))
    return [*lines, *_advise_coverage(trace.coverage)]


def _advise_missing(trace: MailTrace) -> Iterator[str]:
    if trace.is_empty:
        yield "No mailbox, outbox or queue row here has it."
        yield from _say_refused("DOMAIN")


def _say_refused(domain: str) -> Iterator[str]:
    yield (
        "Mail that was refused is not kept; the server's log has a line for each SMTP transaction, "
        "with the sender, the recipients and the reply."
    )
    yield f"If nobody even connects: penfold domain check {domain} tells what senders find."


def _advise_sending(sending: Sending, now_ms: int) -> Iterator[str]:
    row = sending.row
    match row.state:
        case QueueState.QUEUED:
            yield from _advise_queued(row, sending.destination, now_ms)
        case QueueState.FAILED:
            blame = sending.attempts[-1].facts.blame if sending.attempts else ""
            whose = f" (up to: {blame})" if blame and blame != "nobody" else ""
            yield (
                f"{show_text(row.recipient)} did not get it{whose}: `penfold queue show {row.id}` "
                f"has the conversation, `penfold queue retry {row.id}` tries again."
            )
        case QueueState.CAPTURED:
            yield "Captured: local mode never sends. `domains` in penfold.toml makes it a server."
        case QueueState.CANCELLED:
            yield f"{show_text(row.recipient)} does not get it: row {row.id} was cancelled by hand."
        case QueueState.SENT:
            pass


def _advise_queued(row: QueueRow, destination: Destination | None, now_ms: int) -> Iterator[str]:
    if destination is not None and destination.held_ms > now_ms:
        yield from _advise_destination(destination, now_ms)
    elif row.next_attempt_ms > now_ms:
        yield (
            f"{show_text(row.recipient)} is tried again at "
            f"{show_time(row.next_attempt_ms)}; `penfold queue retry {row.id}` tries at once."
        )
    else:
        yield f"{show_text(row.recipient)} is due now; does `penfold serve` run?"


def _advise_destination(destination: Destination | None, now_ms: int) -> Iterator[str]:
    if destination is None:
        return
    if destination.held_ms > now_ms:
        yield (
            f"{destination.domain} is held until {show_time(destination.held_ms)}: "
            f"{show_text(destination.why)}. `penfold queue release {destination.domain}` tries "
            "at once."
        )
    else:
        yield (
            f"Mail waits for {destination.domain}, next at {show_time(destination.due_ms)}: "
            f"penfold queue list --domain {destination.domain}"
        )


def _advise_coverage(coverage: Coverage) -> Iterator[str]:
    for address in coverage.unreadable[:_NAMED]:
        yield f"The mailbox of {address} cannot be read now: `penfold data verify` looks closer."
    if len(coverage.unreadable) > _NAMED:
        yield f"{len(coverage.unreadable) - _NAMED} more mailboxes cannot be read."
