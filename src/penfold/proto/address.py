"""Mailbox addresses: those of SMTP (RFC 5321) and lists of them in header fields (RFC 5322).

Owns what is an address, how two are compared, and how a header's list is cut. `parse_mailbox`
is strict; `parse_address_list` reads anything and never raises unless asked to be strict.

Invariants: parse_mailbox(parse_mailbox(x)) == parse_mailbox(x); a domain in its result is lower
case and in A-label form (RFC 5890), a domain literal stays as data. Non-ASCII local parts are
SMTPUTF8 addresses (RFC 6531). `canonical` never raises.

No address of a list comes out of a quoted name, a comment or an encoded word.
"""

import ipaddress
import re
import unicodedata

import idna

from penfold.base.errors import ParseError
from penfold.base.limits import (
    ADDRESS_MAX_BYTES,
    DOMAIN_MAX_BYTES,
    LOCAL_PART_MAX_BYTES,
    MIME_MAX_ADDRESSES,
)
from penfold.proto.mime.model import Address
from penfold.proto.mime.tokens import ATOM, COMMENT, SPACE, SPECIAL, iter_tokens, unquote
from penfold.proto.mime.words import phrase_text, quote, strip_controls

#: RFC 5321 §4.1.2 with RFC 6531 §3.3: atext, or anything above ASCII. Here and below a set that
#: goes on to U+10FFFF is written as what it leaves out: that compiles in 0.3 ms instead of 10.
_DOT_STRING = re.compile(
    r"[^\x00- \"(),.:;<>@\[\\\]\x7f-\x9f]++(?:\.[^\x00- \"(),.:;<>@\[\\\]\x7f-\x9f]++)*+"
)
_QUOTED_STRING = re.compile(r'"(?:[^\x00-\x1f"\\\x7f-\x9f]|\\[ -~])*+"')
#: RFC 5321 §4.1.2: labels of letters, digits and inner hyphens; RFC 1035 §2.3.4: 63 octets each.
_HOST = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
#: One address written the way nearly all are (Name <a@b>, "Name" <a@b>, <a@b> or a@b), and
#: the comma or end after it.
_PLAIN = re.compile(
    r'(?:(?:"([^"\\]*+)"|([^"(),:;<>@\[\]\\]*+))\s*+<([^\s"(),:;<>\[\]\\]++)>'
    r'|([^\s"(),:;<>@\[\]\\]++@[^\s"(),:;<>@\[\]\\]++))\s*+(?:,\s*+|\Z)'
)


def parse_mailbox(text: str) -> str:
    """Return the address in normal form: local part as written, domain in lower-case A-labels.

    `"john"@x` becomes `john@x`. A domain literal (RFC 5321 §4.1.3) is checked and kept as data.
    """
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise ParseError("address without local part or domain")
    if not text.isprintable():
        raise ParseError("address with control characters")
    result = f"{_parse_local_part(local)}@{parse_domain(domain)}"
    if len(result.encode()) > ADDRESS_MAX_BYTES:
        raise ParseError("address too long")
    return result


def _parse_local_part(local: str) -> str:
    if local[0] == '"':
        if not _QUOTED_STRING.fullmatch(local):
            raise ParseError("malformed quoted local part")
        plain = unquote(local)
        local = plain if _DOT_STRING.fullmatch(plain) else quote(plain)
    elif not _DOT_STRING.fullmatch(local):
        raise ParseError("malformed local part")
    if len(local.encode()) > LOCAL_PART_MAX_BYTES:
        raise ParseError("local part too long")
    return local


def parse_domain(domain: str) -> str:
    """Return a domain in normal form: lower-case A-labels, or a checked address literal."""
    if domain[:1] == "[":
        return _parse_literal(domain)
    name = domain.lower() if domain.isascii() else encode_domain(domain)
    if len(name) > DOMAIN_MAX_BYTES or not _HOST.fullmatch(name):
        raise ParseError("malformed domain")
    if name.rpartition(".")[2].isdigit():
        raise ParseError("an IP address is no domain")  # RFC 3696 §2: no numeric top level
    return name


