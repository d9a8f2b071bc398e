"""penfold audit list|verify|export: what was changed, by whom, from where."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from penfold.base.errors import PenfoldError
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    ROW_MAX,
    AsJson,
    DataDir,
    WrongUseError,
    print_rows,
    show_time,
)
from penfold.ports.audit import AuditLog, Entry, Shown

_COLUMNS: Final = ("number", "time", "actor", "source", "action", "kind", "key", "account", "what")
_KNOWN_HASH: Final = 64


class AuditBrokenError(PenfoldError):
    """The log is not what was written."""


def audit_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold audit`."""
    commands = typer.Typer(
        help="The audit log: what was changed, by whom, from where.", no_args_is_help=True
    )
    _add_list(commands, doors)
    _add_verify(commands, doors)

    @commands.command("export")
    def export(*, data: DataDir = DATA_DEFAULT) -> None:
        """Print the whole log as JSON lines, oldest first.

        The last line is the number and hash of the last entry. Keep it elsewhere: `penfold audit
        verify --expect NUMBER:HASH` then notices when the log was cut or written anew.
        """
        with doors.open_identity(Path(data)) as identity:
            last: tuple[int, str] = (0, "")
            for shown in iter_entries(identity.book):
                typer.echo(msgspec.json.encode(to_row(shown)).decode())
                last = shown.entry.number, shown.entry.hash
        typer.echo(json.dumps({"last": f"{last[0]}:{last[1]}"}))

    return commands


def _add_list(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("list")
    def list_(
        *,
        account: Annotated[
            str, typer.Option(metavar="ADDRESS", help="Only entries about this account.")
        ] = "",
        limit: Annotated[int, typer.Option(min=1, max=500, help="Entries at most.")] = 50,
        before: Annotated[
            int, typer.Option(min=0, max=ROW_MAX, help="Only entries before this number.")
        ] = 0,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """List entries, the newest first."""
        with doors.open_identity(Path(data)) as identity:
            of = identity.accounts.get(account).id if account else ""
            found = identity.book.list_audit(before=before, account_id=of, most=limit)
            known = {each.id: each.address for each in identity.book.list_accounts()}
        rows = [_summary(shown, known) for shown in found]
        print_rows(rows, _COLUMNS, as_json=as_json, none="There are no entries.", cut=("what",))


def _add_verify(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("verify")
    def verify(
        *,
        expect: Annotated[
            str,
            typer.Option(
                metavar="NUMBER:HASH", help="An entry that must be there: from an export."
            ),
        ] = "",
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Check that every entry follows from the one before it; name the first that does not."""
        number, hash_ = _parse_expected(expect)
        with doors.open_identity(Path(data)) as identity:
            wrong, last = identity.book.check_audit()
            if not wrong and number and not _has(identity.book, number, hash_):
                wrong = f"entry {number} is not the one expected: the log was cut or written anew"
        if wrong:
            raise AuditBrokenError(f"{wrong}; compare with an export or a backup")
        typer.echo(f"{last[0]} entries fit. The last: {last[0]}:{last[1]}")


def iter_entries(log: AuditLog) -> Iterator[Shown]:
    """Yield the whole log, oldest first."""
    after = 0
    while page := log.list_audit_from(after):
        yield from page
        after = page[-1].entry.number


def to_row(shown: Shown) -> dict[str, Any]:
    """Return an entry as it is exported; what was erased is null."""
    entry = msgspec.structs.asdict(shown.entry)
    return {
        **entry,
        "values": json.loads(shown.personal) if shown.personal else None,
        "from": shown.source or None,
    }


def _summary(shown: Shown, known: Mapping[str, str]) -> dict[str, Any]:
    entry = shown.entry
    return {
        "number": entry.number,
        "time": show_time(entry.time_ms),
        "actor": known.get(entry.actor, entry.actor),
        "source": shown.source,
        "action": entry.action,
        "kind": entry.kind,
        "key": known.get(entry.key, entry.key),
        "account": known.get(entry.account_id, entry.account_id),
        "what": _what(entry, shown.personal),
        "hash": entry.hash,
    }


def _what(entry: Entry, personal: str) -> str:
    parts = [f"{entry.before} →" if entry.before else "", entry.after, personal]
    return " ".join(part for part in parts if part)


def _parse_expected(text: str) -> tuple[int, str]:
    if not text:
        return 0, ""
    number, _, hash_ = text.partition(":")
    if not number.isdecimal() or int(number) > ROW_MAX or len(hash_) != _KNOWN_HASH:
        raise WrongUseError("--expect wants NUMBER:HASH, as `penfold audit export` prints it last")
    return int(number), hash_


def _has(log: AuditLog, number: int, hash_: str) -> bool:
    found = log.list_audit_from(number - 1)
    return bool(found) and found[0].entry.number == number and found[0].entry.hash == hash_
