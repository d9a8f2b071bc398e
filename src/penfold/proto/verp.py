"""Return addresses that say which message a bounce is about, and that nobody can guess.

A variable envelope return path (VERP) is `PREFIX+REFERENCE.DAY.TOKEN@DOMAIN`: a number of ours in
hex, the day it was made in base 36, and a keyed hash over both and the domain. Bounces come from
anywhere and prove nothing about themselves, so without the hash anybody could stop mail to anybody
by reporting that an address does not exist; the day bounds for how long a leaked one works.

Everything is letters, digits and two marks that every mail system passes on, and case does not
matter: some servers write local parts in capitals.
"""

import base64
import hmac
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from msgspec import Struct

from penfold.base.limits import LOCAL_PART_MAX_BYTES, VERP_DAYS, VERP_TOKEN_BYTES

_DAY_S: Final = 86_400
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
#: A reference is a row id of ours: 63 bits.
_REFERENCE_MAX: Final = (1 << 63) - 1
_PREFIX = re.compile(r"[a-z0-9_-]{1,16}")
_LOCAL = re.compile(
    r"(?P<prefix>[a-z0-9_-]{1,16})\+(?P<reference>[0-9a-f]{1,16})"
    r"\.(?P<day>[0-9a-z]{1,6})\.(?P<token>[a-z2-7]{16,26})"
)


class Verp(Struct, frozen=True, gc=False):
    """What a return address says. made_s: when, in epoch seconds, to the day."""

    prefix: str
    reference: int
    made_s: int


def make_verp(reference: int, *, domain: str, key: bytes, now_s: int, prefix: str = "b") -> str:
    """Return the address to send one recipient's copy from.

    reference: what the bounce is to be found by, 0 to 2**63 - 1. key: secret, 32 octets or more.
    domain: receives bounces, in A-labels. ValueError when one of them cannot be used.
    """
    if not 0 <= reference <= _REFERENCE_MAX:
        raise ValueError("reference out of range")
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("prefix is not a short word in lower case")
    stem = f"{prefix}+{reference:x}.{_to_base36(now_s // _DAY_S)}"
    local = f"{stem}.{_make_token(stem, domain, key)}"
    assert len(local) <= LOCAL_PART_MAX_BYTES
    return f"{local}@{domain}"


def is_shaped(address: str) -> bool:
    """Return whether an address looks like one of these, whoever made it."""
    return _LOCAL.fullmatch(address.lower().rpartition("@")[0]) is not None


def read_verp(
    address: str, *, domain: str, keys: Iterable[bytes], now_s: int, days: int = VERP_DAYS
) -> Verp | None:
    """Return what an address of ours says; None when it is none, is forged or too old.

    keys: the present one and those before it. days: how long after it was made it counts.
    """
    local, _, host = address.lower().rpartition("@")
    match = _LOCAL.fullmatch(local)
    if match is None or host != domain.lower():
        return None
    stem, _, token = local.rpartition(".")
    given = token.encode("ascii")
    # Every key is tried, so that the time says nothing about which one it was.
    genuine = [hmac.compare_digest(_make_token(stem, host, key).encode(), given) for key in keys]
    day, today = int(match["day"], 36), now_s // _DAY_S
    # A day into the future: clocks of two machines of ours may differ around midnight.
    if not any(genuine) or not today - days <= day <= today + 1:
        return None
    return Verp(match["prefix"], int(match["reference"], 16), day * _DAY_S)


def _make_token(stem: str, domain: str, key: bytes) -> str:
    text = f"verp\0{stem}\0{domain.lower()}".encode()
    digest = hmac.new(key, text, sha256).digest()[:VERP_TOKEN_BYTES]
    return base64.b32encode(digest).decode("ascii").rstrip("=").lower()


def _to_base36(number: int) -> str:
    if number <= 0:
        return "0"
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text
