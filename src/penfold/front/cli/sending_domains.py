"""penfold sending domain add|list|check|rotate|remove: domains mail is sent from."""

from pathlib import Path
from typing import Annotated

import typer

from penfold.domain.sending.domain_showing import show_domain
from penfold.front.cli.doors import Doors, SendingTools
from penfold.front.cli.output import DATA_DEFAULT, AsJson, DataDir, print_rows
from penfold.front.cli.sending_account import find_account
from penfold.ports.sending.records import INSTALLATION, SendingDomain

Owner = Annotated[
    str,
    typer.Option(
        "--account", metavar="ADDRESS", help="Whose it is. [default: of all accounts alike]"
    ),
]
Name = Annotated[str, typer.Argument(metavar="DOMAIN", help="Such as shop.example.")]
_COLUMNS = ("record", "status", "required", "name", "type", "value")


def sending_domain_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold sending domain`."""
    commands = typer.Typer(help="Domains mail is sent from.", no_args_is_help=True)
    _add_changes(commands, doors)
    _add_looks(commands, doors)
    return commands


def _add_changes(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("add")
    def add(
        name: Name, *, account: Owner = "", as_json: AsJson = False, data: DataDir = DATA_DEFAULT
    ) -> None:
        """Add a domain, and show the records to publish."""
        with doors.open_sending(Path(data)) as tools:
            _print(tools, tools.domains.add(name, _find_owner(tools, account)), as_json=as_json)

    @commands.command("rotate")
    def rotate(
        name: Name, *, account: Owner = "", as_json: AsJson = False, data: DataDir = DATA_DEFAULT
    ) -> None:
        """Make new DKIM keys; they sign once their records are seen."""
        with doors.open_sending(Path(data)) as tools:
            _print(tools, tools.domains.rotate(name, _find_owner(tools, account)), as_json=as_json)

    @commands.command("remove")
    def remove(name: Name, *, account: Owner = "", data: DataDir = DATA_DEFAULT) -> None:
        """Forget a domain and its keys: no mail is sent from it any more."""
        with doors.open_sending(Path(data)) as tools:
            gone = tools.domains.remove(name, _find_owner(tools, account))
        typer.echo(f"Removed {gone.name}.")


def _add_looks(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("list")
    def list_(
        *, account: Owner = "", as_json: AsJson = False, data: DataDir = DATA_DEFAULT
    ) -> None:
        """List the domains, and whether mail may be sent from them."""
        with doors.open_sending(Path(data)) as tools:
            found = tools.domains.list_visible(_find_owner(tools, account))
        rows = [{"domain": one.name, "status": one.state, "id": one.id} for one in found]
        print_rows(rows, ("domain", "status", "id"), as_json=as_json, none="There are none.")

    @commands.command("check")
    def check(
        name: Name, *, account: Owner = "", as_json: AsJson = False, data: DataDir = DATA_DEFAULT
    ) -> None:
        """Look at the DNS of a domain; exits with 1 unless mail may be sent from it.

        In local mode nothing is looked up, and what is to be published is shown.
        """
        with doors.open_sending(Path(data)) as tools:
            domain = tools.domains.get(name, _find_owner(tools, account))
            if tools.domains.look is not None:
                domain = tools.domains.check(domain)
            _print(tools, domain, as_json=as_json)
        if domain.state != "verified":
            raise typer.Exit(1)


def _find_owner(tools: SendingTools, address: str) -> str:
    return find_account(tools, address) if address else INSTALLATION


def _print(tools: SendingTools, domain: SendingDomain, *, as_json: bool) -> None:
    shown = show_domain(domain, tools.domains.hostname)
    rows = [{name: getattr(one, name) for name in _COLUMNS} for one in shown.records]
    print_rows(rows, _COLUMNS, as_json=as_json, none="There are no records.")
    if not as_json:
        typer.echo(f"{domain.name}: {domain.state}", err=True)
