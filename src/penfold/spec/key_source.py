"""Where a secret is, and how the master key is written there.

    file:PATH       a file, by a path in the data directory or an absolute one
    env:NAME        a variable of the environment
    command:LINE    a program's standard output; split into words once, run without a shell

In a file that Penfold makes the key is 32 octets; everywhere else they may be written in hex or
base64 (RFC 4648 §4, §5, §8), which is what key stores hand out.
"""

import base64
import binascii
import re
import shlex
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import MASTER_KEY_BYTES

FILE: Final = "file"
ENVIRONMENT: Final = "env"
COMMAND: Final = "command"

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEX: Final = re.compile(rb"[0-9A-Fa-f]{%d}" % (2 * MASTER_KEY_BYTES))


class KeySource(Struct, frozen=True):
    """kind is FILE, ENVIRONMENT or COMMAND; place: the path, the name, or the line as written."""

    kind: str
    place: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.place}"

    @property
    def shown(self) -> str:
        """How it may be printed: arguments of a program may hold a token of the key store."""
        if self.kind != COMMAND:
            return str(self)
        program, *arguments = self.words
        return f"{self.kind}:{program}{' …' if arguments else ''}"

    @property
    def words(self) -> list[str]:
        """The program and its arguments, of a COMMAND."""
        return shlex.split(self.place)


DEFAULT_SOURCE: Final = KeySource(FILE, "master.key")


def parse_key_source(value: object) -> KeySource:
    """Return where the key is; ParseError, which says how to write it, for anything else.

    The error never repeats what was read: somebody may have written the key itself.
    """
    if not isinstance(value, str) or not value.isprintable():
        raise ParseError("must be text in quotes without control characters")
    kind, colon, place = value.strip().partition(":")
    place = place.strip()
    if not colon or not place or kind not in (FILE, ENVIRONMENT, COMMAND):
        raise ParseError(
            "must be file:PATH, env:NAME or command:PROGRAM ARGUMENTS, which is where the key is, "
            "not the key"
        )
    if kind == ENVIRONMENT and not _VARIABLE.fullmatch(place):
        raise ParseError("env: must be followed by the name of a variable")
    if kind == COMMAND:
        _check_command(place)
    return KeySource(kind, place)


def parse_secret_source(value: object) -> KeySource:
    """As parse_key_source; what was written instead is not repeated: it may be the secret."""
    try:
        return parse_key_source(value)
    except ParseError:
        raise ParseError(
            "must be file:PATH, env:NAME or command:PROGRAM ARGUMENTS, with the whole path of the "
            "program; the secret itself does not belong here"
        ) from None


def parse_key(octets: bytes) -> bytes:
    """Return the 32 octets of a key as they are, in hex or in base64; ParseError for others.

    The error never repeats what was read: it may be most of a key.
    """
    if len(octets) == MASTER_KEY_BYTES:
        return octets
    text = octets.strip()
    if _HEX.fullmatch(text):
        return bytes.fromhex(text.decode())
    try:
        key = base64.b64decode(text.translate(_URLSAFE), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise ParseError(f"it is not {MASTER_KEY_BYTES} octets in hex or base64")
    return key


#: RFC 4648 §5 writes two of the letters otherwise.
_URLSAFE: Final = bytes.maketrans(b"-_", b"+/")


def _check_command(line: str) -> None:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise ParseError(f"command: cannot be split into words: {error}") from None
    if not words or not words[0].startswith("/"):
        # PATH is whatever the one who starts the server has; a key should not depend on it.
        raise ParseError("command: must begin with the whole path of a program")
