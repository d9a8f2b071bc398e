"""penfold queue: mail for other domains, and every try to deliver it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    ROW_MAX,
    AsJson,
    DataDir,
    print_json,
    print_rows,
    show_time,
)
from penfold.front.cli.queue_destinations import add_destination_commands, parse_name, say_held
from penfold.ports.queue import Attempt, QueueRow, QueueState

Id = Annotated[
    int,
    typer.Argument(
        min=1, max=ROW_MAX, metavar="ID", help="The id, as `penfold queue list` shows it."
    ),
]


def queue_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold queue`."""
    commands = typer.Typer(help="The outbound queue: mail for other domains.", no_args_is_help=True)

    _add_list(commands, doors)
    _add_show(commands, doors)
    add_destination_commands(commands, doors)

    @commands.command("retry")
    def retry(row_id: Id, *, data: DataDir = DATA_DEFAULT) -> None:
        """Try a waiting or failed message now."""
        with doors.open_queue(Path(data)) as queue:
            queue.retry(row_id, now_ms=doors.now_ms())
        typer.echo(f"Message {row_id} is due now.")

    @commands.command("cancel")
    def cancel(row_id: Id, *, data: DataDir = DATA_DEFAULT) -> None:
        """Give a waiting message up."""
        with doors.open_queue(Path(data)) as queue:
            queue.cancel(row_id)
        typer.echo(f"Message {row_id} is cancelled.")

    return commands


def _add_list(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("list")
    def list_(
        *,
        state: Annotated[
            QueueState | None,
            typer.Option(metavar="STATE", help=f"Only these: {', '.join(QueueState)}."),
        ] = None,
        domain: Annotated[
            str | None, typer.Option(metavar="DOMAIN", help="Only mail to this domain.")
        ] = None,
        due: Annotated[
            bool, typer.Option("--due", help="Only what waits and is due by now.")
        ] = False,
        limit: Annotated[
            int, typer.Option(min=1, max=10_000, metavar="N", help="How many at most.")
        ] = 100,
        before: Annotated[
            int | None,
            typer.Option(
                min=1, max=ROW_MAX, metavar="ID", help="Only older than this one: the next page."
            ),
        ] = None,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """List messages, newest first, and below them the domains that are held."""
        now_ms = doors.now_ms()
        with doors.open_queue(Path(data)) as queue:
            found = queue.list_rows(
                state=state,
                domain=None if domain is None else parse_name(domain),
                due_ms=now_ms if due else None,
                before=before,
                limit=limit,
            )
            held = list(say_held(queue, now_ms))
        rows = [_row(each) for each in found]
        columns = ("id", "state", "created", "sender", "recipient", "size", "subject")
        print_rows(rows, columns, as_json=as_json, none="There is none.")
        for line in () if as_json else held:
            typer.echo(line, err=True)


def _add_show(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("show")
    def show(
        row_id: Id,
        *,
        raw: Annotated[
            bool, typer.Option("--raw", help="Print the message's octets only.")
        ] = False,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Show one message and every attempt to deliver it."""
        with doors.open_queue(Path(data)) as queue:
            row = queue.get_row(row_id)
            if raw:
                octets = queue.get_raw(row_id)
            attempts = queue.list_attempts(row_id)
        if raw:
            typer.get_binary_stream("stdout").write(octets)
        elif as_json:
            print_json({**_row(row), "attempts": [_attempt(each) for each in attempts]})
        else:
            _show(row, attempts)


def _row(row: QueueRow) -> dict[str, object]:
    return {
        "id": row.id,
        "state": row.state.value,
        "created": show_time(row.created_ms),
        "next_attempt": show_time(row.next_attempt_ms) if row.state is QueueState.QUEUED else None,
        "sender": row.sender,
        "recipient": row.recipient,
        "size": row.size,
        "subject": row.subject,
        "mailbox": row.origin,
        "number": row.number,
        "notify": ",".join(row.report.notify) or None,
        "envelope_id": row.options.envid or None,
        "require_tls": row.options.require_tls or None,
        "told": row.told.value or None,
    }


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "at": show_time(attempt.at_ms),
        "kind": attempt.kind or None,
        "outcome": attempt.outcome,
        "facts": msgspec.to_builtins(attempt.facts),
        "transcript": attempt.transcript,
    }


def _show(row: QueueRow, attempts: list[Attempt]) -> None:
    rows = [{"field": name, "value": value} for name, value in _row(row).items()]
    print_rows(
        [each for each in rows if each["value"] is not None], ("field", "value"), as_json=False
    )
    if row.state is QueueState.CAPTURED:
        typer.echo("\nCaptured: kept here and never sent. --raw prints the message.")
    elif not attempts:
        typer.echo("\nNobody has tried to deliver it yet.")
    for attempt in attempts:
        kind = f"{attempt.kind}: " if attempt.kind else ""
        typer.echo(f"\n{show_time(attempt.at_ms)}  {kind}{_clean(attempt.outcome)}")
        for line in (*_explain(attempt), *attempt.transcript.splitlines()):
            typer.echo(f"    {_clean(line)}")


def _explain(attempt: Attempt) -> Iterator[str]:
    """Yield how an attempt went, a line for each thing that was found out."""
    facts = attempt.facts
    yield from (f"DNS  {line}" for line in facts.dns)
    for tried in facts.tried:
        tls = tried.tls or "in clear"
        again = ", over a connection used before" if tried.reused else ""
        yield f"at   {tried.host} [{tried.address}]:{tried.port}, {tried.ms} ms{again}"
        yield f"TLS  {tls} (wanted: {tried.demand}, by {tried.policy})"
        if tried.text not in attempt.outcome:
            yield f"said {tried.text}"
    if facts.rule:
        yield f"rule {facts.rule}" + (f", up to: {facts.blame}" if facts.blame != "nobody" else "")


def _clean(text: str) -> str:
    """Return the text with what could move a terminal's cursor made visible."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
