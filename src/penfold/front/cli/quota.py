"""penfold quota show: what an account has used of its quota, and what is left."""

from pathlib import Path
from typing import Annotated

import typer

from penfold.domain.outgoing.sending_limits import DAY_MS, count_sent
from penfold.domain.quota import MINUTE_MS, project_of
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import DATA_DEFAULT, AsJson, DataDir, print_rows, show_time
from penfold.ports.usage import usage_key


def quota_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold quota`."""
    commands = typer.Typer(help="Limits on calls and on sending.", no_args_is_help=True)

    @commands.callback()
    def quota() -> None:
        """Limits on calls and on sending."""

    @commands.command("show")
    def show(
        address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whose.")],
        *,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Show what is used and what is left, while the server runs."""
        quota = doors.load_quota(Path(data))
        now_ms = doors.now_ms()
        with doors.open_identity(Path(data)) as identity:
            account = identity.accounts.get(address)
            project = identity.clients.get_project()
            with identity.accounts.mailboxes.open_reader(account.id) as box:
                sent = count_sent(box, now_ms=now_ms)
        minute = now_ms // MINUTE_MS
        free_ms = (minute + 1) * MINUTE_MS
        day_ms = None if sent.oldest_ms is None else sent.oldest_ms + DAY_MS
        rows = [
            _row(
                "units of the user, this minute",
                quota.used(usage_key("user", project, account.id), minute),
                quota.user_units,
                free_ms,
            ),
            _row(
                "units of the project, this minute",
                quota.used(project_of(project), minute),
                quota.project_units,
                free_ms,
            ),
            _row("messages sent, 24 hours", sent.messages, quota.messages, day_ms),
            _row("recipients, 24 hours", sent.recipients, quota.recipients, day_ms),
            _row("calls at a time", None, quota.in_flight, None),
        ]
        if not as_json and quota.table is None:
            typer.echo("Quotas are off: nothing is counted and nothing is refused.")
            return
        columns = ("what", "used", "limit", "next_free")
        print_rows(rows, columns, as_json=as_json)

    return commands


def _row(what: str, used: int | None, limit: int | None, free_ms: int | None) -> dict[str, object]:
    return {
        "what": what,
        "used": used,
        "limit": limit,
        "next_free": show_time(free_ms) if used and free_ms else None,
    }
