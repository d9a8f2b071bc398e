"""penfold user add, list, password, role, remove, erase, export, sessions, …; app-passwords."""

import string
import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from penfold.base.chance import Chance
from penfold.domain.access import local_mode
from penfold.domain.access.identity import Identity
from penfold.domain.access.roles import find_role
from penfold.front.cli.doors import Doors
from penfold.front.cli.erasing import add_erase
from penfold.front.cli.exporting import add_account_export
from penfold.front.cli.output import (
    DATA_DEFAULT,
    Address,
    AsJson,
    DataDir,
    WrongUseError,
    confirm,
    print_json,
    print_rows,
    show_time,
)
from penfold.ports.directory import Account
from penfold.proto.oauth import make_word
from penfold.spec.settings import LOCAL_DOMAIN

FromStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Read the password from standard input instead of making one up."
    ),
]
#: Characters of a password made here: 20 of 62 carry 119 bits.
_MADE_LENGTH: Final = 20
_ARTICLES: Final = {"admin": "an", "auditor": "an"}
_LOCAL_ADDRESSES: Final = {f"{name}@{LOCAL_DOMAIN}": name for name in local_mode.LOCAL_ACCOUNTS}
#: What front/worker does with a removed account's mailbox, and when.
_ERASURE: Final = (
    "Its mail is erased by the server within two minutes, or after its next start if none runs."
)


def user_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold user`."""
    commands = typer.Typer(help="Accounts: who has a mailbox here.", no_args_is_help=True)

    @commands.command("add")
    def add(
        address: Address,
        *,
        name: Annotated[str, typer.Option(metavar="NAME", help="The person's name.")] = "",
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
            rows = [
                {**_row(account), "role": find_role(identity.book, account.id)}
                for account in identity.book.list_accounts()
            ]
        columns = ("address", "name", "id", "created", "suspended", "role")
        print_rows(rows, columns, as_json=as_json, none="There are no accounts.")

    _add_password(commands, doors)
    _add_role(commands, doors)
    _add_remove(commands, doors)
    _add_second_factor(commands, doors)
    _add_sessions(commands, doors)
    add_account_export(commands, doors)
    add_erase(commands, doors)
    return commands


def _add_password(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("password")
    def password(
        address: Address, *, password_stdin: FromStdin = False, data: DataDir = DATA_DEFAULT
    ) -> None:
        """Change a password and sign the account out everywhere.

        Its sessions, tokens and app passwords end; programs have to be allowed in again. The
        files of local mode are written anew, so what they hold works.
        """
        with doors.open_identity(Path(data)) as identity:
            new, shown = _password(identity.accounts.chance, from_stdin=password_stdin)
            account = identity.accounts.get(address)
            identity.accounts.set_password(address, new)
            renewed = _renew_files(doors, Path(data), identity, account.address, new)
        typer.echo("Changed." + (f" Password: {shown}" if shown else ""))
        typer.echo("Its sessions, tokens and app passwords have ended.", err=True)
        if renewed:
            typer.echo(f"{Path(data) / 'credentials'} has new ones.", err=True)


def _add_role(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("role")
    def role(
        address: Address,
        name: Annotated[str, typer.Argument(metavar="admin|auditor|user", help="The role.")],
        *,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Say what an account may do over the administration API.

        An admin changes accounts, domains, applications and the rest; an auditor only reads; a user
        has a mailbox. It counts at once.
        """
        with doors.open_identity(Path(data)) as identity:
            account = identity.accounts.get(address)
            identity.roles.set(account, name)
        typer.echo(f"{account.address} is {_ARTICLES.get(name, 'a')} {name} now.")


def _add_remove(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("remove")
    def remove(
        address: Address,
        *,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Remove an account and its mail.

        Access ends at once, and mail for it is refused. The server erases the mailbox and what
        it has in the queue within two minutes; without a server this waits for the next start.
        `penfold user erase` waits until that is done, and reports. Backups keep what they have.
        """
        with doors.open_identity(Path(data)) as identity:
            account = identity.accounts.get(address)
            if not yes:
                confirm(f"Remove {account.address} and erase its mail for good?", erases="mail")
            identity.accounts.remove(address)
        typer.echo(f"Removed {account.address}. {_ERASURE}")
        if account.address in _LOCAL_ADDRESSES:
            typer.echo("The next start of local mode makes it anew, with an empty mailbox.")


def _add_second_factor(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("second-factor")
    def second_factor(
        address: Address,
        *,
        remove: Annotated[
            bool,
            typer.Option("--remove", help="Remove them all, and the recovery codes: lost phone."),
        ] = False,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Show what an account is asked for besides its password, or remove it.

        After --remove the password alone signs in, so be sure who asks. Sessions go on; end them
        with `penfold user sessions ADDRESS --end`.
        """
        with doors.open_identity(Path(data)) as identity:
            account = identity.accounts.get(address)
            if remove:
                count = identity.factors.remove_all(account)
                typer.echo(f"Removed {count} second factor(s) and the recovery codes.")
                return
            found = identity.factors.list_of(account)
        rows = [{"kind": "passkey", "name": one.label, "since": show_time(one.created_ms)}
                for one in found.passkeys]  # fmt: skip
        if found.totp_ms:
            rows.insert(0, {"kind": "totp", "name": "", "since": show_time(found.totp_ms)})
        none = "None: the password alone signs in."
        print_rows(rows, ("kind", "name", "since"), as_json=as_json, none=none)


def _add_sessions(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("sessions")
    def sessions(
        address: Address,
        *,
        end: Annotated[bool, typer.Option("--end", help="End them all.")] = False,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """List where an account is signed in with a browser, or sign it out everywhere.

        Applications keep their access: they do not need a session.
        """
        with doors.open_identity(Path(data)) as identity:
            account = identity.accounts.get(address)
            if end:
                count = identity.sessions.end_all(account)
                typer.echo(f"Ended {count} session(s).")
                return
            found = identity.sessions.list_of(account)
        rows = [
            {
                "browser": one.agent,
                "address": one.address,
                "since": show_time(one.created_ms),
                "used": show_time(one.used_ms),
            }
            for one in found
        ]
        columns = ("browser", "address", "since", "used")
        print_rows(rows, columns, as_json=as_json, none="Signed in nowhere.")


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
        label: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")] = "",
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Make an app password and print it, this once."""
        with doors.open_identity(Path(data)) as identity:
            account = identity.accounts.get(address)
            password = identity.accounts.add_app_password(address, label=label)
        if as_json:
            print_json({"address": account.address, "label": label, "password": password})
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


def _renew_files(doors: Doors, data: Path, identity: Identity, address: str, password: str) -> bool:
    """Write local mode's files anew if they hold what this account had; return whether they did."""
    known = local_mode.parse(doors.load_credentials(data))
    name = _LOCAL_ADDRESSES.get(address, "")
    if name not in known.people or not known.people[name].password:
        return False
    person = msgspec.structs.replace(known.people[name], password=password)
    known = msgspec.structs.replace(known, people={**known.people, name: person})
    files = local_mode.render(local_mode.set_up(identity, known), base=doors.load_base_url(data))
    for file, octets in files.items():
        doors.save_private(data / "credentials" / file, octets)
    return True
