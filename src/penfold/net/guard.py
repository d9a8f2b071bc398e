"""The only way to connect to an address that somebody else named.

A push endpoint or a mail server in a request must not make this machine talk to itself or to its
neighbours (OWASP API7:2023, server-side request forgery). So: the name is resolved once, every
address it has is checked, and the connection goes to the address that was checked, which leaves
nothing to rebind. `loopback` lets this machine's own addresses through (local mode).
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Final

from penfold.base.errors import PenfoldError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: What a name means: textual addresses, in the order they should be tried.
Resolve = Callable[[str, int], Sequence[str]]

#: RFC 6598 §7, RFC 6052 §2.1: carrier-grade NAT, and IPv4 behind a translator's prefix.
_NEVER: Final = tuple(map(ipaddress.ip_network, ("100.64.0.0/10", "64:ff9b:1::/48")))
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")


class ForbiddenAddressError(PenfoldError):
    """The name leads to an address that requests may not reach."""

    public = "The address is not allowed"


class UnreachableError(PenfoldError):
    """Nobody answers there now."""

    retry = True
    public = "The address does not answer"


def resolve(host: str, port: int) -> list[str]:
    """Return the host's addresses as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_allowed(text: str, *, loopback: bool) -> bool:
    """Return whether a textual address may be connected to."""
    address = _unwrap(ipaddress.ip_address(text.partition("%")[0]))
    if address.is_loopback:
        return loopback
    return address.is_global and not address.is_multicast and not _is_never(address)


def _unwrap(address: Address) -> Address:
    """Return the IPv4 address inside a mapped, 6to4 or translated one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_never(address: Address) -> bool:
    return any(address.version == net.version and address in net for net in _NEVER)


def connect(
    host: str, port: int, *, loopback: bool, timeout_s: float, resolve: Resolve = resolve
) -> socket.socket:
    """Return a connection to the host, at an address that was checked.

    timeout_s: for each address that is tried and, after that, for each read and write. Raises
    ForbiddenAddressError when any address of the host is not allowed, UnreachableError when
    none answers.
    """
    try:
        addresses = resolve(host, port)
    except OSError as error:
        raise UnreachableError("the name cannot be resolved", host=host) from error
    if not all(is_allowed(address, loopback=loopback) for address in addresses):
        raise ForbiddenAddressError("leads to a forbidden address", host=host)
    last: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout_s)
        except OSError as error:
            last = error
    raise UnreachableError("nobody answers", host=host, port=port) from last
