"""penfold api coverage: which of Gmail's methods this release serves."""

import msgspec
import typer

from penfold.front.cli.output import AsJson, print_json, print_rows
from penfold.front.http.registration import coverage


def api_commands() -> typer.Typer:
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

    return commands
