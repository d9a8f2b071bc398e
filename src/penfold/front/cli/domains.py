"""penfold domain add|list|remove: the domains whose mail is delivered here."""

from pathlib import Path
from typing import Annotated

import typer

from penfold.domain.outgoing.domains import Domains
from penfold.domain.outgoing.signing_keys import KeyState, state_of
from penfold.front.cli.domain_check import add_check_command
from penfold.front.cli.domain_keys import Name, add_key_commands
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    confirm,
    print_json,
    print_rows,
    show_time,
)
from penfold.ports.identity import Domain


def domain_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold domain`."""
    commands = typer.Typer(
        help="Domains: whose mail is delivered here, their DNS and their keys.",
        no_args_is_help=True,
    )

    @commands.command("add")
    def add(name: Name, *, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """Deliver a domain's mail here from now on, and make the keys its mail is signed with.

        Works beside a running server. `penfold domain check` then shows the DNS records to make.
        """
        with doors.open_domains(Path(data)) as domains:
            domain = domains.add(name)
            row = _row(domains, domain)
        if as_json:
            print_json(row)
        else:
            typer.echo(f"Mail for {domain.name} is delivered here now.")
            typer.echo(f"The DNS records it wants: penfold domain check {domain.name}", err=True)

    @commands.command("list")
    def list_(*, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """List the domains."""
        with doors.open_domains(Path(data)) as domains:
            rows = [_row(domains, each) for each in domains.list_domains()]
        columns = ("domain", "accounts", "signs_with", "created")
        print_rows(rows, columns, as_json=as_json, none="There are no domains.")

    add_check_command(commands, doors)
    _add_remove(commands, doors)
    add_key_commands(commands, doors)
    return commands


def _add_remove(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("remove")
    def remove(
        name: Name,
        *,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Deliver a domain's mail here no longer, and erase its keys.

        Refused while the domain has accounts; `penfold user remove` removes them.
        """
        with doors.open_domains(Path(data)) as domains:
            domain = domains.get(name)
            if not yes:
                question = f"Remove {domain.name} and erase the keys that sign its mail?"
                confirm(question, erases="keys")
            domains.remove(domain.name)
        typer.echo(f"Removed {domain.name}.")
        typer.echo("If penfold.toml names it, take it out there: a start adds it anew.", err=True)


def _row(domains: Domains, domain: Domain) -> dict[str, object]:
    active = [key for key in domains.list_keys(domain) if state_of(key) is KeyState.ACTIVE]
    return {
        "domain": domain.name,
        "accounts": domains.count_accounts(domain),
        "signs_with": [key.selector for key in active],
        "created": show_time(domain.created_ms),
    }
