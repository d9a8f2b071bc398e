"""Run the benchmarks and print one table: `python -m benchmarks [api batch …]`."""

import importlib
import sys

from rich.console import Console
from rich.table import Table

#: Without `search`, which fills a mailbox for half an hour first: it runs when it is named.
NAMES = (
    "footprint",
    "steps",
    "pipeline",
    "templates",
    "tokens",
    "limits",
    "api",
    "batch",
    "smtp",
    "submission",
    "outbound",
    "backlog",
    "sending",
    "idle",
    "attack",
    "neighbours",
    "watching",
)


def main(chosen: list[str]) -> None:
    table = Table("what", "Penfold", "beside it", "ratio: median (least to most)")
    console = Console()
    for name in chosen or NAMES:
        console.print(f"measuring {name} …", style="dim")
        for row in importlib.import_module(f"benchmarks.{name}").measure():
            table.add_row(*row)
            console.print("  " + "  ".join(row), style="dim")
    console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
