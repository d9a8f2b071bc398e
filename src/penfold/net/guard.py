"""The only way to connect to an address that somebody else named.

A push endpoint or a mail server in a request must not make this machine talk to itself or to its
neighbours (OWASP API7:2023, server-side request forgery). So: the name is resolved once, every
address it has is checked, and the connection goes to the address that was checked, which leaves
nothing to rebind. `loopback` lets this machine's own addresses through (local mode).
"""

import socket
import time
from collections.abc import Callable, Sequence
from functools import partial

from penfold.base.errors import PenfoldError
from penfold.proto.special_addresses import Reach, reach_of

#: What a name means: textual addresses, in the order they should be tried.
Resolve = Callable[[str, int], Sequence[str]]
#: Says of a textual address whether it may be connected to.
Allowed = Callable[[str], bool]


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
    reach = reach_of(text)
    return reach is Reach.PUBLIC or (loopback and reach is Reach.LOOPBACK)


def connect(
    host: str,
    port: int,
    *,
    loopback: bool,
    timeout_s: float,
    resolve: Resolve = resolve,
    allowed: Allowed | None = None,
) -> socket.socket:
    """Return a connection to the host, at an address that was checked.

    allowed: asked instead of is_allowed. timeout_s: for all addresses together, each having
    its share, and after that for each read and write. Raises ForbiddenAddressError when any
    address of the host is not allowed, UnreachableError when none answers.
    """
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError) as error:  # UnicodeError: labels that are empty or too long
        raise UnreachableError("the name cannot be resolved", host=host) from error
    may = allowed or partial(is_allowed, loopback=loopback)
    if not all(map(may, addresses)):
        raise ForbiddenAddressError("leads to a forbidden address", host=host)
    last: OSError | None = None
    until = time.monotonic() + timeout_s
    for place, address in enumerate(addresses):
        share_s = max(0.0, until - time.monotonic()) / (len(addresses) - place)
        try:
            sock = socket.create_connection((address, port), share_s)
        except OSError as error:
            last = error
        else:
            sock.settimeout(timeout_s)
            return sock
    raise UnreachableError("nobody answers", host=host, port=port) from last
