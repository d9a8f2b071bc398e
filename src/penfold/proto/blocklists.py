"""DNS blocklists (RFC 5782): is an address on a list that somebody publishes in the DNS?

A list is a zone; an address on it has an A record below it. Only an answer within 127.0.0.0/8 is
one (§2.1): a zone that has died often answers everything with the address of a web page, and would
put the whole world on its list. 127.255.255.x is how lists say that a question was not served (a
public resolver, too many of them, a wrong zone), which is no listing either.

Asks through questions, does no I/O and never raises.
"""

import ipaddress
from typing import Final, Literal

from penfold.proto.dns import Check, Question, Status
from penfold.proto.iprev import find_address

Listing = Literal["listed", "clean", "unknown"]

_ANSWERS: Final = ipaddress.IPv4Network("127.0.0.0/8")
#: Codes by which the large lists (Spamhaus, URIBL, SURBL: documented) refuse a question.
_REFUSALS: Final = ipaddress.IPv4Network("127.255.255.0/24")
#: RFC 5782 §5: no list has 127.0.0.1, a reachable list has 127.0.0.2.
_NEVER_LISTED: Final = "127.0.0.1"


def blocklist_name(client: str, zone: str) -> str | None:
    """Return the name to ask for (RFC 5782 §2.1, §2.4); None for what is no IP address."""
    address = find_address(client)
    if address is None:
        return None
    # The labels of reverse lookup without its last two, `in-addr.arpa` or `ip6.arpa`.
    return f"{address.reverse_pointer.rsplit('.', 2)[0]}.{zone}"


def check_blocklist(client: str, zone: str) -> Check[Listing]:
    """Return whether a client is on the list; unknown: the list gave no answer to rely on."""
    name = blocklist_name(client, zone)
    if name is None:
        return "unknown"
    answer = yield Question(name, "A")
    if answer.status is Status.FAILED:
        return "unknown"
    found = [address for text in answer.addresses if (address := find_address(text))]
    if not found:
        return "clean"
    if any(address not in _ANSWERS for address in found):
        return "unknown"
    codes = [address for address in found if address not in _REFUSALS]
    real = [code for code in codes if str(code) != _NEVER_LISTED]
    return "listed" if real else "unknown"
