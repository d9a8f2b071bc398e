"""penfold data verify|backup|restore|reindex|rotate-key: care for the data directory."""

from pathlib import Path
from typing import Annotated

import typer

from penfold.front.cli.doors import Doors
from penfold.front.cli.output import DATA_DEFAULT, DataDir
from penfold.spec.key_source import parse_key_source


def data_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold data`."""
    commands = typer.Typer(
        help="The data directory: check it, copy it, mend it.", no_args_is_help=True
    )

    @commands.command("verify")
    def verify(*, data: DataDir = DATA_DEFAULT) -> None:
        """Check every mailbox, message and index.

        Works beside a running server. Exit code 1 when something is wrong, which is then named.
        """
        _end(all_well=doors.find_care().verify(Path(data), typer.echo))

    @commands.command("backup")
    def backup(
        target: Annotated[
            str, typer.Argument(metavar="DIR", help="A new or empty directory outside the data.")
        ],
        *,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Copy everything to a new directory.

        The copy is consistent. Works beside a running server.
        """
        _end(all_well=doors.find_care().backup(Path(data), Path(target), typer.echo))

    @commands.command("restore")
    def restore(
        source: Annotated[str, typer.Argument(metavar="DIR", help="What `backup` wrote.")],
        *,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Make a new data directory from a backup.

        Name the new one with --data; what is there is never overwritten.
        """
        _end(all_well=doors.find_care().restore(Path(data), Path(source), typer.echo))
        typer.echo(f"Serve it with: penfold serve --data {data}")

    @commands.command("reindex")
    def reindex(*, data: DataDir = DATA_DEFAULT) -> None:
        """Build every search index anew from the messages.

        Works beside a running server, one mailbox after the other.
        """
        _end(all_well=doors.find_care().reindex(Path(data), typer.echo))

    _add_rotate_key(commands, doors)
    return commands


def _add_rotate_key(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("rotate-key")
    def rotate_key(
        *,
        new: Annotated[
            str | None,
            typer.Option(
                metavar="SOURCE",
                help="Where the new key is: file:PATH, env:NAME or command:PROGRAM ARGUMENTS. "
                "[default: a new one in the old one's file]",
            ),
        ] = None,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Seal every secret in the databases under a new master key.

        The server has to be stopped. Cut off at any moment, the same command goes on where it
        was; until then nothing else starts. A new file is made if --new names one that is not
        there.
        """
        source = None if new is None else parse_key_source(new)
        _end(all_well=doors.find_care().rotate_key(Path(data), source, typer.echo))


def _end(*, all_well: bool) -> None:
    if not all_well:
        raise typer.Exit(1)
