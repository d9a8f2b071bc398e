"""Reverse lookup: does the client's address have a name, and does that name lead back to it?

RFC 8601 §3 and §2.7.3, method `iprev`. Asks through questions, does no I/O and never raises.
"""

import ipaddress
from typing import Final, Literal

from msgspec import Struct

from penfold.base.limits import IPREV_NAMES_MAX
from penfold.proto.dns import Check, Kind, Question, Status
from penfold.proto.mailauth.domain_names import find_domain_name

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_KINDS: Final[dict[int, Kind]] = {4: "A", 6: "AAAA"}


class Iprev(Struct, frozen=True, gc=False):
    """result: pass; fail: it has names, and none leads back; permerror: it has none; temperror:
    the DNS gave no answer. name: the one that leads back, or the first, or "".
    """

    result: Literal["pass", "fail", "permerror", "temperror"]
    name: str = ""


def find_address(text: str) -> Address | None:
    """Return the address a text stands for, None for none; an IPv4-mapped one is IPv4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address


def check_iprev(client: str) -> Check[Iprev]:
    """Return what the reverse lookup of an IP address says (RFC 8601 §3)."""
    address = find_address(client)
    if address is None:
        return Iprev("permerror")
    answer = yield Question(address.reverse_pointer, "PTR")
    if answer.status is Status.FAILED:
        return Iprev("temperror")
    found = [find_domain_name(name) for name in answer.addresses[:IPREV_NAMES_MAX]]
    names = [name for name in found if name]
    doubtful = False
    for name in names:
        forward = yield Question(name, _KINDS[address.version])
        if any(find_address(each) == address for each in forward.addresses):
            return Iprev("pass", name)
        doubtful = doubtful or forward.status is Status.FAILED
    if not names:
        return Iprev("permerror")
    return Iprev("temperror" if doubtful else "fail", names[0])
