"""Seal secrets under the installation's master key, a file beside the databases.

    sealed      version (1 octet), nonce (12), AES-256-GCM ciphertext and tag (RFC 5116 §5.2)
    master.key  32 random octets, mode 0600, made when it is first needed

Whoever gets a database without that file cannot read what is sealed in it. A backup of the data
directory holds both, so it is to be kept as carefully as the directory.
"""

import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from penfold.base.errors import SealBrokenError, UnavailableError
from penfold.store.durable import sync_path

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_NAME: Final = "master.key"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = b"\x01"


class FileSealer:
    """penfold.ports.sealing.Sealer; touches the file with the first secret."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seal(self, secret: bytes, *, context: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret, context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see _cipher

        start = len(_VERSION) + _NONCE_BYTES
        if sealed[:1] != _VERSION or len(sealed) < start:
            raise SealBrokenError("not a sealed secret", context=context)
        try:
            nonce = sealed[len(_VERSION) : start]
            return self._cipher.decrypt(nonce, sealed[start:], context.encode())
        except InvalidTag:
            raise SealBrokenError(
                f"sealed under another {KEY_NAME} or for something else", context=context
            ) from None

    @cached_property
    def _cipher(self) -> "AESGCM":
        # Imported here: the library costs 12 MB, and most processes never open a secret.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

        return AESGCM(self._load_key())

    def _load_key(self) -> bytes:
        if not self._path.exists():
            self._make_key()
        key = self._path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise UnavailableError(f"{self._path} is damaged; restore it from a backup")
        return key

    def _make_key(self) -> None:
        """Write a key unless another process is first; whole, or not there at all."""
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            self._path.hardlink_to(new)
        except FileExistsError:
            pass
        finally:
            new.unlink()
        sync_path(self._path.parent)