def encode_domain(domain: str) -> str:
    """Return a domain in A-labels (RFC 5890 §2.3.2.1); ParseError when it has none."""
    if len(domain) > DOMAIN_MAX_BYTES:
        raise ParseError("domain too long")
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (UnicodeError, ValueError, IndexError) as error:
        raise ParseError("domain is not valid in IDNA") from error


def _parse_literal(domain: str) -> str:
    text = domain[1:].removesuffix("]")
    try:
        if not domain.endswith("]"):
            raise ValueError  # noqa: TRY301 - as ipaddress says it
        if text[:5].lower() == "ipv6:":
            return f"[IPv6:{ipaddress.IPv6Address(text[5:].partition('%')[0])}]"
        return f"[{ipaddress.IPv4Address(text)}]"
    except ValueError as error:
        raise ParseError("malformed address literal") from error


def canonical(address: str) -> str:
    """Return the form under which two spellings of one address are equal; never raises.

    Lower case throughout: RFC 5321 §2.4 lets a host give case a meaning, no host does.
    """
    plain = address.isascii() and '"' not in address
    # What is far too long equals no address; piled marks take time by the square of their number.
    if plain or len(address) > 4 * ADDRESS_MAX_BYTES:
        return address.lower()
    try:
        return parse_mailbox(unicodedata.normalize("NFC", address)).lower()
    except ParseError:
        return address.lower()


def local_part_of(address: str) -> str:
    return address.rpartition("@")[0]


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def strip_plus_tag(address: str) -> str:
    """Return the address without its `+tag`: `alice+news@x` is delivered to `alice@x`."""
    local, at, domain = address.rpartition("@")
    name, plus, _ = local.partition("+")
    return f"{name}{at}{domain}" if plus and name and local[0] != '"' else address


def parse_address_list(
    header_value: str, *, strict: bool = False, decoded: bool = False
) -> list[Address]:
    """Return the addresses of a header value, groups flattened, display names decoded.

    Reads anything; what has no address is left out, what comes after MIME_MAX_ADDRESSES too.
    strict: ParseError for what Gmail answers with `Invalid To header`, and for every address
    that parse_mailbox refuses. decoded: encoded words were decoded already (`Part.headers`).
    """
    value = strip_controls(header_value).strip()
    reader = _ListReader(strict=strict, decoded=decoded)
    if (not decoded and "=?" in value) or not reader.read_plain(value):
        reader.found.clear()
        reader.read(value)
    return reader.found


