"""penfold user erase: remove an account so that nothing of it can be read any more."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from penfold.front.cli.doors import Backups, Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    Address,
    AsJson,
    DataDir,
    confirm,
    print_json,
    show_time,
)
from penfold.ports.erasing import Erasure
from penfold.ports.queue import QueueState

#: Rows of the queue looked at to tell how many wait; there it says "or more".
_COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the report."""

    count: int
    what: str


def add_erase(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("erase")
    def erase(
        address: Address,
        *,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Remove an account, wait until nothing of it is left, and report.

        Its mail, index, settings, uploads and large messages nobody else has, its rows in the
        queue (what waits is not sent any more), its grants, passwords and notifications. Beside
        a running server this takes a minute. What others were sent is theirs and stays.

        It may follow `penfold user remove`, and be given again when it was cut off. Backups
        keep what they have; those that are known are listed.
        """
        if not yes:
            waiting = _count_waiting(doors, Path(data), address)
            more = f" {waiting} of its messages still wait and are not sent." if waiting else ""
            confirm(f"Erase {address} and its mail for good?{more}", erases="mail")
        erasure = doors.erase_account(Path(data), address, lambda line: typer.echo(line, err=True))
        backups = doors.list_backups(Path(data))
        if as_json:
            print_json(_document(erasure, backups))
        else:
            _print(address, erasure, backups)


def _count_waiting(doors: Doors, data: Path, address: str) -> int:
    with doors.open_queue(data) as queue:
        rows = queue.list_by_address(address, limit=_COUNTED)
        return sum(
            row.state is QueueState.QUEUED and row.sender.lower() == address.lower() for row in rows
        )


def _document(erasure: Erasure, backups: Backups) -> dict[str, object]:
    listed = [
        {"made": show_time(each.made_ms), "folder": each.folder, "there": each.is_there}
        for each in backups
    ]
    return {
        **msgspec.structs.asdict(erasure),
        "erased": show_time(erasure.erased_ms),
        "backups": listed,
    }


def _print(address: str, erasure: Erasure, backups: Backups) -> None:
    typer.echo(f"Erased {address} (account {erasure.former}) at {show_time(erasure.erased_ms)}.")
    for line in (
        _Line(erasure.messages, "messages"),
        _Line(erasure.files, f"files ({erasure.octets:,} bytes)"),
        _Line(erasure.blobs, "large messages kept apart"),
        _Line(erasure.queue, "rows of the outbound queue, with their attempts"),
        _Line(erasure.notices, "watches, notifications and complaints"),
    ):
        typer.echo(f"  {line.count:>8,} {line.what}")
    if erasure.kept:
        typer.echo(f"  {erasure.kept:>8,} large messages stay: another mailbox has them too")
    typer.echo("The databases were written anew. Logs are not Penfold's to erase.")
    if backups:
        typer.echo("Backups made so far, to be deleted by hand:")
        for each in backups:
            gone = "" if each.is_there else "  (not there now)"
            typer.echo(f"  {show_time(each.made_ms)}  {each.folder}{gone}")
    else:
        typer.echo("No backup is known of; others may have been made without Penfold.")
