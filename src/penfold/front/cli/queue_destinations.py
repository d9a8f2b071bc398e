"""penfold queue destinations|release: where mail waits to go, and what is held."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from penfold.base.addresses import canonical_domain
from penfold.base.errors import NotFoundError
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    print_rows,
    show_text,
    show_time,
)
from penfold.ports.queue import Destination, Queue
from penfold.proto.address import parse_domain

DomainName = Annotated[
    str, typer.Argument(metavar="DOMAIN", help="A domain mail goes to, such as example.org.")
]
#: Held destinations named below a listing; the rest are counted.
_NAMED: Final = 5


def add_destination_commands(commands: typer.Typer, doors: Doors) -> None:
    """Add the commands about destinations to `penfold queue`."""

    @commands.command("destinations")
    def destinations(
        *,
        held: Annotated[bool, typer.Option("--held", help="Only those that are held.")] = False,
        limit: Annotated[
            int, typer.Option(min=1, max=10_000, metavar="N", help="How many at most.")
        ] = 100,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """List the domains mail waits for, those where most waits first.

        A domain is held while its servers do not answer or want less mail; nothing is tried until
        then. `penfold queue release` takes that back.
        """
        now_ms = doors.now_ms()
        with doors.open_queue(Path(data)) as queue:
            waiting = queue.count_waiting()
            found = [
                each for each in queue.list_destinations() if not held or _is_held(each, now_ms)
            ]
        found.sort(key=lambda each: (-waiting.get(each.domain, 0), each.domain))
        rows = [_row(each, waiting, now_ms) for each in found[:limit]]
        columns = ("domain", "waiting", "next_attempt", "held_until", "why")
        print_rows(rows, columns, as_json=as_json, none="No mail waits.", cut=("why",))
        if not as_json and len(found) > limit:
            typer.echo(f"{limit} of {len(found)} domains; --limit N shows more.", err=True)

    @commands.command("release")
    def release(domain: DomainName, *, data: DataDir = DATA_DEFAULT) -> None:
        """Take the hold of a domain back, so that what is due goes out now.

        Mail keeps its own next attempt; `penfold queue retry` makes one message due. The running
        server follows within seconds, and holds the domain again if it still does not answer.
        """
        name = parse_name(domain)
        with doors.open_queue(Path(data)) as queue:
            found = queue.find_destination(name)
            if found is None:
                raise NotFoundError("no mail waits for this domain", domain=name)
            if not _is_held(found, doors.now_ms()):
                typer.echo(f"{name} is not held; its next mail is due {show_time(found.due_ms)}.")
                return
            queue.hold(name, until_ms=0, why="")
        typer.echo(f"{name} is held no longer.")


def parse_name(domain: str) -> str:
    """Return a domain as the queue spells it; ParseError when it is none."""
    return parse_domain(canonical_domain(domain))


def say_held(queue: Queue, now_ms: int) -> Iterator[str]:
    """Yield a line for each of the first destinations that are held, and one for the others."""
    held = [each for each in queue.list_destinations() if _is_held(each, now_ms)]
    for each in held[:_NAMED]:
        yield f"Held until {show_time(each.held_ms)}: {each.domain} ({show_text(each.why)})"
    if len(held) > _NAMED:
        yield f"And {len(held) - _NAMED} more are held: penfold queue destinations --held"
    elif held:
        yield "penfold queue release DOMAIN tries at once."


def _is_held(destination: Destination, now_ms: int) -> bool:
    return destination.held_ms > now_ms


def _row(destination: Destination, waiting: Mapping[str, int], now_ms: int) -> dict[str, object]:
    held = _is_held(destination, now_ms)
    return {
        "domain": destination.domain,
        "waiting": waiting.get(destination.domain, 0),
        "next_attempt": show_time(destination.due_ms),
        "held_until": show_time(destination.held_ms) if held else None,
        "why": destination.why if held else None,
    }
