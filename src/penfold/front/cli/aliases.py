"""penfold alias add|list|remove: addresses that lead to accounts."""

from pathlib import Path
from typing import Annotated

import typer

from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    print_json,
    print_rows,
    show_time,
)
from penfold.ports.identity import Alias

AliasName = Annotated[
    str,
    typer.Argument(
        metavar="ALIAS",
        help="An address in a domain of ours, or '*@DOMAIN' for what nobody else there gets.",
    ),
]


def alias_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold alias`."""
    commands = typer.Typer(
        help="Aliases: more addresses of accounts, and catch-alls.", no_args_is_help=True
    )

    @commands.command("add")
    def add(
        alias: AliasName,
        account: Annotated[
            str, typer.Argument(metavar="ACCOUNT", help="The address of an account here.")
        ],
        *,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Let an account get the mail of another address as well, and send as it.

        Works beside a running server. Several accounts may have the same alias: each gets a copy.
        An address is looked for among accounts, then aliases, then without its plus tag, then as
        a catch-all, '*@example.org' (in quotes, or the shell looks for files). Nobody sends as
        a catch-all.
        """
        with doors.open_identity(Path(data)) as identity:
            made = identity.aliases.add(alias, account)
            address = identity.book.get_account(made.account_id).address
        if as_json:
            print_json(_row(made, address))
        else:
            typer.echo(f"{made.address} leads to {address} now.")

    @commands.command("list")
    def list_(*, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """List the aliases, a row for each account one leads to."""
        with doors.open_identity(Path(data)) as identity:
            rows = [_row(each, account.address) for each, account in identity.aliases.list()]
        print_rows(rows, ("alias", "account", "created"), as_json=as_json, none="There are none.")

    @commands.command("remove")
    def remove(
        alias: AliasName,
        account: Annotated[
            str | None,
            typer.Argument(
                metavar="[ACCOUNT]", help="Only this account. [default: all it leads to]"
            ),
        ] = None,
        *,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Remove an alias, or one of the accounts it leads to.

        An alias that leads to nobody is gone: its mail is refused, or the catch-all gets it.
        """
        with doors.open_identity(Path(data)) as identity:
            count = identity.aliases.remove(alias, account)
        typer.echo(f"Removed: it led to {count} account{'s'[: count != 1]}.")

    return commands


def _row(alias: Alias, account: str) -> dict[str, object]:
    return {"alias": alias.address, "account": account, "created": show_time(alias.created_ms)}
