"""API keys: made, shown once, rotated, revoked, and recognised.

Of a secret only SHA-256 is kept, which is enough: secrets are random, not chosen. A key that makes
keys can give no more than it has.
"""

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError
from penfold.base.limits import (
    SENDING_KEY_USED_MS,
    SENDING_RECORDS_MAX,
    SENDING_ROTATE_MS,
)
from penfold.domain.sending.accept import make_id
from penfold.ports.audit import Event
from penfold.ports.directory import Account
from penfold.ports.sending.book import SendingBook, SendingReader, SendingWriter
from penfold.ports.sending.records import ApiKey, ApiSecret
from penfold.proto.oauth import digest, make_token
from penfold.spec.sending.problems import INVALID_ACCESS, INVALID_API_KEY, VALIDATION, SendingError

LIVE_PREFIX = "pf_"
TEST_PREFIX = "test_"
#: Characters of a secret that are shown.
_SHOWN = 4


class NewSecret(Struct, frozen=True, gc=False):
    key: ApiKey
    secret: str


class Shown(Struct, frozen=True):
    """A key with its secrets, of which the last four characters are known."""

    key: ApiKey
    secrets: tuple[ApiSecret, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """find_account: by its id, None when it is gone. note: to the audit log."""

    book: SendingBook
    clock: Clock
    chance: Chance
    find_account: Callable[[str], Account | None]
    note: Callable[[Event], None]

    def add(self, key: ApiKey) -> NewSecret:
        """Store a key, whose id and time are made here, and return it with its secret.

        Where there are SENDING_RECORDS_MAX, the key that was revoked first is forgotten;
        SendingError when none was.
        """
        made = replace(key, id=make_id(self.chance), created_ms=self.clock.now_ms())
        secret = make_token(TEST_PREFIX if made.test else LIVE_PREFIX, self.chance)

        def change(writer: SendingWriter) -> None:
            ended = _find_room(writer, made.account_id)
            if ended is not None:
                writer.delete(ApiKey, ended.id, made.account_id)
            writer.add(made)
            writer.add(self._secret(made, secret))

        self.book.read(lambda book: _find_room(book, made.account_id))
        self._note("add", made)
        self.book.change(change)
        return NewSecret(made, secret)

    def list(self, account_id: str) -> list[Shown]:
        """Return an account's keys, the oldest first, those that were revoked behind the others."""

        def look(book: SendingReader) -> list[Shown]:
            keys = book.list_records(ApiKey, account_id, limit=SENDING_RECORDS_MAX)
            keys.sort(key=lambda one: one.revoked_ms > 0)
            return [Shown(key, tuple(_list_secrets(book, key))) for key in keys]

        return self.book.read(look)

    def rotate(
        self, key_id: str, account_id: str, *, grace_ms: int = SENDING_ROTATE_MS
    ) -> NewSecret:
        """Return the key with a new secret; the ones before are good for grace_ms longer."""
        now_ms = self.clock.now_ms()

        def change(writer: SendingWriter) -> NewSecret:
            key = _get_key(writer, key_id, account_id)
            for one in _list_secrets(writer, key):
                ends_ms = min(one.expires_ms or now_ms + grace_ms, now_ms + grace_ms)
                if ends_ms <= now_ms:
                    writer.delete(ApiSecret, one.id, account_id)
                else:
                    writer.replace(replace(one, expires_ms=ends_ms))
            secret = make_token(TEST_PREFIX if key.test else LIVE_PREFIX, self.chance)
            writer.add(self._secret(key, secret))
            return NewSecret(key, secret)

        self._note("rotate", self._get(key_id, account_id))
        return self.book.change(change)

    def revoke(self, key_id: str, account_id: str) -> ApiKey:
        """End a key with its secrets; what it sent stays."""

        def change(writer: SendingWriter) -> ApiKey:
            key = _get_key(writer, key_id, account_id)
            for one in _list_secrets(writer, key):
                writer.delete(ApiSecret, one.id, account_id)
            ended = replace(key, revoked_ms=key.revoked_ms or self.clock.now_ms())
            writer.replace(ended)
            return ended

        self._note("revoke", self._get(key_id, account_id))
        return self.book.change(change)

    def recognise(self, secret: str, client: str) -> ApiKey:
        """Return the key a secret belongs to, or refuse it. client: the peer's address."""
        now_ms = self.clock.now_ms()
        hashed = digest(secret).hex()

        def look(book: SendingReader) -> tuple[ApiKey, ApiSecret] | None:
            found = book.find_unowned(ApiSecret, hashed)
            key = book.find(ApiKey, found.key_id, found.account_id) if found else None
            return (key, found) if key and found else None

        pair = self.book.read(look)
        if pair is None:
            raise SendingError(INVALID_API_KEY)
        key, kept = pair
        if key.revoked_ms or _is_over(key.expires_ms, now_ms) or _is_over(kept.expires_ms, now_ms):
            raise SendingError(INVALID_API_KEY, "The API key has ended; make a new one.")
        account = self.find_account(key.account_id)
        if account is None or account.suspended:
            raise SendingError(INVALID_API_KEY, "The account of the API key is suspended.")
        if key.networks and not _is_within(client, key.networks):
            raise SendingError(INVALID_ACCESS, "This API key may not be used from your address.")
        if now_ms >= kept.used_ms + SENDING_KEY_USED_MS:
            self._note_use(kept, now_ms)
        return key

    def renew(self, key: ApiKey) -> ApiKey:
        """Return the key as it is now, or refuse it: a session may last longer than its key."""
        found = self.book.read(lambda book: book.find(ApiKey, key.id, key.account_id))
        if found is None or found.revoked_ms or _is_over(found.expires_ms, self.clock.now_ms()):
            raise SendingError(INVALID_API_KEY, "The API key has ended; make a new one.")
        return found

    def _get(self, key_id: str, account_id: str) -> ApiKey:
        return self.book.read(lambda book: _get_key(book, key_id, account_id))

    def _secret(self, key: ApiKey, secret: str) -> ApiSecret:
        return ApiSecret(
            digest(secret).hex(), key.account_id, key.id, secret[-_SHOWN:], self.clock.now_ms()
        )

    def _note_use(self, kept: ApiSecret, now_ms: int) -> None:
        def change(writer: SendingWriter) -> None:
            found = writer.find_unowned(ApiSecret, kept.id)
            if found is not None:
                writer.replace(replace(found, used_ms=now_ms))

        self.book.change(change)

    def _note(self, action: str, key: ApiKey) -> None:
        """Note what is about to be done: an entry may be without its change, none the reverse."""
        values = {"name": key.name, "scopes": list(key.scopes), "test": key.test}
        self.note(Event(action, "sending_key", key.id, key.account_id, values))


def _find_room(book: SendingReader, account_id: str) -> ApiKey | None:
    """Return the key that has to go for another one; None when there is room, or refuse."""
    there = book.list_records(ApiKey, account_id, limit=SENDING_RECORDS_MAX)
    if len(there) < SENDING_RECORDS_MAX:
        return None
    ended = [one for one in there if one.revoked_ms]
    if not ended:
        what = f"An account has at most {SENDING_RECORDS_MAX} API keys; revoke one."
        raise SendingError(VALIDATION, what)
    return min(ended, key=lambda one: one.revoked_ms)


def _get_key(book: SendingReader, key_id: str, account_id: str) -> ApiKey:
    key = book.find(ApiKey, key_id, account_id)
    if key is None:
        raise NotFoundError("no such API key")
    if key.revoked_ms:
        raise NotFoundError("the API key is revoked")
    return key


def _list_secrets(book: SendingReader, key: ApiKey) -> list[ApiSecret]:
    return book.list_records(ApiSecret, key.account_id, parent=key.id, limit=SENDING_RECORDS_MAX)


def _is_over(expires_ms: int, now_ms: int) -> bool:
    return 0 < expires_ms <= now_ms


def _is_within(client: str, networks: Iterable[str]) -> bool:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(each) for each in networks)
