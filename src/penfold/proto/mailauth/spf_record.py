"""SPF records as data (RFC 7208 §4.5 to §6): terms, checked in full before anything is evaluated.

Owns the grammar of a record. Macros stay unexpanded; nothing here knows a client or asks the DNS.
"""

import ipaddress
import re
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import SPF_RECORD_MAX_BYTES, SPF_TEXT_MAX_CHARS
from penfold.proto.mailauth.spf_macro import Template, parse_domain_spec, parse_macro_string


class Result(StrEnum):
    """What a check can say (RFC 7208 §2.6)."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105 - no password, a word of the standard
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


Name = Literal["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Mechanism(Struct, frozen=True, gc=False):
    """A directive: if it matches, the result is this one.

    text: as written, cut at SPF_TEXT_MAX_CHARS. target: None for the domain of the record.
    network: of ip4 and ip6. prefix4, prefix6: bits that are compared.
    """

    text: str
    result: Result
    name: Name
    target: Template | None = None
    network: Address | None = None
    prefix4: int = 32
    prefix6: int = 128


class Record(Struct, frozen=True, gc=False):
    mechanisms: tuple[Mechanism, ...] = ()
    redirect: Template | None = None
    explanation: Template | None = None


_VERSION = b"v=spf1"
_QUALIFIERS = {
    "": Result.PASS,
    "+": Result.PASS,
    "-": Result.FAIL,
    "~": Result.SOFTFAIL,
    "?": Result.NEUTRAL,
}
#: RFC 7208 §4.6.1: a modifier has "=" right after its name, before any ":" or "/".
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)", re.DOTALL)
_DIRECTIVE = re.compile(
    r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)((?:[:/].*)?)", re.IGNORECASE | re.DOTALL
)
#: RFC 7208 §5.3: what stands before a dual-cidr-length, and its two numbers.
_DUAL_CIDR = re.compile(r"(.*?)(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?", re.DOTALL)
#: RFC 7208 §5.6. How an address is written is left to ipaddress.
_IP4 = re.compile(r":([0-9.]+)(?:/(0|[1-9][0-9]?))?")
_IP6 = re.compile(r":([0-9a-f:.]+)(?:/(0|[1-9][0-9]{0,2}))?", re.IGNORECASE)


def is_spf_record(text: bytes) -> bool:
    """Say whether the TXT record claims to be SPF: a version and its end (RFC 7208 §4.5)."""
    return text[:6].lower() == _VERSION and text[6:7] in {b"", b" "}


def parse_record(text: bytes) -> Record:
    """Return the record of a text that is_spf_record, or raise ParseError.

    RFC 7208 §4.6: one wrong term spoils the record, whatever stands before it.
    """
    if len(text) > SPF_RECORD_MAX_BYTES:
        raise ParseError("record too long")
    if not text.isascii():
        raise ParseError("record that is not ASCII")  # RFC 7208 §3.1
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, Template] = {}
    # RFC 7208 §4.6.1: blanks between terms, not any white space.
    for term in text[6:].decode("ascii").split(" "):
        if not term:
            continue
        try:
            match = _MODIFIER.fullmatch(term)
            if match is None:
                mechanisms.append(_parse_directive(term))
            else:
                _add_modifier(modifiers, match[1].lower(), match[2])
        except ParseError as error:
            raise ParseError(f"{error}: {bounded(term)}") from error
    return Record(tuple(mechanisms), modifiers.get("redirect"), modifiers.get("exp"))


def bounded(text: str) -> str:
    """Return the text in printable ASCII, SPF_TEXT_MAX_CHARS at most, fit for a log."""
    text = text[:SPF_TEXT_MAX_CHARS]
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if " " <= each <= "~" else "?" for each in text)


def _add_modifier(modifiers: dict[str, Template], name: str, value: str) -> None:
    if name not in {"redirect", "exp"}:
        parse_macro_string(value)  # RFC 7208 §6: ignored, but its syntax is not
        return
    if name in modifiers:
        raise ParseError("modifier a second time")  # RFC 7208 §6
    modifiers[name] = parse_domain_spec(value)


def _parse_directive(term: str) -> Mechanism:
    match = _DIRECTIVE.fullmatch(term)
    if match is None:
        raise ParseError("unknown mechanism")
    result, name, rest = _QUALIFIERS[match[1]], match[2].lower(), match[3]
    text = bounded(term)
    match name:
        case "all":
            if rest:
                raise ParseError("all takes no value")
            return Mechanism(text, result, "all")
        case "include" | "exists":
            return Mechanism(text, result, name, target=parse_domain_spec(_value(rest)))
        case "ptr":
            return Mechanism(text, result, name, target=_parse_target(rest))
        case "a" | "mx":
            target, prefix4, prefix6 = _parse_dual_cidr(rest)
            return Mechanism(text, result, name, target, None, prefix4, prefix6)
    network, prefix = _parse_network(name, rest)
    if name == "ip4":
        return Mechanism(text, result, "ip4", network=network, prefix4=prefix)
    return Mechanism(text, result, "ip6", network=network, prefix6=prefix)


def _value(rest: str) -> str:
    if not rest.startswith(":"):
        raise ParseError("no domain name")
    return rest[1:]


def _parse_target(rest: str) -> Template | None:
    return parse_domain_spec(_value(rest)) if rest else None


def _parse_dual_cidr(rest: str) -> tuple[Template | None, int, int]:
    match = _DUAL_CIDR.fullmatch(rest)
    if match is None:
        raise ParseError("wrong prefix length")
    target = _parse_target(match[1])
    return target, _parse_prefix(match[2], most=32), _parse_prefix(match[3], most=128)


def _parse_prefix(digits: str | None, *, most: int) -> int:
    prefix = most if digits is None else int(digits)
    if prefix > most:
        raise ParseError("wrong prefix length")
    return prefix


def _parse_network(name: str, rest: str) -> tuple[Address, int]:
    match = (_IP4 if name == "ip4" else _IP6).fullmatch(rest)
    if match is None:
        raise ParseError("wrong network")
    try:
        if name == "ip4":
            return ipaddress.IPv4Address(match[1]), _parse_prefix(match[2], most=32)
        return ipaddress.IPv6Address(match[1]), _parse_prefix(match[2], most=128)
    except ValueError as error:
        raise ParseError("wrong network") from error
