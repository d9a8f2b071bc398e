"""penfold domain keys|rotate|activate: what a domain's mail is signed with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from penfold.base.errors import NotFoundError
from penfold.domain.outgoing.domains import is_forgettable
from penfold.domain.outgoing.signing_keys import KeyState, state_of
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import DATA_DEFAULT, AsJson, DataDir, print_rows, show_time
from penfold.ports.identity import DkimKey
from penfold.proto.zone_file import print_txt

Name = Annotated[str, typer.Argument(metavar="DOMAIN", help="A domain such as example.org.")]
_COLUMNS = ("selector", "algorithm", "state", "created", "active", "retired")


def add_key_commands(commands: typer.Typer, doors: Doors) -> None:
    """Add the commands about keys to `penfold domain`."""

    @commands.command("keys")
    def keys(name: Name, *, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """List the keys a domain's mail is signed with (DKIM).

        waiting: made, signs nothing before its DNS record is there. active: signs. retired: signs
        no more, and its record stays in the DNS for two weeks.
        """
        with doors.open_domains(Path(data)) as domains:
            found = domains.list_keys(domains.get(name))
        _print(found, doors.now_ms(), as_json=as_json)

    @commands.command("rotate")
    def rotate(name: Name, *, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """Make new keys for a domain.

        The old ones sign on until the new ones are active: publish the records printed here, then
        run `penfold domain check`, which looks for them, or `penfold domain activate`.
        """
        with doors.open_domains(Path(data)) as domains:
            new = domains.rotate(domains.get(name))
        _print(new, doors.now_ms(), as_json=as_json)
        if not as_json:
            for key in new:
                typer.echo(f"\n{print_txt(key.name, key.record)}")

    @commands.command("activate")
    def activate(
        name: Name,
        selectors: Annotated[
            list[str] | None,
            typer.Argument(metavar="[SELECTOR]...", help="Only these. [default: all that wait]"),
        ] = None,
        *,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Sign with the waiting keys from now on, without looking whether the DNS has them.

        Mail signed with a key that the DNS does not have counts as unsigned. The server follows
        within a minute; the keys that signed before are retired.
        """
        with doors.open_domains(Path(data)) as domains:
            begun = domains.activate(domains.get(name), selectors or None)
        if not begun:
            raise NotFoundError("no such key waits", domain=name)
        _print(begun, doors.now_ms(), as_json=as_json)


def _print(keys: Sequence[DkimKey], now_ms: int, *, as_json: bool) -> None:
    rows = [_row(key, now_ms) for key in keys]
    none = "There are no keys; `penfold domain rotate DOMAIN` makes them."
    print_rows(rows, _COLUMNS, as_json=as_json, none=none)


def _row(key: DkimKey, now_ms: int) -> dict[str, object]:
    state = state_of(key)
    return {
        "selector": key.selector,
        "algorithm": key.algorithm,
        "state": state.value,
        "created": show_time(key.created_ms),
        "active": show_time(key.active_ms) if key.active_ms else None,
        "retired": show_time(key.retired_ms) if state is KeyState.RETIRED else None,
        "record_name": key.name,
        "record": key.record,
        "record_may_go": is_forgettable(key, now_ms),
    }
