"""How commands print: tables for people, JSON for programs, one line for what went wrong."""

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.cells import cell_len
from rich.console import Console, OverflowMethod
from rich.table import Table

from penfold.base.errors import PenfoldError


class WrongUseError(PenfoldError):
    """The command was used in a way it cannot follow: exit code 2."""


Address = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="An address such as kim@penfold.test.")
]
DataDir = Annotated[
    str,
    typer.Option(
        "--data", envvar="PENFOLD_DATA", metavar="DIR", help="The data directory of the server."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DATA_DEFAULT: Final = "./penfold-data"
#: A number of a row has 64 bits with a sign.
ROW_MAX: Final = 2**63 - 1

#: Columns of a terminal: between two fields, and of a field that is cut, at least.
_GAP: Final = 2
_CUT_MIN: Final = 6

#: Persian and Indic words and many emoji hold them (Unicode 16 §23.2); they move nothing.
_JOINERS: Final = "\u200c\u200d"


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_rows(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    as_json: bool,
    none: str = "",
    cut: Sequence[str] = (),
) -> None:
    """Print every field as JSON, or the named columns as a table.

    none: what a person reads instead of an empty table. cut: columns that end where the
    terminal does, so that each row is one line; without any, long cells go on below.
    """
    if as_json:
        print_json(list(rows))
        return
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    if not sys.stdout.isatty():
        # For pipes: nothing is cut, one line per row, fields apart by tabs.
        for line in cells:
            typer.echo("\t".join(line))
        return
    if none and not rows:
        typer.echo(none)
        return
    # Not markup, and not emoji either: an IPv6 address may hold `:1234:`.
    console = Console(markup=False, emoji=False, highlight=False)
    widths = _fit(columns, cells, cut, console.width) if cut else {}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        overflow: OverflowMethod = "ellipsis" if name in widths else "fold"
        width = widths.get(name)
        table.add_column(
            name.replace("_", " "), overflow=overflow, no_wrap=name in widths, max_width=width
        )
    for line in cells:
        table.add_row(*line)
    console.print(table)


def _fit(
    columns: Sequence[str], cells: Sequence[Sequence[str]], cut: Sequence[str], width: int
) -> dict[str, int]:
    """Return the widths of the columns to cut: short ones are whole, the others share alike."""
    needs = {
        name: max(map(cell_len, (name, *column)))
        for name, *column in zip(columns, *cells, strict=True)
    }
    fixed = sum(needs[name] for name in columns if name not in cut)
    left = width - fixed - _GAP * (len(columns) - 1)
    widths: dict[str, int] = {}
    for done, name in enumerate(sorted(cut, key=lambda name: needs[name])):
        widths[name] = max(min(needs[name], left // (len(cut) - done)), _CUT_MIN)
        left -= widths[name]
    return widths


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return show_text(str(value))


def show_text(text: str) -> str:
    """Return text on one line, with every kind of blank as a space."""
    return text if text.isprintable() else "".join(map(_show_character, text))


def _show_character(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    # What peers wrote must not move the cursor, turn the line around or forge a row.
    return character.encode("unicode_escape").decode()


def show_time(ms: int) -> str:
    """Return an instant as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def confirm(question: str, *, erases: str) -> None:
    """Ask before something is erased; the command ends here unless the answer is yes."""
    if not sys.stdin.isatty():
        raise WrongUseError(f"this erases {erases}; say --yes when nobody is there to be asked")
    typer.confirm(question, abort=True)
