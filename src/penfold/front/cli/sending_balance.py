"""penfold sending balance show|credit|budget: what an account's mail may cost."""

from pathlib import Path
from typing import Annotated

import typer

from penfold.domain.sending.balances import add_credit, read_money, set_budget, show_balance
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    WrongUseError,
    print_rows,
)
from penfold.front.cli.sending_account import find_account

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The account whose keys send.")]
_MONEY = "in the currency of `sending_currency`, such as 25 or 0.28"


def balance_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold sending balance`."""
    commands = typer.Typer(help="What an account's mail may cost.", no_args_is_help=True)
    _add_show(commands, doors)
    _add_credit(commands, doors)
    _add_budget(commands, doors)
    return commands


def _add_show(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("show")
    def show(address: Address, *, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """Show what is prepaid, spent and left, and the limits of a month."""
        with doors.open_sending(Path(data)) as tools:
            account_id = find_account(tools, address)
            now_ms = doors.now_ms()
            row = tools.keys.book.read(lambda b: show_balance(b, account_id, now_ms=now_ms))
        print_rows([row], tuple(row), as_json=as_json)


def _add_credit(commands: typer.Typer, doors: Doors) -> None:
    # -5 is an amount, not an option.
    @commands.command("credit", context_settings={"ignore_unknown_options": True})
    def credit(
        address: Address,
        amount: Annotated[
            str, typer.Argument(metavar="AMOUNT", help=f"What was paid, {_MONEY}; -5 takes back.")
        ],
        *,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Add to what is prepaid. From then on, nothing is accepted that it does not reach for."""
        micros = _read(amount)
        with doors.open_sending(Path(data)) as tools:
            account_id = find_account(tools, address)
            tools.keys.book.change(lambda writer: add_credit(writer, account_id, micros))
        typer.echo(f"Added {amount}; `penfold sending balance show {address}` shows what is left.")


def _add_budget(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("budget")
    def budget(
        address: Address,
        *,
        soft: Annotated[
            str | None,
            typer.Option(
                metavar="AMOUNT",
                help=f"Of a month; the owner is told once it is passed; {_MONEY}; 0: none.",
            ),
        ] = None,
        hard: Annotated[
            str | None,
            typer.Option(metavar="AMOUNT", help="Of a month; more is refused with 402. 0: none."),
        ] = None,
        low: Annotated[
            str | None,
            typer.Option(metavar="AMOUNT", help="The owner is told when less is left; 0: never."),
        ] = None,
        prepaid: Annotated[
            bool | None,
            typer.Option("--prepaid/--no-prepaid", help="Whether mail has to be paid for before."),
        ] = None,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Set an account's limits; what is not named stays as it is."""
        if all(each is None for each in (soft, hard, low, prepaid)):
            raise WrongUseError("say what to set: --soft, --hard, --low or --prepaid")
        limits = [None if each is None else _read(each) for each in (soft, hard, low)]
        if any(each is not None and each < 0 for each in limits):
            raise WrongUseError("a limit is 0 or more")
        with doors.open_sending(Path(data)) as tools:
            account_id = find_account(tools, address)
            tools.keys.book.change(
                lambda writer: set_budget(
                    writer,
                    account_id,
                    soft=limits[0],
                    hard=limits[1],
                    low=limits[2],
                    prepaid=prepaid,
                )
            )
        typer.echo(f"Set; `penfold sending balance show {address}` shows it.")


def _read(text: str) -> int:
    micros = read_money(text)
    if micros is None:
        raise WrongUseError(f"{text!r} is no amount {_MONEY}, of up to a thousand million")
    return micros
