"""penfold placement: where mail lands in mailboxes of one's own."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from penfold.base.limits import PLACEMENT_MAX_S, SENDING_BODY_MAX_BYTES
from penfold.domain.sending.placement import (
    MISSING,
    Placement,
    Seeded,
    Share,
    count_shares,
    is_well,
    make_call,
)
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    WrongUseError,
    print_json,
    print_rows,
    show_text,
)
from penfold.front.cli.templates import LOCAL_URL, Url

_COLUMNS = ("seed", "place", "last_event", "trouble")


def add_placement_command(commands: typer.Typer, doors: Doors) -> None:
    """Add `penfold placement`."""

    @commands.command("placement")
    def placement(
        file: Annotated[
            Path,
            typer.Argument(
                metavar="FILE", help="An .eml file, or the JSON that POST /v1/emails would get."
            ),
        ],
        *,
        within: Annotated[
            int,
            typer.Option(
                metavar="SECONDS",
                min=1,
                max=PLACEMENT_MAX_S,
                help="How long to look for it at most.",
            ),
        ] = 600,
        url: Url = LOCAL_URL,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Send a mail to each seed of the settings and say where it landed: inbox, category,
        folder, spam, or nowhere.

        It leaves as every mail of the API key in PENFOLD_API_KEY, which needs emails:send and
        emails:read, and costs the same; the seeds take the place of who it is to. Shares are of the
        seeds that could be looked into. Exit code 1 when a seed was not reached, or its mail is
        missing or spam. See docs/before-sending.md.
        """
        octets = doors.find_templates().load_file(file, SENDING_BODY_MAX_BYTES)
        make = make_call(octets, _read_body(file, octets))
        api = doors.find_templates().open_api(url)
        tools = Placement(api, doors.open_seeds(Path(data)), doors.now_ms, doors.wait)
        found = tools.run(make, within_s=within, progress=_say)
        shares = count_shares(found)
        if as_json:
            print_json(_document(found, shares))
        else:
            print_rows([_row(one) for one in found], _COLUMNS, as_json=False)
            for line in _sum_up(found, shares):
                typer.echo(show_text(line), err=True)
        if not is_well(found):
            raise typer.Exit(1)


def _read_body(file: Path, octets: bytes) -> dict[str, Any] | None:
    """Return the JSON of a file, None for a message."""
    if octets.lstrip()[:1] != b"{":
        return None
    try:
        body: dict[str, Any] = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise WrongUseError(f"{file} is no JSON: {error}") from None
    return body


def _say(found: int, sent: int, left_s: float) -> None:
    more = f"; {left_s:,.0f} s left" if found < sent and left_s > 0 else ""
    typer.echo(f"{found} of {sent} found{more}", err=True)


def _row(one: Seeded) -> dict[str, str]:
    return {
        "seed": one.address,
        "place": str(one.place or (MISSING if one.reached else "")),
        "last_event": one.event,
        "trouble": one.trouble,
    }


def _document(found: list[Seeded], shares: list[Share]) -> dict[str, Any]:
    return {
        "seeds": [_row(one) | {"email_id": one.email_id} for one in found],
        "reached": sum(one.reached for one in found),
        "shares": [
            {
                "place": one.place,
                "seeds": one.seeds,
                "of": one.reached,
                "share": round(one.seeds / one.reached, 4),
            }
            for one in shares
        ],
    }


def _sum_up(found: list[Seeded], shares: list[Share]) -> list[str]:
    lines = [
        f"{one.place}: {one.seeds} of {one.reached} reached seeds ({one.seeds / one.reached:.0%})"
        for one in shares
    ]
    missed = sum(not one.reached for one in found)
    return [*lines, f"{missed} not reached, in no share"] if missed else lines
