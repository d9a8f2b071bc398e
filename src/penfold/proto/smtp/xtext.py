"""Parameters of RFC 3461 that carry text: xtext, ENVID and ORCPT.

What comes from a client is checked whole: a value is decoded, or ParseError says that it is none.
What is decoded is ASCII without control characters (ENVID) or an address without them (ORCPT), so
that it can be written into a field of a report as it is.
"""

import re
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import SMTP_ENVID_MAX_CHARS, SMTP_ORCPT_MAX_CHARS

#: RFC 3461 §4: printable ASCII without "+" and "=" stands for itself, "+" begins two hex digits.
_XTEXT = re.compile(r"(?:[!-*,-<>-~]++|\+[0-9A-F]{2})*+")
_HEX = re.compile(r"\+([0-9A-F]{2})")
_UNSAFE = re.compile(r"[^!-*,-<>-~]")
_PRINTABLE = re.compile(r"[ -~]*+")
#: RFC 3461 §4.2: addr-type is an atom.
_ORCPT = re.compile(r"([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64});(.+)", re.DOTALL)

#: RFC 6533 §3: \x{HEXPOINT} for what has no other way through ASCII.
_POINT = re.compile(r"\\x\{([0-9A-F]{2,6})\}")
#: RFC 6533 §3: QCHAR and what UTF-8 adds (written as what is neither, which compiles 30 times
#: faster); all else is embedded.
_NOT_QCHAR = re.compile(r"[^!-*,-<>-\[\]-~]")
_NOT_UNITEXT = re.compile(r"[\x00- +=\\\x7f-\x9f]")
_UNITEXT = re.compile(r"(?:[^\x00- +=\\\x7f-\x9f]++|\\x\{[0-9A-F]{2,6}\})++")
_ADDRESS_CHARS = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

UTF8: Final = "utf-8"


class OriginalRecipient(Struct, frozen=True, gc=False):
    """ORCPT: the address a sender meant. kind: "rfc822", "utf-8" or another type, lower case."""

    kind: str
    address: str


def encode_xtext(text: str) -> str:
    """Return printable ASCII as xtext; ValueError for any other text."""
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("xtext carries printable ASCII")
    return _UNSAFE.sub(lambda match: f"+{ord(match[0]):02X}", text)


def decode_xtext(value: str) -> str:
    """Return what xtext says, any octets as characters below 256; ParseError when it is none."""
    if not _XTEXT.fullmatch(value):
        raise ParseError("malformed xtext")
    return _HEX.sub(lambda match: chr(int(match[1], 16)), value)


def parse_envid(value: str) -> str:
    """Return the envelope id a client gave with MAIL (RFC 3461 §4.4)."""
    if not 0 < len(value) <= SMTP_ENVID_MAX_CHARS:
        raise ParseError("envelope id empty or too long")
    return _check_printable(decode_xtext(value))


def format_envid(text: str) -> str:
    """Return an envelope id as the value of ENVID; ValueError when it cannot be one."""
    value = encode_xtext(text)
    if not 0 < len(value) <= SMTP_ENVID_MAX_CHARS:
        raise ValueError("envelope id empty or too long")
    return value


def parse_orcpt(value: str) -> OriginalRecipient:
    """Return the original recipient a client gave with RCPT (RFC 3461 §4.2, RFC 6533 §3)."""
    if len(value) > SMTP_ORCPT_MAX_CHARS:
        raise ParseError("original recipient too long")
    match = _ORCPT.fullmatch(value)
    if match is None:
        raise ParseError("original recipient without type")
    kind = match[1].lower()
    if kind == UTF8:
        return OriginalRecipient(kind, _decode_utf8_address(match[2]))
    return OriginalRecipient(kind, _check_printable(decode_xtext(match[2])))


def format_orcpt(original: OriginalRecipient, *, utf8: bool) -> str:
    """Return the value of ORCPT; utf8: the transaction is an SMTPUTF8 one (RFC 6533 §3).

    ValueError when the address cannot be carried, or not within RFC 3461's length.
    """
    if original.kind == UTF8:
        text = _encode_utf8_address(original.address, utf8=utf8)
    else:
        text = encode_xtext(original.address)
    value = f"{original.kind};{text}"
    if not text or len(value) > SMTP_ORCPT_MAX_CHARS:
        raise ValueError("original recipient empty or too long")
    return value


def escape_address(original: OriginalRecipient) -> str:
    r"""Return the address in printable ASCII, with `\x{...}` in one of the kind "utf-8"."""
    if original.kind == UTF8:
        return _encode_utf8_address(original.address, utf8=False)
    return original.address


def unescape_address(kind: str, text: str) -> OriginalRecipient:
    """Return the original recipient escape_address was given; ParseError when it was none."""
    return OriginalRecipient(kind, _decode_utf8_address(text) if kind == UTF8 else text)


def _check_printable(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise ParseError("xtext holds what cannot be printed")
    return text


def _encode_utf8_address(address: str, *, utf8: bool) -> str:
    if not _ADDRESS_CHARS.fullmatch(address):
        raise ValueError("control character in original recipient")
    unsafe = _NOT_UNITEXT if utf8 else _NOT_QCHAR
    return unsafe.sub(lambda match: f"\\x{{{ord(match[0]):02X}}}", address)


def _decode_utf8_address(text: str) -> str:
    if not _UNITEXT.fullmatch(text):
        raise ParseError("malformed utf-8 address")
    address = _POINT.sub(_to_character, text)
    if not _ADDRESS_CHARS.fullmatch(address):
        raise ParseError("control character in original recipient")
    return address


def _to_character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise ParseError("no such character in a utf-8 address")
    return chr(number)
