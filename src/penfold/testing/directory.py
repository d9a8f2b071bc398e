"""The directory in memory: penfold.ports.identity.IdentityBook without a disk.

A real implementation, kept to the same contract as the one on SQLite by
tests/contract/test_directory.py. `seed_account` and `seed_token` are short cuts for tests.
"""

from collections.abc import Callable, Hashable
from threading import RLock
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from penfold.base.acting import current_actor
from penfold.base.addresses import canonical_address, canonical_domain
from penfold.base.clock import Clock, FixedClock
from penfold.base.errors import ConflictError, NotFoundError
from penfold.base.limits import AUDIT_FORGET_MAX
from penfold.ports.audit import (
    SALT_BYTES,
    SOURCE,
    START,
    Draft,
    Entry,
    Event,
    Personal,
    Shown,
    draft_event,
    find_break,
    make_entry,
    show,
)
from penfold.ports.audit_rules import draft_change, find_erased
from penfold.ports.directory import Account
from penfold.ports.identity import (
    AccessToken,
    Alias,
    AppPassword,
    Client,
    Credential,
    Domain,
    Grant,
    IdentityWriter,
    ServiceToken,
    make_credential,
    make_own_credential,
)
from penfold.proto.oauth import app_password_digest, digest

R = TypeVar("R", bound=Struct)
T = TypeVar("T")
Tables = dict[type[Struct], dict[str | bytes, Any]]

#: What a field refers to.
_OWNERS: Final[dict[str, type[Struct]]] = {
    "account_id": Account,
    "client_id": Client,
    "domain_id": Domain,
    "grant_id": Grant,
}


def _key(record: Struct) -> Any:
    return getattr(record, record.__struct_fields__[0])


class _Records:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.drafts: list[Draft] = []
        self.erased: list[str] = []

    def find(self, kind: type[R], key: str | bytes) -> R | None:
        return self._tables.get(kind, {}).get(key)

    def list_by(self, kind: type[R], **equal: Hashable) -> list[R]:
        found = [
            record
            for record in self._tables.get(kind, {}).values()
            if all(getattr(record, name) == value for name, value in equal.items())
        ]
        return sorted(found, key=lambda one: (getattr(one, "created_ms", 0), _key(one)))

    def add(self, record: Struct) -> None:
        table = self._tables.setdefault(type(record), {})
        if _key(record) in table or (
            isinstance(record, Account) and self.list_by(Account, address=record.address)
        ):
            raise ConflictError("the record is there already")
        for name, owner in _OWNERS.items():
            owned = name in record.__struct_fields__
            if owned and getattr(record, name) not in self._tables.get(owner, {}):
                raise NotFoundError("the record's owner is gone")
        table[_key(record)] = record
        self._tell(None, record)

    def replace(self, record: Struct) -> None:
        table = self._tables.get(type(record), {})
        if _key(record) not in table:
            raise NotFoundError("the record is not there")
        self._tell(table[_key(record)], record)
        table[_key(record)] = record

    def note(self, event: Event) -> None:
        self.drafts.append(draft_event(event))

    def _tell(self, before: Struct | None, after: Struct | None) -> None:
        draft = draft_change(before, after)
        if draft is not None:
            self.drafts.append(draft)
        erased = find_erased(before, after)
        if erased is not None:
            self.erased.append(erased)

    def delete(self, kind: type[Struct], key: str | bytes) -> bool:
        before = self._tables.get(kind, {}).get(key)
        if not self._drop(kind, key):
            return False
        self._tell(before, None)
        return True

    def _drop(self, kind: type[Struct], key: str | bytes) -> bool:
        if self._tables.get(kind, {}).pop(key, None) is None:
            return False
        for name, owner in _OWNERS.items():
            if owner is kind:
                self._delete_owned(name, key)
        return True

    def _delete_owned(self, name: str, key: str | bytes) -> None:
        for kind, table in self._tables.items():
            if name in kind.__struct_fields__:
                for record in list(table.values()):
                    if getattr(record, name) == key:
                        self._drop(kind, _key(record))

    def expire(self, kind: type[Struct], *, now_ms: int) -> int:
        dead = [_key(one) for one in self.list_by(kind) if one.expires_ms <= now_ms]  # type: ignore[attr-defined]  # kinds that expire
        return sum(self._drop(kind, key) for key in dead)


