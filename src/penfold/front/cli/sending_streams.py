"""penfold sending stream list|set: kinds of mail with rules of their own."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from penfold.base.priority import PRIORITIES
from penfold.domain.sending.accept import make_id
from penfold.domain.sending.stream_setting import list_streams, set_stream
from penfold.domain.sending.stream_showing import show_stream
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    WrongUseError,
    print_rows,
)
from penfold.front.cli.sending_account import find_account
from penfold.spec.sending.problems import SendingError
from penfold.spec.sending.schemas import Tracking
from penfold.spec.sending.setup import ChangeStream, Stream

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The account whose keys send.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Such as news; made if there is none.")]
Kind = Annotated[
    str | None, typer.Option(metavar="KIND", help="transactional or broadcast (to many at once).")
]
PriorityName = Annotated[
    str | None,
    typer.Option(metavar="PRIORITY", help=f"Which leaves first: {', '.join(PRIORITIES)}."),
]
Ttl = Annotated[
    int | None,
    typer.Option(metavar="SECONDS", help="How long a mail is worth delivering; 0: no end."),
]
PerHour = Annotated[
    int | None, typer.Option(metavar="COUNT", help="Recipients that may leave in an hour; 0: any.")
]
Warmup = Annotated[
    bool | None,
    typer.Option("--warmup/--no-warmup", help="Begin (anew) with few an hour, more each day."),
]
Unsubscribe = Annotated[
    bool | None,
    typer.Option("--unsubscribe/--no-unsubscribe", help="Its mail says how to get no more of it."),
]
Opens = Annotated[bool | None, typer.Option("--opens/--no-opens", help="Track who opened it.")]
Clicks = Annotated[bool | None, typer.Option("--clicks/--no-clicks", help="Track followed links.")]
_COLUMNS = (
    "name", "kind", "priority", "ttl", "per_hour", "limit", "unsubscribe", "opens", "clicks",
    "built_in",
)  # fmt: skip


def stream_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold sending stream`."""
    commands = typer.Typer(help="Kinds of mail with rules of their own.", no_args_is_help=True)
    _add_list(commands, doors)
    _add_set(commands, doors)
    return commands


def _add_list(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("list")
    def list_(address: Address, *, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """List an account's streams, those every account has first.

        ttl: seconds a mail is worth delivering, 0 for no end. per_hour: recipients that may leave
        in an hour, 0 for any number; limit: how many today, while it warms up.
        """
        with doors.open_sending(Path(data)) as tools:
            account_id = find_account(tools, address)
            streams = tools.keys.book.read(lambda book: list_streams(book, account_id))
        rows = [_row(show_stream(one, doors.now_ms())) for one in streams]
        print_rows(rows, _COLUMNS, as_json=as_json)


def _row(stream: Stream) -> dict[str, Any]:
    """Return what the API shows, with what is tracked beside the others for a table."""
    shown: dict[str, Any] = msgspec.to_builtins(stream)
    return {**shown, **shown["tracking"]}


def _add_set(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("set")
    def set_(  # noqa: PLR0913 - one option each
        address: Address,
        name: Name,
        *,
        kind: Kind = None,
        priority: PriorityName = None,
        ttl: Ttl = None,
        per_hour: PerHour = None,
        warmup: Warmup = None,
        unsubscribe: Unsubscribe = None,
        opens: Opens = None,
        clicks: Clicks = None,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Make or change a stream; what is not named stays as it is, or as every account has it."""
        asked = ChangeStream(
            kind=kind,
            priority=priority,
            ttl=ttl,
            per_hour=per_hour,
            warmup=warmup,
            unsubscribe=unsubscribe,
            tracking=Tracking(opens=opens, clicks=clicks),
        )
        with doors.open_sending(Path(data)) as tools:
            account_id, now_ms = find_account(tools, address), doors.now_ms()
            new_id = make_id(tools.keys.chance)
            try:
                tools.keys.book.change(
                    lambda w: set_stream(w, account_id, name, asked, new_id=new_id, now_ms=now_ms)
                )
            except SendingError as error:
                raise WrongUseError(_say(error)) from error
        typer.echo(f"Set; `penfold sending stream list {address}` shows it.")


def _say(error: SendingError) -> str:
    """Return what is wrong in the words of the API, with the names of the options."""
    if not error.errors:
        return error.text
    return "; ".join(
        one.message.replace(f"`{one.field}`", _name_option(one.field)) for one in error.errors
    )


def _name_option(field: str) -> str:
    return "NAME" if field == "name" else f"--{field.replace('_', '-')}"
