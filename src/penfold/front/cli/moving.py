"""penfold import, penfold export: mail from files and to a file."""

import contextlib
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import typer

from penfold.base.collector import calm_collector
from penfold.domain.access.aliases import list_own_aliases
from penfold.domain.mailbox.exporting import Exported
from penfold.domain.mailbox.importing import Tally
from penfold.front.cli.doors import Doors
from penfold.front.cli.interrupts import until_interrupted
from penfold.front.cli.output import (
    DATA_DEFAULT,
    Address,
    DataDir,
    WrongUseError,
    print_json,
    show_text,
)
from penfold.front.cli.progress import Progress
from penfold.ports.audit import Event
from penfold.ports.moving import Format

_FORMATS: Final[tuple[str, ...]] = get_args(Format)
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]


def add_import_command(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("import")
    def import_(
        address: Address,
        files: Annotated[
            list[str],
            typer.Argument(
                metavar="FILE...",
                help="mbox files, Takeout archives (.mbox, .zip, .tgz), Maildirs, .eml files, "
                "or folders of these; also with gzip.",
            ),
        ],
        *,
        label: Annotated[
            list[str] | None,
            typer.Option(metavar="NAME", help="Put this label on every message; may be repeated."),
        ] = None,
        style: Annotated[
            str,
            typer.Option(
                "--format",
                metavar="KIND",
                help=f"What the files are: {', '.join(_FORMATS)}. auto looks at their content.",
            ),
        ] = "auto",
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Import mail into a mailbox.

        Works beside a running server and without one. Labels, read state, threads and dates come
        along as far as the files tell; filters and forwarding do not act. A message that is there
        already, octet for octet, is not added again, so running it twice does no harm. Interrupted
        (Ctrl-C, a crash), the same command goes on where it was. See docs/moving-mail.md.
        """
        if style not in _FORMATS:
            raise WrongUseError(f"--format {style}: choose one of {', '.join(_FORMATS)}")
        started = time.monotonic()
        with doors.open_moving(Path(data)) as moving, until_interrupted() as stop:
            account = moving.accounts.get(address)
            source = moving.sources.open(files, style)  # type: ignore[arg-type]  # checked above
            calm_collector()
            with contextlib.closing(source), Progress(source.total_bytes) as progress:
                tally = moving.importer.run(
                    account.id,
                    source,
                    labels=label or (),
                    tell=lambda tally: progress.show(tally.seen, source.done_bytes),
                    stop=stop,
                )
        took = time.monotonic() - started
        if as_json:
            print_json(_summary(account.address, tally, took))
        else:
            _say_imported(account.address, tally, took)
        if tally.lost or not tally.finished:
            raise typer.Exit(1)


def add_export_command(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("export")
    def export(
        address: Address,
        *,
        output: Annotated[
            str,
            typer.Option(
                "--output",
                "-o",
                metavar="FILE",
                help="A new file (*.gz: compressed); - is standard output.",
            ),
        ] = "-",
        query: Annotated[
            str, typer.Option(metavar="Q", help="Only what this search finds, as in the API's q.")
        ] = "",
        include_spam_trash: Annotated[
            bool, typer.Option("--include-spam-trash", help="Also what is in SPAM and TRASH.")
        ] = False,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Write a mailbox to an mbox file, newest first.

        As Google Takeout writes it: any mail program reads it, and `penfold import` brings back
        every octet, label, thread, date and draft. Works beside a running server.
        """
        if output == "-" and (sys.stdout.isatty() or as_json):
            raise WrongUseError("name a file with --output FILE, or write to a pipe")
        started = time.monotonic()
        with doors.open_moving(Path(data)) as moving, until_interrupted() as stop:
            account = moving.accounts.get(address)
            with contextlib.closing(moving.open_sink(output)) as sink, Progress(None) as progress:
                left = Event("export", "mailbox", account_id=account.id)
                moving.accounts.book.change(lambda writer: writer.note(left))
                exported = moving.exporter.run(
                    account,
                    sink,
                    q=query,
                    aliases=list_own_aliases(moving.accounts.book, account),
                    include_spam_trash=include_spam_trash,
                    tell=lambda now: progress.show(now.messages, now.octets, total=now.total),
                    stop=stop,
                )
                if exported.finished:
                    sink.finish()
        took = time.monotonic() - started
        if as_json:
            print_json(_export_summary(account.address, exported, took))
        else:
            _say_exported(account.address, exported, took, output)
        if exported.damaged or not exported.finished:
            raise typer.Exit(1)


def _summary(address: str, tally: Tally, took: float) -> dict[str, Any]:
    return {
        "address": address,
        "imported": tally.imported,
        "already_there": tally.known,
        "skipped": tally.skipped,
        "bytes": tally.octets,
        "seconds": round(took, 3),
        "finished": tally.finished,
        "resumed": tally.resumed,
        "skipped_messages": [
            {"where": each.where, "reason": each.reason, "lost": each.lost} for each in tally.told
        ],
    }


def _say_imported(address: str, tally: Tally, took: float) -> None:
    before = ", with the part before" if tally.resumed else ""
    typer.echo(f"{tally.imported:,} messages imported into {address}{before} ({took:,.1f} s).")
    if tally.known:
        typer.echo(f"{tally.known:,} were there already.")
    if tally.unlabelled:
        typer.echo(f"{tally.unlabelled:,} labels were left out: there is room for no more.")
    if tally.skipped:
        typer.echo(f"{tally.skipped:,} skipped:")
        for each in tally.told:
            typer.echo(f"  {show_text(each.where)}: {show_text(each.reason)}")
        if tally.skipped > len(tally.told):
            typer.echo(f"  and {tally.skipped - len(tally.told):,} more")
    if not tally.finished:
        typer.echo("Stopped. The same command goes on from here.")


def _export_summary(address: str, exported: Exported, took: float) -> dict[str, Any]:
    return {
        "address": address,
        "exported": exported.messages,
        "bytes": exported.octets,
        "seconds": round(took, 3),
        "finished": exported.finished,
        "damaged": exported.damaged,
    }


def _say_exported(address: str, exported: Exported, took: float, output: str) -> None:
    """To standard error, as standard output may be the mail itself."""
    where = "" if output == "-" else f" to {output}"
    typer.echo(
        f"{exported.messages:,} messages of {address} exported{where} ({took:,.1f} s).", err=True
    )
    for each in exported.damaged:
        typer.echo(f"  message {each} is damaged and left out; see `penfold data verify`", err=True)
    if not exported.finished:
        typer.echo(
            "Stopped; no file was made." if where else "Stopped; what was written is not whole.",
            err=True,
        )
