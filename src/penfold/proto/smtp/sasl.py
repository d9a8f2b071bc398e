"""What clients say inside AUTH: LOGIN, PLAIN, XOAUTH2 and OAUTHBEARER.

Owns the message formats of RFC 4616, RFC 7628, Google's XOAUTH2 and the never standardised
LOGIN, and the order of lines in them; who is let in is decided elsewhere. Pure; raises
RefusedError. A secret appears in no error and no repr.
"""

import binascii
import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from penfold.proto.smtp import replies
from penfold.proto.smtp.replies import RefusedError, Reply

#: RFC 7628 §3.1 and Google's XOAUTH2: key=value pairs, each ended by ^A, and one more ^A.
_PAIR_END = "\x01"
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
#: RFC 5801 §4: gs2-header without channel binding; the name may be absent (RFC 7628 §3.1).
_GS2 = re.compile(r"[ny],(?:a=([^,\x00\x01]*))?,")


class Login(Struct, frozen=True, gc=False):
    """Someone who shows a password."""

    mechanism: str
    address: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.mechanism}, {self.address!r})"


class Bearer(Struct, frozen=True, gc=False):
    """Someone who shows an OAuth 2.0 access token; address "" means the token's own account."""

    mechanism: str
    address: str
    token: str

    def __repr__(self) -> str:
        return f"Bearer({self.mechanism}, {self.address!r})"


class Exchange:
    """The lines of one AUTH command; `step` takes the client's, one by one."""

    __slots__ = ("_mechanism", "_refusal", "_user")

    def __init__(self, mechanism: str, *, refusal: Reply | None = None) -> None:
        """refusal: the token was refused with it, and the client's answer to that is due."""
        self._mechanism = mechanism
        self._refusal = refusal
        self._user: str | None = None

    def challenge(self) -> Reply:
        """Return what the client is asked first, when it sent no initial response."""
        return replies.ASK_USER if self._mechanism == "LOGIN" else replies.ASK

    def step(self, line: bytes) -> Login | Bearer | Reply:
        """Return who wants in, the next challenge (334), or the reply that ends it."""
        if self._refusal is not None:
            # Whatever it says (Gmail's clients an empty line, RFC 7628 §3.2.3 AQ==), it failed.
            return self._refusal
        if line == b"*":
            return replies.LOGIN_CANCELLED
        text = decode_response(line)
        if self._mechanism != "LOGIN":
            return _PARSERS[self._mechanism](text)
        if self._user is not None:
            return Login("LOGIN", self._user, text)
        self._user = text
        return replies.ASK_PASSWORD


def decode_response(line: bytes) -> str:
    """Return the text of a response; RFC 4954 §4: "=" stands for the empty one."""
    if line == b"=":
        return ""
    try:
        return binascii.a2b_base64(line, strict_mode=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RefusedError(replies.CANNOT_DECODE) from error


def parse_plain(text: str) -> Login:
    parts = text.split("\0")
    if len(parts) != 3 or not parts[1]:
        raise RefusedError(replies.CANNOT_DECODE)
    authorize, address, password = parts
    # RFC 4616 §2: acting for somebody else is not offered.
    if authorize and authorize.lower() != address.lower():
        raise RefusedError(replies.BAD_CREDENTIALS)
    return Login("PLAIN", address, password)


def parse_xoauth2(text: str) -> Bearer:
    pairs = _parse_pairs(text)
    if not pairs.get("user"):
        raise RefusedError(replies.CANNOT_DECODE)
    return Bearer("XOAUTH2", pairs["user"], _parse_bearer(pairs))


def parse_oauthbearer(text: str) -> Bearer:
    header, separator, rest = text.partition(_PAIR_END)
    match = _GS2.fullmatch(header)
    if not separator or not match:
        raise RefusedError(replies.CANNOT_DECODE)
    # RFC 5801 §4: "=2C" is a comma, "=3D" an equals sign.
    address = (match[1] or "").replace("=2C", ",").replace("=3D", "=")
    return Bearer("OAUTHBEARER", address, _parse_bearer(_parse_pairs(rest)))


def _parse_pairs(text: str) -> dict[str, str]:
    if not text.endswith(_PAIR_END + _PAIR_END):
        raise RefusedError(replies.CANNOT_DECODE)
    pairs = {}
    for pair in text[:-2].split(_PAIR_END):
        name, equals, value = pair.partition("=")
        if not equals or name in pairs:
            raise RefusedError(replies.CANNOT_DECODE)
        pairs[name] = value
    return pairs


def _parse_bearer(pairs: dict[str, str]) -> str:
    match = _BEARER.fullmatch(pairs.get("auth", ""))
    if not match:
        raise RefusedError(replies.CANNOT_DECODE)
    return match[1]


_PARSERS: Final[dict[str, Callable[[str], Login | Bearer]]] = {
    "PLAIN": parse_plain,
    "XOAUTH2": parse_xoauth2,
    "OAUTHBEARER": parse_oauthbearer,
}
