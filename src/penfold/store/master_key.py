"""The master key, from where the operator keeps it; and its id, which may be seen.

A file in the data directory is made when there is none: 32 random octets, mode 0600. All else is
read, never written. An error names the place and what to do, and holds nothing of what was read.
"""

import hashlib
import os
import secrets
import stat
import subprocess
from pathlib import Path
from typing import Final

from penfold.base.errors import ParseError, UnavailableError
from penfold.base.limits import (
    MASTER_KEY_BYTES,
    MASTER_KEY_COMMAND_S,
    MASTER_KEY_READ_BYTES,
)
from penfold.spec.key_source import COMMAND, ENVIRONMENT, KeySource, parse_key
from penfold.store.durable import sync_path

#: Octets of an id; two keys share one by chance once in 2^64.
KEY_ID_BYTES: Final = 8


def load_key(source: KeySource, data: Path, *, make: bool = False) -> bytes:
    """Return the 32 octets of the key. make: a file that is not there is made.

    UnavailableError says in a sentence why there is none.
    """
    if source.kind == COMMAND:
        octets = _run(source)
    elif source.kind == ENVIRONMENT:
        octets = os.environ.get(source.place, "").encode()
        if not octets:
            raise UnavailableError(f"master_key: the environment has no {source.place}")
    else:
        octets = _read(key_path(source, data), make=make)
    try:
        return parse_key(octets)
    except ParseError as error:
        raise UnavailableError(f"master_key: {source.kind}:{_shown(source)}: {error}") from None


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


def _read(path: Path, *, make: bool) -> bytes:
    if make and not path.exists():
        save_new_key(path)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = file.read(MASTER_KEY_READ_BYTES)
    except FileNotFoundError:
        raise UnavailableError(
            f"master_key: {path} is not there; restore it from a backup: what was sealed under "
            "it opens under no other key"
        ) from None
    except OSError as error:
        raise UnavailableError(f"master_key: {path}: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UnavailableError(f"master_key: {path} is open to others; `chmod 600` it")
    return octets


def _run(source: KeySource) -> bytes:
    """Return what the command prints; its standard error is the operator's to see."""
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, split into words, no shell
            source.words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=MASTER_KEY_COMMAND_S,
            check=False,
        )
    except OSError as error:
        raise UnavailableError(f"master_key: {_shown(source)}: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise UnavailableError(
            f"master_key: {_shown(source)} took longer than {MASTER_KEY_COMMAND_S} s"
        ) from None
    if done.returncode:
        raise UnavailableError(
            f"master_key: {_shown(source)} ended with exit code {done.returncode}"
        )
    return done.stdout[:MASTER_KEY_READ_BYTES]


def _shown(source: KeySource) -> str:
    """Return what may be printed: arguments of a command may hold a token of the key store."""
    return source.words[0] if source.kind == COMMAND else source.place
