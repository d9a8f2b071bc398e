"""Seal secrets under the installation's master key (store/master_key.py).

    version 2   id of the key (8 octets), nonce (12), AES-256-GCM ciphertext and tag (RFC 5116 §5.2)
    version 1   the same without the id: what the first release sealed; opened, no longer made

The first octet is the version; what the secret belongs to is authenticated with it. Whoever gets
a database without the key cannot read what is sealed in it. By the id it is seen, without the
key, what is sealed under which.
"""

import secrets
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from penfold.base.errors import SealBrokenError
from penfold.store.master_key import KEY_ID_BYTES, key_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12
_VERSION: Final = b"\x02"
_WITHOUT_ID: Final = b"\x01"


def sealed_prefix(key_id: bytes) -> bytes:
    """Return the octets with which everything begins that is sealed under the key."""
    return _VERSION + key_id


class KeySealer:
    """penfold.ports.sealing.Sealer; asks for the keys with the first secret.

    load: the keys, the one to seal with first; the others open what they sealed.
    """

    def __init__(self, load: Callable[[], tuple[bytes, ...]]) -> None:
        self._load = load

    def seal(self, secret: bytes, *, context: str) -> bytes:
        ((prefix, cipher), *_) = self._ciphers.items()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return prefix + nonce + cipher.encrypt(nonce, secret, context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see _ciphers

        found = self._find(sealed)
        if not found:
            raise SealBrokenError("sealed under another master key", context=context)
        body = sealed[len(_WITHOUT_ID) if sealed.startswith(_WITHOUT_ID) else _PREFIX_BYTES :]
        for cipher in found:
            try:
                return cipher.decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], context.encode())
            except (InvalidTag, ValueError):  # ValueError: too short for a nonce
                continue
        raise SealBrokenError("sealed under another key or for something else", context=context)

    def is_current(self, sealed: bytes) -> bool:
        return sealed.startswith(next(iter(self._ciphers)))

    def _find(self, sealed: bytes) -> list["AESGCM"]:
        """Return the ciphers that may open it."""
        if sealed.startswith(_WITHOUT_ID):
            return list(self._ciphers.values())
        cipher = self._ciphers.get(sealed[:_PREFIX_BYTES])
        return [cipher] if cipher else []

    @cached_property
    def _ciphers(self) -> dict[bytes, "AESGCM"]:
        # Imported here: the library costs 12 MB, and most processes never open a secret.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

        return {sealed_prefix(key_id(key)): AESGCM(key) for key in self._load()}


_PREFIX_BYTES: Final = len(_VERSION) + KEY_ID_BYTES
