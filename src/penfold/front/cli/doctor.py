"""penfold doctor: what is wrong with a server, why that matters, and how it is mended."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from penfold.domain.health import Finding, Level, is_sick
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import DATA_DEFAULT, AsJson, DataDir, print_json, show_text

_MARK = {Level.OK: "ok", Level.WARNING: "WARN", Level.ERROR: "ERROR"}


def add_doctor_command(commands: typer.Typer, doors: Doors) -> None:
    """Add `penfold doctor`."""

    @commands.command("doctor")
    def doctor(
        *,
        quiet: Annotated[
            bool, typer.Option("--quiet", "-q", help="Say nothing of what is well.")
        ] = False,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Look for everything that is wrong, and say how to mend it.

        Files and their modes, room, databases, settings, listeners, certificate, queue, relays,
        DNS, clock, limits, memory. Changes nothing. Works beside a running server and without
        one. Exit code 1 when there is an error; warnings alone are none.
        """
        found = []
        for finding in doors.examine(Path(data)):
            found.append(finding)
            if not as_json and not (quiet and finding.level is Level.OK):
                _show(finding)
        if as_json:
            print_json([msgspec.to_builtins(each) for each in found])
        elif not quiet or any(each.level is not Level.OK for each in found):
            typer.echo(_sum_up(found))
        if is_sick(found):
            raise typer.Exit(1)


def _show(finding: Finding) -> None:
    typer.echo(f"{_MARK[finding.level]:5}  {finding.area:11}  {show_text(finding.what)}")
    for word, text in (("why", finding.why), ("mend", finding.mend)):
        if text:
            typer.echo(f"{'':20}{word:5} {show_text(text)}")


def _sum_up(found: Sequence[Finding]) -> str:
    counts = {level: sum(each.level is level for each in found) for level in Level}
    if not counts[Level.ERROR] and not counts[Level.WARNING]:
        return f"\nAll {counts[Level.OK]} looks found it well."
    return f"\nErrors: {counts[Level.ERROR]}, warnings: {counts[Level.WARNING]}."
