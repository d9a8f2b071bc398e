"""Passwords people choose: kept as argon2id, checked slowly on purpose.

OWASP Password Storage: argon2id with 19 MiB, two passes, one lane at least. At most two checks
run at a time, so that a crowd at the sign-in page cannot take every core and 19 MiB each; the
others wait. An unknown account costs the same time as a wrong password.

argon2-cffi is the one library this floor uses: hashing is part of what an account is.
"""

import unicodedata
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from penfold.base.errors import ParseError
from penfold.base.limits import PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_CHECKS = BoundedSemaphore(2)

#: The hash of nothing anybody can type, with the same cost as a real one.
_DUMMY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$"
    "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)


def hash_password(password: str) -> str:
    """Return what is stored of a password; ParseError when it is too short or too long."""
    begun = _normal(password[: 4 * PASSWORD_MAX_CHARS + 1])  # no character is made of five
    if not PASSWORD_MIN_CHARS <= len(begun) <= PASSWORD_MAX_CHARS:
        raise ParseError(f"a password has {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters")
    with _CHECKS:
        return _HASHER.hash(_octets(password))


def check_password(stored: str | None, password: str) -> bool:
    """Return whether this is the password; None stands for an account that is not there."""
    octets = _octets(password[: 4 * PASSWORD_MAX_CHARS])  # an endless guess costs no more
    with _CHECKS:
        try:
            _HASHER.verify(stored or _DUMMY, octets)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def _normal(password: str) -> str:
    """RFC 8265 §4.2.2: the same password typed on two keyboards is the same octets."""
    return unicodedata.normalize("NFC", password)


def _octets(password: str) -> bytes:
    return _normal(password).encode("utf-8", "surrogatepass")
