"""Text inside the parameters of MAIL and RCPT: xtext (RFC 3461 §4).

Everything from "!" to "~" stands for itself except "+" and "=", which are written as "+" and two
hexadecimal digits. Pure; only printable ASCII gets in or out, so that a value can stand in a
header field and in a reply.
"""

import re
from typing import Final

from penfold.base.errors import ParseError

_XTEXT: Final = re.compile(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_HEX: Final = re.compile(rb"\+([0-9A-F]{2})")
_SPECIAL: Final = re.compile(r"[^!-*,-<>-~]")


def parse_xtext(octets: bytes) -> str:
    """Return the text; ParseError when it is not xtext or holds more than printable ASCII."""
    if not _XTEXT.fullmatch(octets):
        raise ParseError("not xtext")
    text = _HEX.sub(lambda match: bytes([int(match[1], 16)]), octets).decode("latin-1")
    if not (text.isascii() and text.isprintable()):
        # RFC 3461 §4.2, §4.4: decoded values are printable US-ASCII.
        raise ParseError("xtext holds what cannot be printed")
    return text


def encode_xtext(text: str) -> str:
    """Return printable ASCII text as xtext."""
    return _SPECIAL.sub(lambda match: f"+{ord(match[0]):02X}", text)
