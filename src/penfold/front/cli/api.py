"""penfold api coverage|diff|openapi: what is served, and what a document of Google's has more."""

from typing import Annotated, Final

import msgspec
import typer

from penfold.base.errors import ParseError
from penfold.base.limits import DISCOVERY_MAX_BYTES
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import AsJson, WrongUseError, print_json, print_rows
from penfold.front.http.registration import coverage
from penfold.spec.comparison import Gap, compare_documents, parse_document
from penfold.spec.discovery import REVISION, make_document
from penfold.spec.openapi import make_openapi
from penfold.spec.sending.openapi import make_sending_openapi

_TITLES: Final = {
    "missing": "Google's document has, and Penfold lacks:",
    "changed": "Different:",
    "extra": "Penfold has, and Google's document lacks:",
}


def api_commands(_: Doors) -> typer.Typer:
    """Return the commands of `penfold api`."""
    commands = typer.Typer(no_args_is_help=True)

    @commands.callback()
    def group() -> None:
        """The Gmail API: what is served."""

    @commands.command("coverage")
    def show_coverage(*, as_json: AsJson = False) -> None:
        """Show which methods are served.

        The others answer 501, as Google does for what it does not implement.
        """
        rows = [msgspec.to_builtins(each) for each in coverage()]
        served = sum(row["served"] for row in rows)
        if as_json:
            print_json({"served": served, "methods": len(rows), "coverage": rows})
            return
        print_rows(rows, ("method_id", "served", "verb", "path"), as_json=False)
        typer.echo(f"{served} of {len(rows)} methods are served.")

    @commands.command("diff")
    def diff(
        file: Annotated[
            typer.FileBinaryRead,
            typer.Argument(metavar="FILE", help="A discovery document of Gmail; - reads it."),
        ],
        *,
        as_json: AsJson = False,
    ) -> None:
        """Compare a discovery document of Google's with what Penfold has.

        Ends with 1 when the document has something that Penfold lacks or has otherwise.
        """
        text = file.read(DISCOVERY_MAX_BYTES + 1)
        try:
            theirs = parse_document(text)
        except ParseError as error:
            raise WrongUseError(f"{file.name}: {error}") from None
        gaps = compare_documents(make_document("/"), theirs)
        revision = str(theirs.get("revision", "?"))
        if as_json:
            rows = [msgspec.to_builtins(gap) for gap in gaps]
            print_json({"revision": revision, "ours": REVISION, "gaps": rows})
        else:
            _print(gaps, revision)
        if any(gap.side != "extra" for gap in gaps):
            raise typer.Exit(1)

    _add_openapi(commands)
    return commands


def _add_openapi(commands: typer.Typer) -> None:
    @commands.command("openapi")
    def openapi(
        *,
        sending: Annotated[
            bool, typer.Option("--sending", help="The sending API in place of the Gmail API.")
        ] = False,
    ) -> None:
        """Print the API as an OpenAPI 3.1 document."""
        print_json(make_sending_openapi() if sending else make_openapi())


def _print(gaps: list[Gap], revision: str) -> None:
    typer.echo(f"Google's revision {revision}, Penfold's {REVISION}.")
    for side, title in _TITLES.items():
        found = [gap for gap in gaps if gap.side == side]
        if found:
            typer.echo(f"\n{title}")
        for gap in found:
            line = str(gap)
            typer.echo(f"  {line if line.isprintable() else repr(line)}")
    if not gaps:
        typer.echo("No difference that is not listed in docs/compatibility.md.")
