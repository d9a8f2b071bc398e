"""The directory on SQLite: accounts, clients, grants and tokens in one file, `directory.db`.

Owns the handles of that file: one to read with, one to write with, each behind a lock, opened
after any fork. Several processes have the file open; SQLite's write lock arbitrates. A change is
one BEGIN IMMEDIATE transaction, durable on return.

A validated access token is remembered for CREDENTIAL_CACHE_MS, so a revocation elsewhere counts
after that time and one made here at once. Tokens that lead nowhere are not remembered: a token
issued by another process a moment ago must work, and a flood of junk must not push out live ones.
"""

from collections.abc import Callable, Hashable
from contextlib import suppress
from os import urandom
from pathlib import Path
from threading import Lock
from typing import TypeVar

import apsw
from msgspec import Struct

from penfold.base.acting import current_actor
from penfold.base.addresses import canonical_address, canonical_domain
from penfold.base.clock import Clock
from penfold.base.errors import (
    MailboxBusyError,
    NotFoundError,
    StorageFullError,
    UnavailableError,
)
from penfold.base.limits import (
    APP_PASSWORD_USED_MS,
    CREDENTIAL_CACHE_MAX,
    CREDENTIAL_CACHE_MS,
)
from penfold.ports.audit import SALT_BYTES, Shown, show
from penfold.ports.directory import Account
from penfold.ports.identity import (
    AccessToken,
    Alias,
    AppPassword,
    Client,
    Credential,
    Domain,
    IdentityWriter,
    ServiceToken,
    make_credential,
    make_own_credential,
)
from penfold.proto.oauth import app_password_digest, digest
from penfold.store.sqlite import audit
from penfold.store.sqlite.commit import Fatal, commit
from penfold.store.sqlite.directory_records import Records
from penfold.store.sqlite.migrate import migrate
from penfold.store.sqlite.open import open_database

R = TypeVar("R", bound=Struct)
T = TypeVar("T")


class SqliteDirectory:
    """penfold.ports.identity.IdentityBook on one file; calls are safe from any thread."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        create: bool = True,
        fatal: Fatal | None = None,
        vfs: str | None = None,
        make_salt: Callable[[], bytes] = lambda: urandom(SALT_BYTES),
    ) -> None:
        """Open the file; `create` makes it when it is missing (only for a new installation).

        fatal: must end the process, see commit.py. make_salt: for what the audit log can forget.
        """
        self._clock = clock
        self._fatal = fatal
        self._make_salt = make_salt
        self._write_lock, self._read_lock = Lock(), Lock()
        self._cached: dict[str, tuple[int, Credential]] = {}
        self._changes = 0  # counts what was taken away here; guards the cache against old reads
        if create:
            path.touch(mode=0o600)  # it holds the signing keys
        self._writer = open_database(path, create=create, foreign_keys=True, vfs=vfs)
        migrate(self._writer, "directory")
        self._reader = open_database(path, readonly=True)
        self._read = Records(self._reader)

    # --- directory -----------------------------------------------------------------

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

    # --- credentials ---------------------------------------------------------------

    def find_credential(self, token: str) -> Credential | None:
        now_ms = self._clock.now_ms()
        cached = self._cached.get(token)
        if cached is not None and now_ms < cached[0]:
            return cached[1]
        before = self._changes
        # Three point reads: SQLite takes twice as long for the same rows in one join.
        key = digest(token)
        found = self.find(AccessToken, key) or self.find(ServiceToken, key)
        if found is None or found.expires_ms <= now_ms:
            return None
        credential = self._credential(found)
        if credential is None:
            return None
        until_ms = min(found.expires_ms, now_ms + CREDENTIAL_CACHE_MS)
        self._remember(token, until_ms, credential, before)
        return credential

    def _credential(self, found: AccessToken | ServiceToken) -> Credential | None:
        client = self.find(Client, found.client_id)
        if client is None:
            return None
        if isinstance(found, ServiceToken):
            return make_own_credential(found, client)
        account = self.find(Account, found.account_id)
        if account is None or account.suspended:
            return None
        return make_credential(found, account, client)

    def find_app_login(self, address: str, password: str) -> Account | None:
        account = self.find_account(address)
        if account is None or account.suspended:
            return None
        found = self.find(AppPassword, app_password_digest(account.id, password))
        if found is None:
            return None
        self._note_use(found)
        return account

    # --- records -------------------------------------------------------------------

    def find(self, kind: type[R], key: str | bytes) -> R | None:
        with self._read_lock:
            return self._read.find(kind, key)

    def list_by(self, kind: type[R], **equal: Hashable) -> list[R]:
        with self._read_lock:
            return self._read.list_by(kind, **equal)

    def change(self, change: Callable[[IdentityWriter], T]) -> T:
        records = Records(self._writer)
        with self._write_lock:
            result = self._transact(lambda: self._run(change, records))
        if records.took:
            with self._read_lock:
                self._changes += 1
                self._cached.clear()
        return result

    # --- audit log -----------------------------------------------------------------

    def list_audit(self, *, before: int = 0, account_id: str = "", most: int) -> list[Shown]:
        with self._read_lock:
            return audit.list_page(self._reader, before=before, account_id=account_id, most=most)

    def list_audit_from(self, after: int) -> list[Shown]:
        with self._read_lock:
            return [show(*each) for each in audit.list_from(self._reader, after)]

    def check_audit(self) -> tuple[str, tuple[int, str]]:
        with self._read_lock:
            return audit.check(self._reader)

    def forget_strangers(self, *, before_ms: int) -> int:
        with self._write_lock:
            return self._transact(lambda: audit.forget_strangers_in_tx(self._writer, before_ms))

    def close(self) -> None:
        """Close both handles; safe to call twice."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()

    # --- inside --------------------------------------------------------------------

    def _run(self, change: Callable[[IdentityWriter], T], records: Records) -> T:
        """Make the change and write down what it was, both or neither."""
        result = change(records)
        if records.drafts:
            audit.append_in_tx(
                self._writer,
                records.drafts,
                current_actor(),
                now_ms=self._clock.now_ms(),
                make_salt=self._make_salt,
            )
        for account_id in records.erased:
            audit.erase_in_tx(self._writer, account_id)
        return result

    def _transact(self, body: Callable[[], T]) -> T:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                result = body()
                commit(self._writer, self._fatal, file="directory.db")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
        except apsw.BusyError as error:
            raise MailboxBusyError("another process held the directory too long") from error
        except apsw.FullError as error:
            raise StorageFullError("no room for the directory") from error
        except apsw.IOError as error:
            raise UnavailableError("the directory cannot be written") from error
        return result

    def _remember(self, token: str, until_ms: int, credential: Credential, before: int) -> None:
        """Keep the answer, unless something was taken away since the count was `before`.

        Entries live so briefly that the oldest is as good a victim as any.
        """
        with self._read_lock:
            if before != self._changes:
                return
            self._cached.pop(token, None)
            if len(self._cached) >= CREDENTIAL_CACHE_MAX:
                del self._cached[next(iter(self._cached))]
            self._cached[token] = (until_ms, credential)

    def _note_use(self, found: AppPassword) -> None:
        """Write down the use, at most once an hour: a login must not cost a disk write."""
        now_ms = self._clock.now_ms()
        if now_ms < found.used_ms + APP_PASSWORD_USED_MS:
            return
        used = AppPassword(found.digest, found.account_id, found.label, found.created_ms, now_ms)

        def note(writer: IdentityWriter) -> None:
            if writer.find(AppPassword, used.digest) is not None:
                writer.replace(used)

        with suppress(UnavailableError):  # the note is not worth refusing a login
            self.change(note)
