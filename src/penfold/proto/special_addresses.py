"""What an IP address is for, by the registries of special-purpose addresses (RFC 6890).

An IPv4 address inside an IPv6 one counts as that IPv4 address, because that is who is reached.
"""

import ipaddress
from enum import StrEnum
from functools import lru_cache
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(StrEnum):
    """public: anybody may be there. private: in networks of one's own (RFC 1918, 4193, 6598), or
    set aside, as for documentation. loopback: this machine. never: no host can be meant
    (unspecified, multicast, broadcast, reserved), or whoever the link happens to have.
    """

    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    NEVER = "never"


#: Addresses whose judgement is kept: it takes 40 us, and mail goes to the same hosts again.
_KEPT: Final = 4_096
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052 §2.1
#: RFC 791 §3.2 and RFC 8215: "this network", and translators within a network, which may lead
#: to any address.
_NEVER: Final = tuple(map(ipaddress.ip_network, ("0.0.0.0/8", "64:ff9b:1::/48")))


@lru_cache(maxsize=_KEPT)
def reach_of(text: str) -> Reach:
    """Return what a textual address is for; ValueError when it is none."""
    address = _parse(text)
    if address.is_loopback:
        return Reach.LOOPBACK
    if (
        address.is_unspecified
        or address.is_multicast
        or address.is_link_local
        or address.is_reserved
        or (isinstance(address, ipaddress.IPv6Address) and address.is_site_local)  # RFC 3879
        or any(address.version == net.version and address in net for net in _NEVER)
    ):
        return Reach.NEVER
    return Reach.PUBLIC if address.is_global else Reach.PRIVATE


@lru_cache(maxsize=_KEPT)
def reached_by(text: str) -> str:
    """Return the usual spelling of the address that a textual one reaches; ValueError as above."""
    return str(_parse(text))


def is_here(text: str) -> bool:
    """Return whether an address leads to this machine; ValueError as above."""
    address = _parse(text)
    return address.is_loopback or address.is_unspecified


def _parse(text: str) -> Address:
    """Return the address without its link, or the IPv4 address inside it."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