class MemoryDirectory:
    """penfold.ports.identity.IdentityBook in memory."""

    def __init__(self, *, clock: Clock | None = None, runs_twice: bool = False) -> None:
        """runs_twice: every change runs once for nothing first, as a store may do."""
        self._runs_twice = runs_twice
        self._clock = clock or FixedClock()
        self._lock = RLock()
        self._tables: Tables = {}
        self._trail: list[tuple[Entry, list[Personal]]] = []

    def is_local_domain(self, domain: str) -> bool:
        return self.find(Domain, canonical_domain(domain)) is not None

    def find_account(self, address: str) -> Account | None:
        found = self.list_by(Account, address=canonical_address(address))
        return found[0] if found else None

    def list_targets(self, alias: str) -> list[Account]:
        found = [self.find(Account, one.account_id) for one in self.list_by(Alias, address=alias)]
        return [account for account in found if account is not None]

    def list_aliases(self, account_id: str) -> list[str]:
        return [one.address for one in self.list_by(Alias, account_id=account_id)]

    def get_account(self, account_id: str) -> Account:
        account = self.find(Account, account_id)
        if account is None:
            raise NotFoundError("no such account", account=account_id)
        return account

    def list_accounts(self) -> list[Account]:
        return self.list_by(Account)

    def find_credential(self, token: str) -> Credential | None:
        with self._lock:
            key = digest(token)
            found = self.find(AccessToken, key) or self.find(ServiceToken, key)
            if found is None or found.expires_ms <= self._clock.now_ms():
                return None
            client = self.find(Client, found.client_id)
            if client is None:
                return None
            if isinstance(found, ServiceToken):
                return make_own_credential(found, client)
            account = self.get_account(found.account_id)
        return None if account.suspended else make_credential(found, account, client)

    def find_app_login(self, address: str, password: str) -> Account | None:
        account = self.find_account(address)
        if account is None or account.suspended:
            return None
        found = self.find(AppPassword, app_password_digest(account.id, password))
        if found is None:
            return None
        used = msgspec.structs.replace(found, used_ms=self._clock.now_ms())
        self.change(lambda writer: writer.replace(used))
        return account

    def find(self, kind: type[R], key: str | bytes) -> R | None:
        with self._lock:
            return _Records(self._tables).find(kind, key)

    def list_by(self, kind: type[R], **equal: Hashable) -> list[R]:
        with self._lock:
            return _Records(self._tables).list_by(kind, **equal)

    def change(self, change: Callable[[IdentityWriter], T]) -> T:
        with self._lock:
            if self._runs_twice:
                change(_Records(self._copy()))
            copy = self._copy()
            records = _Records(copy)
            result = change(records)
            self._tables = copy
            self._append(records)
        return result

    def _append(self, records: _Records) -> None:
        now_ms = self._clock.now_ms()
        for draft in records.drafts:
            last = self._trail[-1][0] if self._trail else None
            follows = (last.number, last.hash) if last else (0, START)
            made = make_entry(
                draft, follows, current_actor(), now_ms=now_ms, make_salt=lambda: bytes(SALT_BYTES)
            )
            self._trail.append(made)
        for _, parts in self._trail:
            parts[:] = [part for part in parts if part.account_id not in records.erased]

    def list_audit(self, *, before: int = 0, account_id: str = "", most: int) -> list[Shown]:
        with self._lock:
            found = [
                show(*each)
                for each in reversed(self._trail)
                if (not before or each[0].number < before)
                and account_id in ("", each[0].account_id)
            ]
        return found[:most]

    def list_audit_from(self, after: int) -> list[Shown]:
        with self._lock:
            return [show(*each) for each in self._trail[after:]]

    def check_audit(self) -> tuple[str, tuple[int, str]]:
        with self._lock:
            return find_break((0, START), self._trail)

    def forget_strangers(self, *, before_ms: int) -> int:
        with self._lock:
            found = [
                (parts, part)
                for entry, parts in self._trail
                if entry.time_ms < before_ms
                for part in parts
                if part.part == SOURCE and not part.account_id
            ][:AUDIT_FORGET_MAX]
            for parts, part in found:
                parts.remove(part)
        return len(found)

    def close(self) -> None:
        """Nothing to close."""

    def _copy(self) -> Tables:
        return {kind: dict(table) for kind, table in self._tables.items()}

    def seed_account(self, address: str, *, name: str = "", account_id: str = "") -> Account:
        """Return a new account; its domain becomes local."""
        address = canonical_address(address)
        account_id = account_id or "m" + digest(address).hex()[:20]
        account = Account(account_id, address, name, self._clock.now_ms())
        domain = address.rpartition("@")[2]

        def seed(writer: IdentityWriter) -> None:
            if writer.find(Domain, domain) is None:
                writer.add(Domain(domain, account.created_ms))
            writer.add(account)

        self.change(seed)
        return account

    def seed_token(
        self,
        account: Account,
        scopes: frozenset[str] = frozenset({"https://mail.google.com/"}),
        *,
        project: str = "100000000001",
    ) -> str:
        """Return a new access token of the account that lives for an hour."""
        now_ms = self._clock.now_ms()
        client_id = f"{project}-seed.apps.penfold"

        def seed(writer: IdentityWriter) -> str:
            if writer.find(Client, client_id) is None:
                writer.add(Client(client_id, "Seed", "desktop", b"", project, (), True, now_ms))
            number = len(writer.list_by(Grant))
            token = f"ya29.seed{number}"
            writer.add(Grant(f"g{number}", account.id, client_id, scopes, False, now_ms))
            writer.add(
                AccessToken(
                    digest(token), f"g{number}", account.id, client_id, project, scopes,
                    now_ms, now_ms + 3_600_000,
                )
            )  # fmt: skip
            return token

        return self.change(seed)
