"""How commands print: tables for people, JSON for programs, one line for what went wrong."""

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from penfold.base.errors import PenfoldError


class WrongUseError(PenfoldError):
    """The command was used in a way it cannot follow: exit code 2."""


DataDir = Annotated[
    str,
    typer.Option(
        "--data", envvar="PENFOLD_DATA", metavar="DIR", help="The data directory of the server."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DATA_DEFAULT: Final = "./penfold-data"

#: Persian and Indic words and many emoji hold them (Unicode 16 §23.2); they move nothing.
_JOINERS: Final = "\u200c\u200d"


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_rows(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, none: str = ""
) -> None:
    """Print every field as JSON, or the named columns as a table.

    none: what a person reads instead of an empty table.
    """
    if as_json:
        print_json(list(rows))
        return
    if not sys.stdout.isatty():
        # For pipes: nothing is cut, one line per row, fields apart by tabs.
        for row in rows:
            typer.echo("\t".join(_cell(row[name]) for name in columns))
        return
    if none and not rows:
        typer.echo(none)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in columns))
    Console(markup=False, highlight=False).print(table)


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
