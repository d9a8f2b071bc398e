"""penfold top: a running server at a glance, again and again."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.live import Live

from penfold.domain.vitals import Vitals, compare
from penfold.front.cli.doors import Doors, Watch
from penfold.front.cli.output import DATA_DEFAULT, AsJson, DataDir, print_json
from penfold.front.cli.top_page import draw


def add_top_command(commands: typer.Typer, doors: Doors) -> None:
    """Add `penfold top`."""

    @commands.command("top")
    def top(
        *,
        once: Annotated[
            bool, typer.Option("--once", help="Show one interval and end: for scripts.")
        ] = False,
        every: Annotated[
            float,
            typer.Option(min=0.1, max=3600, metavar="SECONDS", help="Time between two looks."),
        ] = 2.0,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Watch a running server: rates, times, queue, refusals, processes, slow requests.

        Rates are of the last interval, times its 50th and 95th percentile; troubles are counted
        since the server was started. Ctrl-C ends it. --json alone prints one interval.
        """
        console = Console(markup=False, emoji=False, highlight=False)
        with closing(doors.open_watch(Path(data))) as watch:
            looks = _iter_vitals(watch, doors, every)
            if as_json:
                print_json(_document(next(looks)))
            elif once or not console.is_terminal:
                console.print(draw(next(looks), data, *console.size))
            else:
                _show(looks, console, data)


def _iter_vitals(watch: Watch, doors: Doors, every_s: float) -> Iterator[Vitals]:
    before = watch.take_sample()
    while True:
        doors.wait(every_s)
        after = watch.take_sample()
        yield compare(before, after)
        before = after


def _show(looks: Iterator[Vitals], console: Console, data: str) -> None:
    console.print("Looking …", end="\r")
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            for vitals in looks:
                live.update(draw(vitals, data, *console.size), refresh=True)
    except KeyboardInterrupt:
        return


def _document(vitals: Vitals) -> Any:
    return msgspec.to_builtins(vitals)
