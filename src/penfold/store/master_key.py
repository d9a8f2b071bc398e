"""The master key, from where the operator keeps it; and its id, which may be seen.

A file in the data directory is made when there is none: 32 random octets, mode 0600. All else is
read, never written. An error names the place and what to do, and holds nothing of what was read.
"""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

from penfold.base.errors import ParseError, UnavailableError
from penfold.base.limits import MASTER_KEY_BYTES, MASTER_KEY_READ_BYTES
from penfold.spec.key_source import FILE, KeySource, parse_key
from penfold.store.durable import sync_path
from penfold.store.secret_source import load_secret, show_source

#: Octets of an id; two keys share one by chance once in 2^64.
KEY_ID_BYTES: Final = 8


def load_key(source: KeySource, data: Path, *, make: bool = False) -> bytes:
    """Return the 32 octets of the key. make: a file that is not there is made.

    UnavailableError says in a sentence why there is none.
    """
    path = key_path(source, data) if source.kind == FILE else None
    if path and make and not path.exists():
        save_new_key(path)
    if path and not path.exists():
        raise UnavailableError(
            f"master_key: {path} is not there; restore it from a backup: what was sealed under "
            "it opens under no other key"
        )
    octets = load_secret(source, data, setting="master_key", most=MASTER_KEY_READ_BYTES)
    try:
        return parse_key(octets)
    except ParseError as error:
        raise UnavailableError(
            f"master_key: {source.kind}:{show_source(source)}: {error}"
        ) from None


def key_path(source: KeySource, data: Path) -> Path:
    """Return the file of a source that is one."""
    return data / source.place


def key_id(key: bytes) -> bytes:
    """Return what a key is known by; it tells nothing of the key."""
    return hashlib.sha256(b"penfold master key\0" + key).digest()[:KEY_ID_BYTES]


def save_new_key(path: Path) -> None:
    """Write a key unless another process is first; whole, or not there at all."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(MASTER_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(new)
    except FileExistsError:
        pass
    finally:
        new.unlink()
    sync_path(path.parent)
