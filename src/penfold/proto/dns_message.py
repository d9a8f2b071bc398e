"""Questions and answers of the DNS as octets (RFC 1035 §4), for one who asks a resolver.

`print_question` makes the octets of a question, `parse_reply` reads what came back. A reply to
something else is None, a malformed one counts as a failure of the server; nothing raises on what
a server sends. Reading takes time in line with the message: records are counted, the jumps of
a compressed name are too, and names nobody asked for are not kept.
"""

import ipaddress
import re
import struct
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import (
    DNS_ALIASES_MAX,
    DNS_NEGATIVE_TTL_S,
    DNS_RECORDS_MAX,
    DNS_UDP_BYTES,
)
from penfold.proto.dns import Answer, Association, Exchange, Kind, Question, Record, Status

#: RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 6698 §7.1.
TYPES: Final[dict[Kind, int]] = {
    "A": 1,
    "AAAA": 28,
    "MX": 15,
    "PTR": 12,
    "TLSA": 52,
    "TXT": 16,
}
CNAME: Final = 5
SOA: Final = 6
OPT: Final = 41
INTERNET: Final = 1  # the class

#: RFC 1035 §4.1.1 and RFC 6840 §5.7: an answer, its operation, authority, truncation, recursion
#: wanted and offered, data that were authenticated.
QR: Final = 0x8000
OPCODE: Final = 0x7800
AA: Final = 0x0400
TC: Final = 0x0200
RD: Final = 0x0100
RA: Final = 0x0080
AD: Final = 0x0020
RCODE: Final = 0x000F
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)

_HEAD: Final = struct.Struct("!6H")
_RECORD: Final = struct.Struct("!HHIH")
_NAME_MAX: Final = 255  # RFC 1035 §2.3.4: octets, with lengths and the root
_LABEL_MAX: Final = 63
_STEPS_MAX: Final = 254  # 127 labels, and a pointer behind each
_PLAIN_LABEL: Final = re.compile(rb"[!-\[\]-~]*")
#: RFC 2181 §8: a time to live with the top bit set is none.
_TTL_MAX: Final = 0x7FFFFFFF


class Reply(Struct, frozen=True, gc=False):
    """What one server said. answer.secure: it set the AD bit, whether it is trusted or not.

    ttl_s: seconds the answer may be kept. alias: the name where a chain of aliases ends that the
    server did not follow; ask there. truncated: ask again by TCP. plain: the server may not
    know EDNS; ask again without.
    """

    answer: Answer
    ttl_s: int = 0
    alias: str = ""
    truncated: bool = False
    plain: bool = False


FAILED: Final = Reply(Answer(Status.FAILED))


def print_name(name: str) -> bytes:
    """Return a name's octets (RFC 1035 §3.1); ParseError when no name can be spelt like this."""
    if not name.isascii() or "\\" in name:
        raise ParseError("a name with an escape, or not in ASCII")
    labels = name.encode().split(b".")
    if not all(0 < len(label) <= _LABEL_MAX for label in labels):
        raise ParseError("an empty label, or one of more than 63 octets")
    printed = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    if len(printed) > _NAME_MAX:
        raise ParseError("a name of more than 255 octets")
    return printed


def print_question(question: Question, number: int, *, edns: bool = True) -> bytes:
    """Return the octets that ask a resolver, recursion and the AD bit wanted (RFC 6840 §5.7).

    number: 16 random bits. edns: with the room for a UDP answer (RFC 6891 §6.1.2). Raises
    ParseError for a name that cannot be asked for.
    """
    asked = print_name(question.name) + struct.pack("!HH", TYPES[question.kind], INTERNET)
    room = b"\0" + _RECORD.pack(OPT, DNS_UDP_BYTES, 0, 0) if edns else b""
    return _HEAD.pack(number, RD | AD, 1, 0, 0, int(edns)) + asked + room


def parse_reply(data: bytes, number: int, question: Question) -> Reply | None:
    """Return what a server answered to the question; None when it is about something else.

    RFC 5452 §4: an answer counts when number and question are those that were sent.
    """
    if len(data) < _HEAD.size:
        return None
    got, flags, asked, answers, authorities, _ = _HEAD.unpack_from(data)
    code = flags & RCODE
    if got != number or not flags & QR or flags & OPCODE:
        return None
    if not asked and code == FORMERR:  # it could not read so far
        return Reply(FAILED.answer, plain=True)
    try:
        names = Names(data)
        name, at = names.read(_HEAD.size)
        kind, of_class = struct.unpack_from("!HH", data, at)
    except (ParseError, struct.error):
        return None
    if asked != 1 or (name, kind, of_class) != (question.name, TYPES[question.kind], INTERNET):
        return None
    if flags & TC:
        return Reply(FAILED.answer, truncated=True)
    if code not in (NOERROR, NXDOMAIN):
        return Reply(FAILED.answer, plain=code in (FORMERR, NOTIMP))
    if answers + authorities > DNS_RECORDS_MAX:
        return FAILED
    try:
        return _Reading(data, question, flags, names).read(at + 4, answers, authorities)
    except (ParseError, struct.error):
        return FAILED


