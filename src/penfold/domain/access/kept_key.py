"""A key of this installation, made when it is first needed and kept sealed in the directory.

When it cannot be opened, because the master key is another one, a new key takes its place, and what
was made with it before is not known any more.
"""

import base64
import logging
from binascii import Error as BadBase64Error
from typing import Final

from penfold.base.chance import Chance
from penfold.base.errors import SealBrokenError
from penfold.base.limits import KEPT_KEY_BITS
from penfold.ports.identity import Fact, IdentityBook, IdentityWriter
from penfold.ports.sealing import Sealer

_log: Final = logging.getLogger(__name__)
VERP_KEY: Final = "verp_key"
LINK_KEY: Final = "link_key"
#: Where they are, for a rotation of the master key.
KEPT_KEYS: Final = (VERP_KEY, LINK_KEY)


class KeptKey:
    """Calls are safe from any thread, and block."""

    def __init__(self, name: str, book: IdentityBook, sealer: Sealer, chance: Chance) -> None:
        self._name = name
        self._book = book
        self._sealer = sealer
        self._chance = chance
        #: Once it is there it stays. A race only reads it twice.
        self._kept: bytes | None = None

    def get(self) -> bytes:
        """Return the key, a new one if there is none."""
        found = self.find()
        if found is None:
            found = self._kept = self._book.change(self._make_in_tx)
        return found

    def find(self) -> bytes | None:
        """Return the key; None while nothing was made with it, or it cannot be opened."""
        if self._kept is None:
            fact = self._book.find(Fact, self._name)
            self._kept = self._open(fact) if fact else None
        return self._kept

    def _open(self, fact: Fact) -> bytes | None:
        try:
            return self._sealer.open(base64.b64decode(fact.value), context=self._name)
        except (SealBrokenError, BadBase64Error):
            return None

    def _make_in_tx(self, writer: IdentityWriter) -> bytes:
        there = writer.find(Fact, self._name)
        known = self._open(there) if there else None
        if known is not None:  # another process was first
            return known
        if there is not None:
            _log.warning("the key %s cannot be opened, a new one takes its place", self._name)
        key = self._chance.getrandbits(KEPT_KEY_BITS).to_bytes(KEPT_KEY_BITS // 8)
        sealed = base64.b64encode(self._sealer.seal(key, context=self._name)).decode()
        writer.delete(Fact, self._name)
        writer.add(Fact(self._name, sealed))
        return key
