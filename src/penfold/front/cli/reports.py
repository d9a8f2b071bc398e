"""penfold reports list|show|tls: what others report about our mail, and how TLS to them went."""

from pathlib import Path
from typing import Annotated, Any

import typer

from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    ROW_MAX,
    AsJson,
    DataDir,
    print_json,
    print_rows,
    show_text,
    show_time,
)
from penfold.ports.reports import KeptReport, ReportKind

Id = Annotated[
    int,
    typer.Argument(
        min=1, max=ROW_MAX, metavar="ID", help="The id, as `penfold reports list` shows it."
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="How many at most.")]


def reports_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold reports`."""
    commands = typer.Typer(
        help="Reports: what others say of our mail. Anybody can send one.",
        no_args_is_help=True,
    )

    @commands.command("list")
    def list_(
        *,
        kind: Annotated[
            ReportKind | None,
            typer.Option(metavar="KIND", help=f"Only these: {', '.join(ReportKind)}."),
        ] = None,
        limit: Limit = 100,
        before: Annotated[
            int | None,
            typer.Option(
                min=1, max=ROW_MAX, metavar="ID", help="Only older than this one: the next page."
            ),
        ] = None,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """List reports, newest first.

        Who reported, for which domain, and how many messages (sessions in TLS reports) passed and
        failed. They come to `reports_address` of penfold.toml.
        """
        with doors.open_reports(Path(data)) as book:
            rows = [_row(x) for x in book.list_reports(kind=kind, before=before, limit=limit)]
        columns = ("id", "kind", "received", "reporter", "domain", "passed", "failed")
        print_rows(rows, columns, as_json=as_json, none="There is none.")

    @commands.command("show")
    def show(report_id: Id, *, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """Show one report: from which addresses mail came, or what went wrong."""
        with doors.open_reports(Path(data)) as book:
            kept = book.get_report(report_id)
        if as_json:
            print_json(_row(kept) | _details(kept))
        else:
            _show(kept)

    _add_tls(commands, doors)
    return commands


def _add_tls(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("tls")
    def tls(*, limit: Limit = 1_000, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """Show how TLS with other servers went.

        By day (UTC) and domain. result: "success", or the words of RFC 8460. A running server adds
        to it once a minute. These figures are sent to nobody.
        """
        with doors.open_reports(Path(data)) as book:
            rows = [
                {
                    "day": each.day,
                    "domain": each.domain,
                    "policy": each.policy,
                    "host": each.host,
                    "result": each.result or "success",
                    "sessions": count,
                }
                for each, count in book.list_tls(limit=limit)
            ]
        columns = ("day", "domain", "policy", "host", "result", "sessions")
        print_rows(rows, columns, as_json=as_json, none="There is nothing yet.")


def _row(kept: KeptReport) -> dict[str, Any]:
    report = kept.report
    return {
        "id": kept.id,
        "kind": report.kind.value,
        "received": show_time(kept.at_ms),
        "reporter": report.reporter,
        "domain": report.domain,
        "passed": report.passed,
        "failed": report.failed,
        "sender": kept.sender,
        "report_id": report.report_id,
        "begin": show_time(report.begin_ms) if report.begin_ms else None,
        "end": show_time(report.end_ms) if report.end_ms else None,
    }


def _details(kept: KeptReport) -> dict[str, Any]:
    report = kept.report
    return {
        "sources": [
            {"address": each.address, "passed": each.passed, "failed": each.failed}
            for each in report.sources
        ],
        "findings": [
            {"what": each.what, "where": each.where, "count": each.count}
            for each in report.findings
        ],
        "left_out": report.left_out,
        "about": dict(report.about),
    }


def _show(kept: KeptReport) -> None:
    fields = [*_row(kept).items(), *kept.report.about]
    rows = [{"field": name, "value": value} for name, value in fields if value is not None]
    print_rows(rows, ("field", "value"), as_json=False)
    details = _details(kept)
    for name, columns in (
        ("sources", ("address", "passed", "failed")),
        ("findings", ("what", "where", "count")),
    ):
        if details[name]:
            typer.echo("")
            print_rows(details[name], columns, as_json=False)
    if kept.report.left_out:
        typer.echo(f"\nand {kept.report.left_out} more that are not kept")
    typer.echo(f"Sent by {show_text(kept.sender)}; nothing proves it.", err=True)
