"""penfold sending stats ADDRESS: what became of an account's mail."""

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from penfold.domain.sending.findings import Findings
from penfold.domain.sending.stats import make_stats, read_question
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    WrongUseError,
    print_json,
    print_rows,
)
from penfold.front.cli.sending_account import find_account
from penfold.spec.sending.stats import GROUPS, StatsGroup, StatsQuery

#: Columns of the table: counts, and after those that have one, their rate.
_COUNTS: Final = (
    "accepted", "suppressed", "delivered", "bounced", "complained", "opened", "clicked",
)  # fmt: skip
_RATES: Final = {
    "delivered": "delivery_rate",
    "bounced": "bounce_rate",
    "complained": "complaint_rate",
    "opened": "open_rate",
    "clicked": "click_rate",
}


def add_stats(commands: typer.Typer, doors: Doors) -> None:
    """Add `penfold sending stats`."""

    @commands.command("stats")
    def stats(
        address: Annotated[
            str, typer.Argument(metavar="ADDRESS", help="The account whose keys send.")
        ],
        *,
        first: Annotated[
            str, typer.Option("--from", metavar="DAY", help="Accepted on this day (UTC) or later.")
        ] = "",
        last: Annotated[
            str, typer.Option("--to", metavar="DAY", help="Accepted on this day or earlier.")
        ] = "",
        by: Annotated[
            str,
            typer.Option(
                metavar="GROUPS",
                help=f"A line for each of {', '.join(GROUPS)}; several with commas between.",
            ),
        ] = "",
        test: Annotated[bool, typer.Option("--test", help="Of test keys' mail.")] = False,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Show what became of mail that was accepted in a time, by default this month.

        delivered and bounced are shares of what was accepted and not suppressed, the others of what
        was delivered. p50, p95: seconds within which half and 95 % of it were delivered.
        """
        query = StatsQuery(from_=first, to=last, group_by=by, test=test)
        findings = Findings()
        asked = read_question(query, findings, now_ms=doors.now_ms())
        _refuse(findings)
        with doors.open_sending(Path(data)) as tools:
            account_id = find_account(tools, address)
            made = tools.keys.book.read(lambda b: make_stats(b, account_id, asked, findings))
        _refuse(findings)
        if as_json:
            print_json(msgspec.to_builtins(made))
            return
        columns = (*asked.by, *_COUNTS, "p50", "p95")
        rows = [_row(one) for one in made.data]
        print_rows(rows, columns, as_json=False, none="Nothing was accepted then.")


def _refuse(findings: Findings) -> None:
    """Say what is wrong, in the words of the API with the names of the options."""
    if findings:
        said = "; ".join(one.message for one in findings.errors)
        raise WrongUseError(said.replace("`group_by`", "--by").replace("`from`", "--from")
                            .replace("`to`", "--to"))  # fmt: skip


def _row(one: StatsGroup) -> dict[str, Any]:
    time = one.time_to_deliver
    return {
        **{name: value or "-" for name, value in one.group.items()},
        **{name: _show(one, name) for name in _COUNTS},
        "p50": time and time.p50,
        "p95": time and time.p95,
    }


def _show(one: StatsGroup, name: str) -> str:
    count = one.counts[name]
    rate = one.rates[_RATES[name]].rate if name in _RATES else None
    return f"{count}" if rate is None else f"{count} ({rate:.1%})"
