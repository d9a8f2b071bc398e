"""What a person reads of a trace: a mail's stations from its arrival on; an address's mails."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import typer

from penfold.domain.tracing.values import (
    AddressTrace,
    Copy,
    Coverage,
    Entry,
    MailTrace,
    Notice,
    Sending,
)
from penfold.front.cli.output import print_rows, show_text, show_time
from penfold.front.cli.trace_advice import advise_address, advise_mail

#: Recipients, and mailboxes that have the same mail, named in one line.
_NAMED: Final = 5
_COLUMNS: Final = ("when", "from", "to", "subject", "state", "id")
_CUT: Final = ("from", "to", "subject", "state")


def print_mail_trace(trace: MailTrace, now_ms: int) -> None:
    subject = next((copy.subject for copy in trace.copies), "")
    subject = subject or next((each.row.subject for each in trace.sendings), "")
    typer.echo(f"<{show_text(trace.header_id)}>" if trace.header_id else "(no Message-ID)")
    if subject:
        typer.echo(f"Subject: {show_text(subject)}")
    _print_part("In mailboxes here", (line for each in trace.copies for line in _tell_copy(each)))
    if trace.more:
        typer.echo("  … and in more than these; --json shows no more either.")
    _print_part(
        "Waits in an outbox",
        (
            f"{show_time(each.created_ms)}  {each.mailbox}, row {each.number}, for "
            f"{_name(each.recipients)}"
            for each in trace.waiting
        ),
    )
    _print_part("Out of here", (line for each in trace.sendings for line in _tell_sending(each)))
    _print_part("Came back", (line for each in trace.notices for line in _tell_notice(each)))
    _print_end(advise_mail(trace, now_ms), trace.coverage)


def print_address_trace(trace: AddressTrace, now_ms: int) -> None:
    who = _name([each.address for each in trace.accounts])
    if who and who != trace.address:
        typer.echo(f"{trace.address} leads to {who}.", err=True)
    rows = [_make_row(each, trace.address) for each in trace.entries]
    print_rows(rows, _COLUMNS, as_json=False, none="No mail from or to it.", cut=_CUT)
    _print_end(advise_address(trace, now_ms), trace.coverage)


def _print_part(title: str, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        if number == 0:
            typer.echo(f"\n{title}")
        typer.echo(f"  {line}")


def _print_end(advice: list[str], coverage: Coverage) -> None:
    _print_part("What to do", advice)
    left = coverage.accounts - coverage.looked - len(coverage.unreadable)
    if coverage.accounts > 1 and left:
        typer.echo(f"\nLooked into {coverage.looked} of {coverage.accounts} mailboxes.", err=True)


def _tell_copy(copy: Copy) -> Iterator[str]:
    labels = show_text(", ".join(copy.labels)) or "archived"
    yield f"{show_time(copy.at_ms)}  {copy.mailbox}  {labels}  (message {copy.id})"
    # The last field was written first.
    for name, value in reversed(copy.fields):
        yield f"    {name}: {show_text(value)}"


def _tell_sending(sending: Sending) -> Iterator[str]:
    row = sending.row
    yield (
        f"{show_time(row.created_ms)}  to {show_text(row.recipient)}: {row.state}"
        f"  (queue {row.id}, from {show_text(row.sender) or '<>'})"
    )
    hidden = sending.tries - len(sending.attempts)
    if hidden > 0:
        yield f"    … {hidden} earlier: penfold queue show {row.id}"
    for attempt in sending.attempts:
        kind = f"{attempt.kind}: " if attempt.kind else ""
        yield f"    {show_time(attempt.at_ms)}  {kind}{show_text(attempt.outcome)}"
        for tried in attempt.facts.tried[-1:]:
            tls = tried.tls or "in clear"
            yield f"        at {tried.host} [{tried.address}]:{tried.port}, {tls}"


def _tell_notice(notice: Notice) -> Iterator[str]:
    copy = notice.copy
    yield (
        f"{show_time(copy.at_ms)}  {copy.mailbox}  from {show_text(copy.sender)}"
        f"  (message {copy.id})"
    )
    for each in notice.recipients[:_NAMED]:
        words = f"{each.action.value} {each.status} {each.diagnostic}".rstrip()
        yield f"    {show_text(each.original or each.final)}: {show_text(words)}"


def _make_row(entry: Entry, address: str) -> dict[str, Any]:
    copy = entry.copy
    if copy is None:
        row = entry.rows[0]
        sender, to, subject = row.sender or "<>", row.recipient, row.subject
    else:
        sender, to, subject = copy.sender, copy.to, copy.subject
    return {
        "when": show_time(entry.at_ms),
        "from": sender,
        "to": to,
        "subject": subject,
        "state": _tell_state(entry, address),
        "id": copy.id if copy else f"queue {entry.rows[0].id}",
    }


def _tell_state(entry: Entry, address: str) -> str:
    """Return where an entry is, in a few words; a mailbox is named if it is not the address's."""
    states = Counter(row.state.value for row in entry.rows)
    words = [f"{count} {state}" if count > 1 else state for state, count in states.items()]
    if entry.waiting:
        words.append("waits in the outbox")
    if entry.copy is not None and not entry.copy.sent:
        labels = ", ".join(entry.copy.labels) or "the archive"
        of = "" if entry.copy.mailbox == address else f" of {entry.copy.mailbox}"
        words.append(f"in {labels}{of}")
    return ", ".join(words) or "delivered here"


def _name(addresses: Iterable[str]) -> str:
    """Return some addresses in one line, and how many more there are."""
    named = list(addresses)
    rest = len(named) - _NAMED
    shown = show_text(", ".join(named[:_NAMED]))
    return f"{shown} and {rest} more" if rest > 0 else shown
