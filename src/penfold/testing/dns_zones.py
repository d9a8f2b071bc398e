"""What a small DNS server for tests says: zones as a table, and answers as octets.

    {"example.org": {"MX": [Exchange(10, "mx.example.org")], "TXT": [b"v=spf1 -all"]},
     "mx.example.org": {"A": ["192.0.2.1"], "AAAA": Mishap.SERVFAIL},
     "www.example.org": {"CNAME": ["mx.example.org"]},
     "safe.example.org": {"A": Entry(["192.0.2.2"], ttl_s=7, secure=True)}}

A name that is not in the table is absent, unless a longer one ends in it. A record is spelt as in
penfold.proto.dns. It answers as a resolver does: aliases are followed.
"""

import ipaddress
import struct
from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from penfold.proto.dns import Association, Exchange, Record
from penfold.proto.dns_message import (
    AD,
    CNAME,
    FORMERR,
    INTERNET,
    NOERROR,
    NXDOMAIN,
    OPT,
    QR,
    RA,
    RD,
    REFUSED,
    SERVFAIL,
    SOA,
    TC,
    TYPES,
    Names,
    print_name,
)


class Mishap(StrEnum):
    """What may go wrong. The last four send an answer nobody may believe, and then the right one;
    `unfollowed` leaves the end of a chain of aliases to the one who asks.
    """

    SERVFAIL = "servfail"
    REFUSED = "refused"
    SILENCE = "silence"
    TRUNCATED = "truncated"
    NO_EDNS = "no-edns"
    BROKEN = "broken"
    UNFOLLOWED = "unfollowed"
    WRONG_NUMBER = "wrong-number"
    WRONG_NAME = "wrong-name"
    WRONG_KIND = "wrong-kind"
    A_QUESTION = "a-question"


class Entry(Struct, frozen=True):
    """Records with what is told of them; nothing is taken for "no such record"."""

    records: Sequence[Record] = ()
    ttl_s: int = 300
    secure: bool = False
    mishap: Mishap | None = None


Zones = Mapping[str, Mapping[str, Sequence[Record] | Entry | Mishap]]

_CODE_OF = {1: "A", 5: "CNAME", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 52: "TLSA"}
_CHAIN_MAX = 30
_PLAIN_UDP = 512  # RFC 1035 §4.2.1


class Asked(Struct, frozen=True):
    """A question as it came. room: octets of an answer by UDP; edns: with an OPT record."""

    number: int
    name: str
    kind: str
    section: bytes
    room: int
    edns: bool


def read_question(data: bytes) -> Asked:
    """Return the question in a message; IndexError, ParseError or struct.error when it has none."""
    number, _, _, _, _, additional = struct.unpack_from("!6H", data)
    name, at = Names(data).read(12)
    kind, _ = struct.unpack_from("!HH", data, at)
    room = struct.unpack_from("!H", data, at + 7)[0] if additional else _PLAIN_UDP
    return Asked(
        number, name, _CODE_OF.get(kind, str(kind)), data[12 : at + 4], room, bool(additional)
    )


