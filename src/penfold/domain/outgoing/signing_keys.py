"""Which keys sign a domain's mail at a moment, and signing with them (DKIM, RFC 6376).

A key begins as waiting: its record has to be in the DNS before anything is signed with it. Once
active it signs, until a newer one of its algorithm does; retired, it only stays published.
"""

from collections.abc import Callable, Collection, Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.clock import Clock
from penfold.base.errors import ParseError
from penfold.base.limits import DKIM_KEYS_KEPT_MAX, DKIM_KEYS_KEPT_MS
from penfold.ports.identity import DkimKey, IdentityBook, IdentityReader, IdentityWriter
from penfold.ports.sealing import Sealer
from penfold.proto.dns import Check
from penfold.proto.mailauth.keys import PrivateKey, find_key, parse_key_record
from penfold.proto.mailauth.outcome import RefusedError
from penfold.proto.mailauth.private_keys import ALGORITHMS, parse_private_key
from penfold.proto.mailauth.signing import Signer

#: Octets before the first field that readers pass over, or take for part of it: a signature in
#: front would make something else of the message.
_NO_FIELD: Final = (b"From ", b"\xef\xbb\xbf")


class KeyState(StrEnum):
    """waiting: made, does not sign before its record is seen. active: signs. retired: its record
    stays for mail that is under way.
    """

    WAITING = "waiting"
    ACTIVE = "active"
    RETIRED = "retired"


class SigningKey(Struct, frozen=True):
    """A key ready to sign with."""

    selector: str
    key: PrivateKey


def state_of(key: DkimKey) -> KeyState:
    if key.retired_ms:
        return KeyState.RETIRED
    return KeyState.ACTIVE if key.active_ms else KeyState.WAITING


def choose_signing(keys: Iterable[DkimKey], now_ms: int) -> tuple[DkimKey, ...]:
    """Return the keys that sign at a moment: of each algorithm the one activated last."""
    newest: dict[str, DkimKey] = {}
    for key in keys:
        if state_of(key) is KeyState.ACTIVE and key.active_ms <= now_ms:
            best = newest.get(key.algorithm, key)
            newest[key.algorithm] = max(best, key, key=lambda one: (one.active_ms, one.name))
    return tuple(newest[algorithm] for algorithm in ALGORITHMS if algorithm in newest)


def activate_keys(
    book: IdentityBook, domain: str, selectors: Collection[str] | None = None, *, now_ms: int
) -> list[DkimKey]:
    """Let a domain's waiting keys sign (all of them, or those named) and return them.

    Older keys of the same algorithm are retired, and their private halves erased. The operator
    vouches that the records are in the DNS, or somebody has looked.
    """

    def activate(writer: IdentityWriter) -> list[DkimKey]:
        keys = writer.list_by(DkimKey, domain_id=domain)
        chosen = {
            key.algorithm: key
            for key in keys
            if state_of(key) is KeyState.WAITING
            and (selectors is None or key.selector in selectors)
        }
        for key in keys:
            if key.algorithm in chosen and state_of(key) is KeyState.ACTIVE:
                writer.replace(replace(key, sealed=b"", retired_ms=now_ms))
        begun = [replace(key, active_ms=now_ms) for key in chosen.values()]
        for key in begun:
            writer.replace(key)
        return begun

    return book.change(activate)


def find_published(keys: Iterable[DkimKey]) -> Check[tuple[str, ...]]:
    """Return the selectors of the keys whose record is in the DNS, and is that key."""
    seen = []
    for key in keys:
        try:
            published = yield from find_key(key.domain_id, key.selector)
        except RefusedError:
            continue
        if published.key == parse_key_record(key.record.encode()).key:
            seen.append(key.selector)
    return tuple(seen)


class SigningKeys:
    """Signs for the domains in a directory. Calls are safe from any thread.

    find_more: keys of a domain that are kept elsewhere, those of the sending API.
    """

    def __init__(
        self,
        book: IdentityReader,
        sealer: Sealer,
        clock: Clock,
        *,
        kept_max: int = DKIM_KEYS_KEPT_MAX,
        find_more: Callable[[str], Iterable[DkimKey]] = lambda _: (),
    ) -> None:
        self._book = book
        self._sealer = sealer
        self._clock = clock
        self._kept_max = kept_max
        self._find_more = find_more
        #: Until when they are good, and the keys. A race only asks the directory once more.
        self._kept: dict[str, tuple[int, tuple[SigningKey, ...]]] = {}

    def find(self, domain: str) -> tuple[SigningKey, ...]:
        """Return the keys that sign the domain's mail now, () when it has none.

        domain: lower case, A-labels. Remembered for DKIM_KEYS_KEPT_MS. SealBrokenError: the keys
        were sealed under another master key, and mail would leave unsigned.
        """
        now_ms = self._clock.now_ms()
        kept = self._kept.get(domain)
        if kept is not None and now_ms < kept[0]:
            return kept[1]
        known = (*self._book.list_by(DkimKey, domain_id=domain), *self._find_more(domain))
        chosen = choose_signing(known, now_ms)
        found = tuple(SigningKey(each.selector, self._open(each)) for each in chosen)
        self._kept.pop(domain, None)
        while len(self._kept) >= self._kept_max:
            self._kept.pop(next(iter(self._kept)), None)
        self._kept[domain] = (now_ms + DKIM_KEYS_KEPT_MS, found)
        return found

    def sign(self, raw: bytes, author_domain: str, now_s: int) -> bytes:
        """Return the message with a DKIM-Signature of each key in front.

        raw: as it will be sent. author_domain: of the address in From. It comes back unchanged
        when the domain has no active key and when a field cannot be put in front of it or signed:
        an mbox line, a byte order mark, no From, an endless header. Raises as find does.
        """
        keys = self.find(author_domain)
        if not keys or raw.startswith(_NO_FIELD):
            return raw
        try:
            signer = Signer(raw)
        except ParseError:
            return raw
        fields = [
            signer.sign(domain=author_domain, selector=each.selector, key=each.key, now_s=now_s)
            for each in keys
        ]
        return b"".join((*fields, raw))

    def _open(self, key: DkimKey) -> PrivateKey:
        return parse_private_key(self._sealer.open(key.sealed, context=key.name))
