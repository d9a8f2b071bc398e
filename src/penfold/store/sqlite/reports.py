"""Reports of others on disk: <data>/reports.db, which the mail process alone writes.

A file of its own, made when it is missing: strangers write into it, and they must not hold up the
queue or fill its file. Bounded by REPORTS_KEPT_MAX reports, and by the time they are kept.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import apsw
import msgspec

from penfold.base.errors import NotFoundError
from penfold.base.limits import REPORTS_KEPT_MAX, TLS_RESULTS_MAX
from penfold.ports.reports import KeptReport, Report, ReportKind, TlsResult
from penfold.store.sqlite.commit import Fatal
from penfold.store.sqlite.shared import SharedFile

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Report).decode
_COLUMNS: Final = "id, at_ms, sender, detail"
_ADD: Final = (
    "INSERT INTO report (at_ms, kind, sender, reporter, report_id, domain, detail)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (kind, sender, reporter, report_id, domain) DO NOTHING"
)
#: Ids grow, so those so far below the newest are the oldest.
_MAKE_ROOM: Final = "DELETE FROM report WHERE id <= (SELECT max(id) FROM report) - ?"
_COUNT: Final = (
    "UPDATE tls SET count = count + ?"
    " WHERE day = ? AND domain = ? AND policy = ? AND host = ? AND result = ?"
)
_BEGIN: Final = (
    "INSERT INTO tls (count, day, domain, policy, host, result) VALUES (?, ?, ?, ?, ?, ?)"
)


class SqliteReports:
    """A ReportBook. Safe to use from several threads, and beside the process that writes."""

    def __init__(
        self, path: Path, *, fatal: Fatal | None = None, most: int = REPORTS_KEPT_MAX
    ) -> None:
        self._file = SharedFile(path, "reports", create=True, fatal=fatal)
        self._most = most

    def add(self, report: Report, *, sender: str, now_ms: int) -> bool:
        values = (
            now_ms, report.kind.value, sender, report.reporter, report.report_id, report.domain,
            _encode(report).decode(),
        )  # fmt: skip

        def change(db: apsw.Connection) -> bool:
            db.execute(_ADD, values)
            is_new = db.changes() == 1
            db.execute(_MAKE_ROOM, (self._most,))
            return is_new

        return self._file.change(change)

    def list_reports(
        self, *, kind: ReportKind | None = None, before: int | None = None, limit: int = 100
    ) -> list[KeptReport]:
        where, values = ["id < ?"], [2**63 - 1 if before is None else before]
        bound: list[object] = [*values]
        if kind is not None:
            where.append("kind = ?")
            bound.append(kind.value)
        rows = self._file.read(
            f"SELECT {_COLUMNS} FROM report WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
            (*bound, limit),
        )
        return [_kept(*row) for row in rows]

    def get_report(self, report_id: int) -> KeptReport:
        rows = self._file.read(f"SELECT {_COLUMNS} FROM report WHERE id = ?", (report_id,))
        if not rows:
            raise NotFoundError("no such report", id=report_id)
        return _kept(*rows[0])

    def add_tls(self, counts: Mapping[TlsResult, int]) -> None:
        def change(db: apsw.Connection) -> None:
            room: dict[str, int] = {}
            for result, count in counts.items():
                key = (result.day, result.domain, result.policy, result.host, result.result)
                db.execute(_COUNT, (count, *key))
                if db.changes():
                    continue
                left = room[result.day] if result.day in room else _find_room(db, result.day)
                room[result.day] = left - 1
                if left > 0:
                    db.execute(_BEGIN, (count, *key))

        self._file.change(change)

    def list_tls(self, *, limit: int = 1_000) -> list[tuple[TlsResult, int]]:
        rows = self._file.read(
            "SELECT day, domain, policy, host, result, count FROM tls"
            " ORDER BY day DESC, domain, policy, host, result LIMIT ?",
            (limit,),
        )
        return [(TlsResult(*row[:-1]), row[-1]) for row in rows]

    def expire(self, *, before_ms: int) -> int:
        day = datetime.fromtimestamp(before_ms // 1000, UTC).date().isoformat()

        def change(db: apsw.Connection) -> int:
            db.execute("DELETE FROM tls WHERE day < ?", (day,))
            db.execute("DELETE FROM report WHERE at_ms < ?", (before_ms,))
            return db.changes()

        return self._file.change(change)

    def close(self) -> None:
        """Safe to call twice."""
        self._file.close()


def _find_room(db: apsw.Connection, day: str) -> int:
    rows: int = db.execute("SELECT count(*) FROM tls WHERE day = ?", (day,)).get
    return TLS_RESULTS_MAX - rows


def _kept(report_id: int, at_ms: int, sender: str, detail: str) -> KeptReport:
    return KeptReport(report_id, at_ms, sender, _decode(detail))