class Answers:
    """The answers of a table of zones. negative_ttl_s: the minimum of its SOA records."""

    def __init__(self, zones: Zones, *, negative_ttl_s: int | None = 60) -> None:
        self.zones = {name: dict(rows) for name, rows in zones.items()}
        self._negative_ttl_s = negative_ttl_s

    def find_entry(self, name: str, kind: str) -> Entry | None:
        """Return what stands in the table, None when there is nothing of the kind."""
        found = self.zones.get(name, {}).get(kind)
        if found is None or isinstance(found, Entry):
            return found
        return Entry(mishap=found) if isinstance(found, Mishap) else Entry(found)

    def print_answer(self, asked: Asked, *, udp: bool) -> list[bytes]:
        """Return the messages that answer a question, none for silence."""
        entry = self.find_entry(asked.name, asked.kind) or Entry()
        mishap = entry.mishap
        right = self._print_right(asked, mishap)
        match mishap:
            case Mishap.SILENCE:
                return []
            case Mishap.SERVFAIL:
                return [_message(asked, SERVFAIL)]
            case Mishap.REFUSED:
                return [_message(asked, REFUSED)]
            case Mishap.NO_EDNS if asked.edns:
                return [_message(asked, FORMERR)]
            case Mishap.BROKEN:
                return [right[: 12 + len(asked.section) + 3]]  # in the first record
            case Mishap.WRONG_NUMBER:
                return [struct.pack("!H", asked.number ^ 1) + right[2:], right]
            case Mishap.WRONG_NAME:
                return [right[:13] + bytes((right[13] ^ 1,)) + right[14:], right]
            case Mishap.WRONG_KIND:
                return [right.replace(asked.section, asked.section[:-4] + b"\0\x63\0\1"), right]
            case Mishap.A_QUESTION:
                return [right[:2] + bytes((right[2] & 0x7F,)) + right[3:], right]
        if udp and (mishap is Mishap.TRUNCATED or len(right) > asked.room):
            return [_message(asked, NOERROR, TC)]
        return [right]

    def _print_right(self, asked: Asked, mishap: Mishap | None) -> bytes:
        rows: list[bytes] = []
        name, secure = asked.name, True
        entry = self.find_entry(name, asked.kind)
        while entry is None or (mishap is Mishap.UNFOLLOWED and not entry.records):
            alias = self.find_entry(name, "CNAME")
            if alias is None or len(rows) > _CHAIN_MAX:
                break
            (target,) = alias.records
            rows.append(_row(name, CNAME, alias.ttl_s, print_name(str(target))))
            name, secure = str(target), secure and alias.secure
            if mishap is Mishap.UNFOLLOWED:
                return _message(asked, NOERROR, RA, rows)
            entry = self.find_entry(name, asked.kind)
        if entry is not None and entry.records:
            code = {label: number for number, label in _CODE_OF.items()}[asked.kind]
            rows += (
                _row(name, code, entry.ttl_s, _data(asked.kind, each)) for each in entry.records
            )
        flags = AD if secure and entry is not None and entry.secure else 0
        if entry is not None and entry.records:
            return _message(asked, NOERROR, flags, rows)
        there = any(known == name or known.endswith(f".{name}") for known in self.zones)
        return _message(asked, NOERROR if there else NXDOMAIN, flags, rows, self._soa(name))

    def _soa(self, name: str) -> bytes:
        if self._negative_ttl_s is None:
            return b""
        data = b"\0\0" + struct.pack("!5I", 1, 3600, 600, 86_400, self._negative_ttl_s)
        return _row(name.rpartition(".")[2], SOA, 3600, data)


def _message(
    asked: Asked, code: int, flags: int = 0, rows: Sequence[bytes] = (), authority: bytes = b""
) -> bytes:
    head = (asked.number, QR | RD | RA | flags | code, 1, len(rows), bool(authority), asked.edns)
    room = b"\0" + struct.pack("!HHIH", OPT, 4096, 0, 0) if asked.edns else b""
    return struct.pack("!6H", *head) + asked.section + b"".join(rows) + authority + room


def _row(name: str, kind: int, ttl_s: int, data: bytes) -> bytes:
    return print_name(name) + struct.pack("!HHIH", kind, INTERNET, ttl_s, len(data)) + data


def _data(kind: str, record: Record) -> bytes:
    match record:
        case Exchange(preference, host):
            return struct.pack("!H", preference) + (print_name(host) if host else b"\0")
        case Association(usage, selector, matching, data):
            return bytes((usage, selector, matching)) + data
        case bytes():
            pieces = [record[at : at + 255] for at in range(0, len(record), 255)] or [b""]
            return b"".join(bytes((len(piece),)) + piece for piece in pieces)
    return ipaddress.ip_address(record).packed if kind in ("A", "AAAA") else print_name(record)


assert set(TYPES) <= set(_CODE_OF.values())
