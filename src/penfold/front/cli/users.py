"""penfold user add|list|password|remove, penfold app-password add."""

import string
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from penfold.base.chance import Chance
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    WrongUseError,
    print_json,
    print_rows,
    show_time,
)
from penfold.ports.directory import Account
from penfold.proto.oauth import make_word

Address = Annotated[str, typer.Argument(help="An address such as kim@penfold.test.")]
FromStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Read the password from standard input instead of making one up."
    ),
]
#: Characters of a password made here: 20 of 62 carry 119 bits.
_MADE_LENGTH: Final = 20


def user_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold user`."""
    commands = typer.Typer(help="Accounts: who has a mailbox here.", no_args_is_help=True)

    @commands.command("add")
    def add(
        address: Address,
        *,
        name: Annotated[str, typer.Option(help="The person's name.")] = "",
        password_stdin: FromStdin = False,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Make an account with an empty mailbox and print its password."""
        with doors.open_identity(Path(data)) as identity:
            password, shown = _password(identity.accounts.chance, from_stdin=password_stdin)
            account = identity.accounts.add(address, password=password, name=name)
        if as_json:
            print_json({**_row(account), "password": shown})
        else:
            typer.echo(f"Made {account.address}." + (f" Password: {shown}" if shown else ""))

    @commands.command("list")
    def list_(*, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """List the accounts."""
        with doors.open_identity(Path(data)) as identity:
            rows = [_row(account) for account in identity.book.list_accounts()]
        print_rows(rows, ("address", "name", "id", "created", "suspended"), as_json=as_json)

    @commands.command("password")
    def password(
        address: Address, *, password_stdin: FromStdin = False, data: DataDir = DATA_DEFAULT
    ) -> None:
        """Change an account's password and sign it out everywhere.

        Its sessions, grants and app passwords end; programs have to be allowed in again.
        """
        with doors.open_identity(Path(data)) as identity:
            new, shown = _password(identity.accounts.chance, from_stdin=password_stdin)
            identity.accounts.set_password(address, new)
        typer.echo(f"Changed. Password: {shown}" if shown else "Changed.")

    @commands.command("remove")
    def remove(
        address: Address,
        *,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Remove an account; a running server erases its mailbox a minute later."""
        with doors.open_identity(Path(data)) as identity:
            account = identity.accounts.get(address)
            if not yes:
                _confirm(f"Remove {account.address} and erase its mail for good?")
            identity.accounts.remove(address)
        typer.echo(f"Removed {account.address}.")

    return commands


def app_password_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold app-password`."""
    commands = typer.Typer(no_args_is_help=True)

    @commands.callback()
    def group() -> None:
        """App passwords: for programs that send by SMTP."""

    @commands.command("add")
    def add(
        address: Address,
        *,
        label: Annotated[str, typer.Option(help="What it is for.")] = "",
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Make an app password and print it, this once."""
        with doors.open_identity(Path(data)) as identity:
            password = identity.accounts.add_app_password(address, label=label)
        if as_json:
            print_json({"address": address, "label": label, "password": password})
        else:
            typer.echo(password)

    return commands


def _row(account: Account) -> dict[str, object]:
    return {
        "address": account.address,
        "name": account.name,
        "id": account.id,
        "created": show_time(account.created_ms),
        "suspended": account.suspended,
    }


def _password(chance: Chance, *, from_stdin: bool) -> tuple[str, str | None]:
    """Return the password, and what to show of it: only one made here is shown."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise WrongUseError("standard input holds no password")
        return password, None
    made = make_word(_MADE_LENGTH, chance, letters=string.ascii_letters + string.digits)
    return made, made


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise WrongUseError("this erases mail; say --yes when nobody is there to be asked")
    typer.confirm(question, abort=True)
