"""Records of the directory file: one struct is one row, its fields are the columns.

Owns the mapping and the SQL made from it; the statements of a kind of record are composed once.
Values are always bound. Knows nothing of what the records mean.
"""

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, Final, TypeVar, get_type_hints

import apsw
import msgspec
from msgspec import Struct

from penfold.base.errors import ConflictError, NotFoundError
from penfold.ports import identity
from penfold.ports.audit import Draft, Event, draft_event
from penfold.ports.audit_rules import QUIET, draft_change, find_erased
from penfold.ports.directory import Account

R = TypeVar("R", bound=Struct)

TABLES: Final[dict[type[Struct], str]] = {
    Account: "account",
    identity.AccessToken: "access_token",
    identity.Alias: "alias",
    identity.AppPassword: "app_password",
    identity.Client: "client",
    identity.Code: "code",
    identity.DeviceCode: "device_code",
    identity.DkimKey: "dkim_key",
    identity.Domain: "domain",
    identity.Fact: "fact",
    identity.Grant: "grant_",
    identity.HalfSignIn: "half_sign_in",
    identity.Passkey: "passkey",
    identity.Password: "password",
    identity.ProviderLogin: "provider_login",
    identity.RecoveryCode: "recovery_code",
    identity.RefreshToken: "refresh_token",
    identity.Removed: "removed",
    identity.Role: "role",
    identity.ServiceAccount: "service_account",
    identity.ServiceKey: "service_key",
    identity.ServiceToken: "service_token",
    identity.Session: "session",
    identity.SigningKey: "signing_key",
    identity.SpentChallenge: "spent_challenge",
    identity.Totp: "totp",
}
#: Tables whose rows are listed by age; the others by key.
_AGED: Final = "created_ms"
_INDEXED: Final = frozenset({"address", "browser", "challenge", "user_code"})

_DECODERS: Final[dict[Any, Callable[[Any], Any]]] = {
    bool: bool,
    frozenset[str]: lambda text: frozenset(text.split()),
    tuple[str, ...]: lambda text: tuple(text.split()),
}


class _Shape:
    """The statements and the decoder of one kind of record."""

    def __init__(self, kind: type[Struct]) -> None:
        self.kind = kind
        self.table = TABLES[kind]
        self.fields = kind.__struct_fields__
        self.key = self.fields[0]
        types = get_type_hints(kind)
        self._decoders = [(n, _DECODERS[types[f]]) for n, f in enumerate(self.fields)
                          if types[f] in _DECODERS]  # fmt: skip
        marks = ", ".join("?" * len(self.fields))
        changes = ", ".join(f"{name} = ?" for name in self.fields[1:])
        self.columns = ", ".join(self.fields)
        self.find = f"SELECT {self.columns} FROM {self.table} WHERE {self.key} = ?"
        self.add = f"INSERT INTO {self.table} ({self.columns}) VALUES ({marks})"
        self.replace = f"UPDATE {self.table} SET {changes} WHERE {self.key} = ?"
        self.delete = f"DELETE FROM {self.table} WHERE {self.key} = ?"
        self.expire = f"DELETE FROM {self.table} WHERE expires_ms <= ?"
        self.order = f"{_AGED}, {self.key}" if _AGED in self.fields else self.key

    def decode(self, row: tuple[Any, ...]) -> Struct:
        values = list(row)
        for number, decoder in self._decoders:
            values[number] = decoder(values[number])
        return self.kind(*values)


@cache
def _shape(kind: type[Struct]) -> _Shape:
    return _Shape(kind)


@cache
def _list_sql(kind: type[Struct], names: tuple[str, ...]) -> str:
    shape = _shape(kind)
    for name in names:
        if name not in _INDEXED and not name.endswith("_id"):
            raise ValueError(f"{name} has no index")
    where = " AND ".join(f"{name} = ?" for name in names) or "1"
    return f"SELECT {shape.columns} FROM {shape.table} WHERE {where} ORDER BY {shape.order}"


def _encode(value: Any) -> Any:
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    if isinstance(value, tuple):
        return " ".join(value)
    return int(value) if isinstance(value, bool) else value


class Records:
    """Records on one connection; the caller holds the connection and its transaction.

    The same object serves as reader and, inside a transaction, as writer. `took` says whether
    anything was replaced or removed, so that cached answers can be dropped; `drafts` what the
    audit log has to tell of, `erased` the accounts it has to forget.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.took = False
        self.drafts: list[Draft] = []
        self.erased: list[str] = []

    def find(self, kind: type[R], key: str | bytes) -> R | None:
        shape = _shape(kind)
        rows = self._connection.execute(shape.find, (key,)).fetchall()
        return shape.decode(rows[0]) if rows else None  # type: ignore[return-value]  # of kind

    def list_by(self, kind: type[R], **equal: Hashable) -> list[R]:
        shape = _shape(kind)
        sql = _list_sql(kind, tuple(equal))
        rows = self._connection.execute(sql, tuple(equal.values())).fetchall()
        return [shape.decode(row) for row in rows]  # type: ignore[misc]  # of kind

    def add(self, record: Struct) -> None:
        values = tuple(map(_encode, msgspec.structs.astuple(record)))
        shape = _shape(type(record))
        try:
            self._connection.execute(shape.add, values)
        except apsw.ConstraintError as error:
            code = getattr(error, "extendedresult", None)
            if code in _TAKEN:
                raise ConflictError("the record is there already", table=shape.table) from error
            if code == apsw.SQLITE_CONSTRAINT_FOREIGNKEY:
                raise NotFoundError("the record's owner is gone", table=shape.table) from error
            raise
        self._tell(None, record)

    def replace(self, record: Struct) -> None:
        key, *values = map(_encode, msgspec.structs.astuple(record))
        kind = type(record)
        shape = _shape(kind)
        before = None if kind in QUIET else self.find(kind, key)
        self._connection.execute(shape.replace, (*values, key))
        if not self._connection.changes():
            raise NotFoundError("the record is not there", table=shape.table)
        self.took = True
        if before is not None:
            self._tell(before, record)

    def delete(self, kind: type[Struct], key: str | bytes) -> bool:
        before = None if kind in QUIET else self.find(kind, key)
        self._connection.execute(_shape(kind).delete, (key,))
        self.took = True
        gone = self._connection.changes() > 0
        if before is not None:
            self._tell(before, None)
        return gone

    def note(self, event: Event) -> None:
        self.drafts.append(draft_event(event))

    def _tell(self, before: Struct | None, after: Struct | None) -> None:
        draft = draft_change(before, after)
        if draft is not None:
            self.drafts.append(draft)
        erased = find_erased(before, after)
        if erased is not None:
            self.erased.append(erased)

    def expire(self, kind: type[Struct], *, now_ms: int) -> int:
        self._connection.execute(_shape(kind).expire, (now_ms,))
        return self._connection.changes()


_TAKEN: Final = frozenset({apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_UNIQUE})
