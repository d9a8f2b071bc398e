"""penfold fault add|list|clear: Gmail's rare errors, ordered to see how a program takes them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from penfold.front.cli.doors import Doors
from penfold.front.cli.output import DATA_DEFAULT, AsJson, DataDir, print_rows
from penfold.front.http.rehearsal import REHEARSABLE, check_order
from penfold.ports.faults import Order

_COLUMNS = ("number", "problem", "status", "method", "account", "times", "after")


def fault_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold fault`."""
    commands = typer.Typer(
        help="Rehearse Gmail's rare errors: order one, and requests get it.",
        no_args_is_help=True,
    )

    @commands.command("add")
    def add(
        problem: Annotated[
            str,
            typer.Argument(
                metavar="PROBLEM",
                help="Which error, such as backend-error; `penfold fault problems` lists them.",
            ),
        ],
        *,
        method: Annotated[
            str,
            typer.Option(metavar="ID", help="Only this method, such as gmail.users.messages.send."),
        ] = "",
        account: Annotated[
            str, typer.Option(metavar="ADDRESS", help="Only requests of this account.")
        ] = "",
        times: Annotated[
            int, typer.Option(min=0, metavar="N", help="How often; 0: until it is cleared.")
        ] = 1,
        after: Annotated[
            int, typer.Option(min=0, metavar="N", help="So many requests pass first.")
        ] = 0,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Let requests fail with an error. A running server follows within a second."""
        order = Order(0, problem, method, _address(doors, data, account), times, after)
        check_order(order)
        added = doors.open_faults(Path(data)).add(order)
        typer.echo(f"Fault {added.number} is ordered: {_describe(added)}.")

    @commands.command("list")
    def list_(*, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """List the faults that wait for requests."""
        rows = [_row(order) for order in doors.open_faults(Path(data)).list_orders()]
        print_rows(rows, _COLUMNS, as_json=as_json, none="There is none.")

    @commands.command("clear")
    def clear(*, data: DataDir = DATA_DEFAULT) -> None:
        """End all faults."""
        count = doors.open_faults(Path(data)).clear()
        typer.echo(f"{count} cleared.")

    @commands.command("problems")
    def problems(*, as_json: AsJson = False) -> None:
        """List the errors that can be ordered."""
        rows = [
            {"problem": name, "status": found.code, "reason": found.reason, "text": found.message}
            for name, found in REHEARSABLE.items()
        ]
        print_rows(rows, ("problem", "status", "reason", "text"), as_json=as_json)

    return commands


def _address(doors: Doors, data: str, account: str) -> str:
    if not account:
        return ""
    with doors.open_identity(Path(data)) as identity:
        return identity.accounts.get(account).address


def _row(order: Order) -> dict[str, Any]:
    known = REHEARSABLE.get(order.problem)
    return {
        "number": order.number,
        "problem": order.problem,
        "status": known.code if known else None,
        "method": order.method or None,
        "account": order.account or None,
        "times": order.times or None,
        "after": order.after or None,
    }


def _describe(order: Order) -> str:
    code = REHEARSABLE[order.problem].code
    often = {0: "every request", 1: "the next request"}.get(
        order.times, f"the next {order.times} requests"
    )
    parts = [f"{code} {order.problem} for {often}"]
    if order.method:
        parts.append(f"to {order.method}")
    if order.account:
        parts.append(f"of {order.account}")
    if order.after:
        parts.append(f"after {order.after} that pass")
    return " ".join(parts)