class Names:
    """The names in a message. Every one is read once, however many pointers lead to it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        #: What is known to stand at an offset: the text from there on, and its octets.
        self._known: dict[int, tuple[str, int]] = {}

    def read(self, at: int) -> tuple[str, int]:
        """Return the name at an offset, in lower case, and the offset behind it.

        RFC 1035 §4.1.4: a name may end in a pointer to an earlier one. What is no plain character
        of a label is escaped (RFC 1035 §5.1). Raises ParseError.
        """
        data, behind, lowest = self._data, -1, at
        passed: list[tuple[int, str]] = []  # offsets and labels on the way, "" for a pointer
        while behind < 0 or at not in self._known:
            if at >= len(data) or len(passed) > _STEPS_MAX:
                raise ParseError("a name without an end")
            length = data[at]
            if length > _LABEL_MAX:
                if length < 0xC0 or at + 1 >= len(data):
                    raise ParseError("a label of no known kind")
                passed.append((at, ""))
                behind = at + 2 if behind < 0 else behind
                at = (length & 0x3F) << 8 | data[at + 1]
                if at >= lowest:
                    raise ParseError("a pointer that does not lead back")
                lowest = at
            elif length:
                passed.append((at, _label_text(data[at + 1 : at + 1 + length])))
                at += 1 + length
            else:
                self._known[at] = "", 1
                behind = at + 1 if behind < 0 else behind
        return self._note(passed, *self._known[at]), behind

    def _note(self, passed: list[tuple[int, str]], text: str, size: int) -> str:
        for at, label in reversed(passed):
            if label:
                size += 1 + self._data[at]
                text = f"{label}.{text}" if text else label
                if size > _NAME_MAX:
                    raise ParseError("a name of more than 255 octets")
            self._known[at] = text, size
        return text


def _label_text(label: bytes) -> str:
    if b"." not in label and _PLAIN_LABEL.fullmatch(label):
        return label.lower().decode()
    escaped = (
        f"\\{octet:03d}" if not 0x21 <= octet < 0x7F else ("\\" * (octet in b".\\") + chr(octet))
        for octet in label.lower()
    )
    return "".join(escaped)


class _Reading:
    """One reply that answers the question, being read."""

    def __init__(self, data: bytes, question: Question, flags: int, names: Names) -> None:
        self._data = data
        self._names = names
        self._question = question
        self._flags = flags
        self._aliases: dict[str, tuple[str, int]] = {}
        #: Where the data of the wanted records begin and end, and how long they live, by owner.
        self._wanted: dict[str, list[tuple[int, int, int]]] = {}
        self._soa_ttl_s: int | None = None

    def read(self, at: int, answers: int, authorities: int) -> Reply:
        wanted = TYPES[self._question.kind]
        for index in range(answers + authorities):
            name, at = self._names.read(at)
            kind, of_class, ttl, length = _RECORD.unpack_from(self._data, at)
            ttl = ttl if ttl <= _TTL_MAX else 0
            at += _RECORD.size
            end = at + length
            if end > len(self._data):
                raise ParseError("a record goes on behind the end")
            if of_class == INTERNET and index < answers:
                if kind == wanted:
                    self._wanted.setdefault(name, []).append((at, end, ttl))
                elif kind == CNAME:
                    self._aliases.setdefault(name, (self._names.read(at)[0], ttl))
            elif kind == SOA and self._soa_ttl_s is None:
                # RFC 2308 §5: the lesser of the record's own time and its last field.
                self._soa_ttl_s = min(ttl, self._last_field(at, end))
            at = end
        return self._reply()

    def _last_field(self, at: int, end: int) -> int:
        if end - at < 4:
            raise ParseError("an SOA record without its numbers")
        minimum: int = struct.unpack_from("!I", self._data, end - 4)[0]
        return minimum

    def _reply(self) -> Reply:
        name, ttl_s = self._question.name, _TTL_MAX
        followed = 0
        while name in self._aliases and name not in self._wanted:
            name, alias_ttl_s = self._aliases[name]
            ttl_s = min(ttl_s, alias_ttl_s)
            followed += 1
            if followed > DNS_ALIASES_MAX:
                return FAILED
        secure = bool(self._flags & AD)
        if found := self._wanted.get(name):
            records = tuple(self._record(at, end) for at, end, _ in found)
            ttl_s = min(ttl_s, *(ttl for _, _, ttl in found))
            return Reply(Answer(Status.FOUND, records, secure=secure), ttl_s)
        negative_s = DNS_NEGATIVE_TTL_S if self._soa_ttl_s is None else self._soa_ttl_s
        ttl_s = min(ttl_s, negative_s)
        # RFC 6604 §3: the code of an answer with aliases is about the last name.
        if self._flags & RCODE == NXDOMAIN:
            return Reply(Answer(Status.ABSENT, secure=secure), ttl_s)
        if followed and self._soa_ttl_s is None:
            return Reply(Answer(Status.NOTHING, secure=secure), ttl_s, alias=name)
        if not self._flags & (RA | AA):  # a referral: this server looks up nothing for us
            return FAILED
        return Reply(Answer(Status.NOTHING, secure=secure), ttl_s)

    def _record(self, at: int, end: int) -> Record:
        data = self._data[at:end]
        match self._question.kind:
            case "A" | "AAAA":
                return _address(data, 4 if self._question.kind == "A" else 16)
            case "PTR":
                return self._names.read(at)[0]
            case "MX":
                if len(data) < 3:
                    raise ParseError("an MX record without a host")
                return Exchange(int.from_bytes(data[:2]), self._names.read(at + 2)[0])
            case "TLSA":
                if len(data) < 3:
                    raise ParseError("a TLSA record of less than three octets")
                return Association(data[0], data[1], data[2], data[3:])
            case "TXT":
                return _joined(data)


def _address(data: bytes, length: int) -> str:
    if len(data) != length:
        raise ParseError("an address of a strange length")
    return str(ipaddress.ip_address(data))


def _joined(data: bytes) -> bytes:
    """Return the strings of a TXT record, joined (RFC 7208 §3.3)."""
    pieces, at = [], 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise ParseError("a string goes on behind its record")
        pieces.append(data[at + 1 : end])
        at = end
    return b"".join(pieces)
