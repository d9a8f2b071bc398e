"""Records of ports.sending.records: JSON, beside the columns they are asked for by."""

from collections.abc import Hashable
from functools import cache
from typing import Any, Final, TypeVar

import apsw
import msgspec
from msgspec import Struct

from penfold.base.errors import ConflictError, NotFoundError
from penfold.ports.sending.records import RULES
from penfold.store.sqlite.sending.table import Table

R = TypeVar("R", bound=Struct)

_encode: Final = msgspec.json.Encoder().encode
_TAKEN: Final = frozenset({apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_UNIQUE})


@cache
def _decoder(kind: type[R]) -> msgspec.json.Decoder[R]:
    return msgspec.json.Decoder(kind)


class RecordTable(Table):
    def find(self, kind: type[R], key: str, account_id: str) -> R | None:
        return self._one(kind, "id = ? AND account_id = ?", (key, account_id))

    def find_unowned(self, kind: type[R], key: str) -> R | None:
        return self._one(kind, "id = ?", (key,))

    def find_word(self, kind: type[R], word: str, account_id: str) -> R | None:
        return self._one(kind, "word = ? AND account_id = ?", (word, account_id))

    def list_records(
        self, kind: type[R], account_id: str, *, parent: Hashable = None, limit: int
    ) -> list[R]:
        of = "" if parent is None else " AND parent = ?"
        values = (RULES[kind].name, account_id, *(() if parent is None else (parent,)), limit)
        rows = self._rows(
            f"SELECT record FROM record WHERE kind = ? AND account_id = ?{of}"
            " ORDER BY created_ms, id LIMIT ?",
            values,
        )
        return [_decoder(kind).decode(record) for (record,) in rows]

    def list_everywhere(self, kind: type[R], *, after: str = "", limit: int) -> list[R]:
        rows = self._rows(
            "SELECT record FROM record WHERE kind = ? AND id > ? ORDER BY id LIMIT ?",
            (RULES[kind].name, after, limit),
        )
        return [_decoder(kind).decode(record) for (record,) in rows]

    def add(self, record: Struct) -> None:
        rule = RULES[type(record)]
        fields: Any = record
        values = (
            *(rule.name, fields.id, fields.account_id, rule.word(record), rule.parent(record)),
            *(fields.created_ms, _encode(record)),
        )
        try:
            self._run(
                "INSERT INTO record (kind, id, account_id, word, parent, created_ms, record)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        except apsw.ConstraintError as error:
            raise _conflict(error, rule.name) from error

    def replace(self, record: Struct) -> None:
        rule = RULES[type(record)]
        fields: Any = record
        values = (rule.word(record), _encode(record), rule.name, fields.id, fields.account_id)
        try:
            changed = self._run(
                "UPDATE record SET word = ?, record = ?"
                " WHERE kind = ? AND id = ? AND account_id = ?",
                values,
            )
        except apsw.ConstraintError as error:
            raise _conflict(error, rule.name) from error
        if not changed:
            raise NotFoundError("the record is not there", kind=rule.name)

    def delete(self, kind: type[Struct], key: str, account_id: str) -> bool:
        gone = self._run(
            "DELETE FROM record WHERE kind = ? AND id = ? AND account_id = ?",
            (RULES[kind].name, key, account_id),
        )
        if gone:
            self._run("DELETE FROM record WHERE parent = ? AND parent <> ''", (key,))
        return gone > 0

    def _one(self, kind: type[R], where: str, values: tuple[object, ...]) -> R | None:
        rows = self._rows(
            f"SELECT record FROM record WHERE kind = ? AND {where}", (RULES[kind].name, *values)
        )
        return _decoder(kind).decode(rows[0][0]) if rows else None


def _conflict(error: apsw.ConstraintError, kind: str) -> Exception:
    if getattr(error, "extendedresult", None) in _TAKEN:
        return ConflictError("the record is there already", kind=kind)
    return error