class _ListReader:
    """RFC 5322 §3.4 and the obsolete forms of §4.4, one token at a time."""

    __slots__ = (
        "angle", "closed", "comment", "decoded", "found", "group", "phrase", "strict",
    )  # fmt: skip

    def __init__(self, *, strict: bool, decoded: bool) -> None:
        self.strict = strict
        self.decoded = decoded
        self.found: list[Address] = []
        self.phrase: list[tuple[int, str]] = []
        self.angle: list[tuple[int, str]] | None = None  # what stood between < and >
        self.closed = False  # > was seen
        self.comment = ""
        self.group = False

    def read_plain(self, value: str) -> bool:
        """Read a list without comments, groups and other rarities; say whether it was one."""
        at = 0
        while at < len(value):
            match = _PLAIN.match(value, at)
            if match is None:
                return False
            quoted, bare, inside, alone = match.groups()
            name = quoted or bare
            self.add(" ".join(name.split()) if name else "", inside or alone)
            if len(self.found) >= MIME_MAX_ADDRESSES:
                self._refuse("too many addresses")
                break
            at = match.end()
        return True

    def read(self, value: str) -> None:
        for kind, text in iter_tokens(value, words=not self.decoded):
            if kind == SPECIAL:
                self._take_special(text)
            elif kind == COMMENT:
                self.comment = self.comment or text[1:-1]
                self.phrase.append((SPACE, " "))
            elif self.angle is None:
                self.phrase.append((kind, text))
            elif not self.closed:
                self.angle.append((kind, text))
            elif kind != SPACE:
                self._refuse("text after the angle bracket")
            if len(self.found) >= MIME_MAX_ADDRESSES:
                self._refuse("too many addresses")
                return
        if self.group:
            self._refuse("group without end")
        self._flush()

    def _refuse(self, why: str) -> None:
        if self.strict:
            raise ParseError(why)

    def _take_special(self, text: str) -> None:
        if self.angle is not None and not self.closed:
            self._take_special_inside(text, self.angle)
        elif text == "<":
            if self.closed:
                self._refuse("no comma between addresses")
                self._flush()
            self.angle = []
        elif text == ",":
            self._flush()
        elif text == ";":
            if not self.group:
                self._refuse("end of no group")
            self._flush()
            self.group = False
        elif text == ":":
            self._open_group()
        else:
            self._refuse("stray special character")
            self.phrase.append((SPACE, " "))

    def _take_special_inside(self, text: str, angle: list[tuple[int, str]]) -> None:
        # RFC 5322 §4.4: a route (@a,@b:) may stand before the address; it means nothing.
        route = bool(angle) and angle[0][1].startswith("@")
        if text == ">":
            self.closed = True
        elif text == ":" and route:
            angle.clear()
        elif text == "," and route:
            angle.append((SPECIAL, text))
        else:
            self._refuse("stray special character in angle brackets")
            if text in ",;":
                self._flush()
            elif text == "<":
                angle.clear()

    def _open_group(self) -> None:
        named = any(kind != SPACE for kind, _ in self.phrase)
        if self.group or not named or self.angle is not None:
            self._refuse("stray colon")
        if any("@" in text for kind, text in self.phrase if kind == ATOM) or self.angle:
            self._refuse("address as a group name")
            self._flush()
        self.phrase.clear()
        self.comment = ""
        self.group = True

    def _flush(self) -> None:
        if self.angle is not None:
            if not self.closed:
                self._refuse("angle bracket without end")
            words = _join_words(self.angle)
            if len(words) > 1:
                self._refuse("blank in an address")
            self.add(self._name(self.phrase), "".join(text for word in words for _, text in word))
        elif self.phrase:
            self._add_bare()
        self.phrase.clear()
        self.angle = None
        self.closed = False
        self.comment = ""

    def _name(self, phrase: list[tuple[int, str]]) -> str:
        """Return the display name; RFC 5322 §3.4: the old form is a comment after the address."""
        decode = not self.decoded
        return phrase_text(phrase, decode=decode) or phrase_text(
            [(ATOM, self.comment)], decode=decode
        )

    def _add_bare(self) -> None:
        """Add what stands without angle brackets: an address, or words with addresses in them."""
        words = _join_words(self.phrase)
        if self.strict and len(words) > 1:
            raise ParseError("words beside an address")
        addresses = [word for word in words if _is_address(word)]
        if not addresses and len(words) == 1 and all(kind == ATOM for kind, _ in words[0]):
            addresses = words  # `root`: a local name
        before: list[tuple[int, str]] = []
        for word in words:
            if word in addresses:
                self.add(self._name(before), "".join(text for _, text in word))
                before = []
            else:
                before += [*word, (SPACE, " ")]

    def add(self, name: str, spec: str) -> None:
        if self.strict:
            parse_mailbox(spec)
        if spec and spec[0] != "@" and spec[-1] != "@":
            self.found.append(Address(name, spec))


def _join_words(phrase: list[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    """Return what touches as one word.

    RFC 5322 §4.4: blanks around `.` and `@` are nothing. Deviates: beside a quoted string they
    separate, so that a decoded display name never becomes a local part.
    """
    words: list[list[tuple[int, str]]] = []
    apart = True
    for kind, text in phrase:
        if kind == SPACE:
            apart = True
            continue
        joins = kind == ATOM and words and words[-1][-1][0] == ATOM
        if words and (not apart or (joins and (text[0] in ".@" or words[-1][-1][1][-1] in ".@"))):
            words[-1].append((kind, text))
        else:
            words.append([(kind, text)])
        apart = False
    return words


def _is_address(word: list[tuple[int, str]]) -> bool:
    return any(kind == ATOM and "@" in text for kind, text in word)
