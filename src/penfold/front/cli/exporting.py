"""penfold user export: everything that is kept of an account, in one folder."""

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from penfold.front.cli.doors import Doors
from penfold.front.cli.interrupts import until_interrupted
from penfold.front.cli.output import (
    DATA_DEFAULT,
    Address,
    DataDir,
    WrongUseError,
    print_json,
    print_rows,
)
from penfold.front.cli.progress import Progress
from penfold.spec.account_export import MANIFEST_NAME, FileEntry, Manifest


def add_account_export(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("export")
    def export(
        address: Address,
        folder: Annotated[
            str, typer.Argument(metavar="DIR", help="A new folder, or one that is empty.")
        ],
        *,
        as_json: Annotated[
            bool, typer.Option("--json", help="Print the manifest instead of a table.")
        ] = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Write everything that is kept of an account to a folder, for the person it is about.

        All mail as mbox (also drafts, SPAM and TRASH), settings, labels, who may come in and by
        what, what it sent that is in the queue. Never a secret. Works beside a running server.
        manifest.json is written last, with size and SHA-256 of each file: a folder without it is
        half an export. docs/data-protection.md tells what each file holds.
        """
        target = Path(folder)
        if target.resolve().is_relative_to(Path(data).resolve()):
            raise WrongUseError(f"{folder} is in the data directory; name a folder elsewhere")
        started = time.monotonic()
        with doors.open_account_export(Path(data)) as export, until_interrupted() as stop:
            account = export.get_account(address)
            with Progress(None) as progress:
                manifest = export.exporter.run(
                    account,
                    export.open_folder(target),
                    tell=lambda now: progress.show(now.messages, now.octets, total=now.total),
                    stop=stop,
                )
        if manifest is None:
            typer.echo(
                f"Stopped. {folder} is half an export, without {MANIFEST_NAME}; delete it.",
                err=True,
            )
            raise typer.Exit(1)
        if as_json:
            print_json(msgspec.to_builtins(manifest))
        else:
            _print(manifest, folder, time.monotonic() - started)
        if manifest.damaged:
            raise typer.Exit(1)


def _print(manifest: Manifest, folder: str, took: float) -> None:
    rows = [
        {"file": each.name, "bytes": f"{each.size:,}", "holds": _say_counts(each)}
        for each in manifest.files
    ]
    print_rows(rows, ("file", "bytes", "holds"), as_json=False)
    typer.echo(f"Everything of {manifest.address} is in {folder} ({took:,.1f} s).", err=True)
    for each in manifest.damaged:
        typer.echo(f"  message {each} is damaged and left out; see `penfold data verify`", err=True)


def _say_counts(entry: FileEntry) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in entry.counts.items() if count)
