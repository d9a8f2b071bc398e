"""penfold domain check: what the DNS should say about a domain, what it says, what to change."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from penfold.domain.dns_advice.row import Report, Row
from penfold.front.cli.domain_keys import Name
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    print_json,
    print_rows,
    show_text,
)


def add_check_command(commands: typer.Typer, doors: Doors) -> None:
    """Add `penfold domain check`."""

    @commands.command("check")
    def check(
        name: Name,
        *,
        zone: Annotated[
            bool,
            typer.Option("--zone", help="Print only the lines the zone file lacks, to paste."),
        ] = False,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Show the DNS records a domain wants, what is there and what to change.

        A DKIM key that waits signs from now on if its record is there. In local mode nothing is
        looked up. Exit code 1 when something that mail needs is missing or could not be found out.
        """
        report = doors.check_domain(Path(data), name)
        if as_json:
            print_json([_document(row, looked=report.looked) for row in report.rows])
        elif zone:
            for line in _list_lacking(report):
                typer.echo(line)
        else:
            _show(report)
        for selector in report.begun:
            typer.echo(f"Mail is signed with {selector} from now on.", err=True)
        if not report.looked:
            said = "Local mode: nothing was looked up. This is what production mode would want."
            typer.echo(said, err=True)
        if report.is_bad:
            raise typer.Exit(1)


def _document(row: Row, *, looked: bool) -> dict[str, object]:
    return {
        "check": row.what,
        "name": row.name,
        "required": row.required,
        "ok": row.ok,
        "state": _state(row) if looked else "wanted",
        "wanted": row.wanted,
        "found": row.found,
        "advice": row.advice,
    }


def _state(row: Row) -> str:
    if row.ok is None:
        return "unknown"
    if row.ok:
        return "ok"
    word = "wrong" if row.found else "missing"
    return word if row.required else f"{word} (optional)"


def _list_lacking(report: Report) -> list[str]:
    # What could not be found out may be there: a second SPF record would break the first.
    rows = (row for row in report.rows if row.ok is False or not report.looked)
    return [line for row in rows for line in row.wanted if line not in row.found]


def _show(report: Report) -> None:
    if not report.looked:
        for line in _list_lacking(report):
            typer.echo(line)
        return
    rows = [{"check": row.what, "name": row.name, "state": _state(row)} for row in report.rows]
    print_rows(rows, ("check", "name", "state"), as_json=False, cut=("name",))
    for row in report.rows:
        if not row.ok or row.advice:
            _explain(row)
    typer.echo(f"\n{_sum_up(report.rows)}")


def _explain(row: Row) -> None:
    title = f"{row.what} {row.name}".rstrip()
    typer.echo(f"\n{title}: {_state(row)}. {show_text(row.advice)}".rstrip())
    for text in row.found:
        typer.echo(f"  found   {show_text(text)}")
    if not row.ok:
        for line in row.wanted:
            typer.echo(f"  wanted  {show_text(line)}")


def _sum_up(rows: Sequence[Row]) -> str:
    bad = sum(row.is_bad for row in rows)
    if not bad:
        return "All that mail needs is there."
    return f"{bad} of {len(rows)} need a change or another look."
