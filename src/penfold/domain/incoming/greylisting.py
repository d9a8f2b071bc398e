"""Greylisting (RFC 6647): who comes for the first time is asked to come again in some minutes.

Servers do, most of what only sends does not. What is remembered is a triplet of the client's
network, the sender and the recipient, as a hash. A domain that SPF lets pass and that once came
again is trusted with every triplet from then on, so that large senders with many machines wait
once.

Pure but for the book. Off by default: it delays the first mail of everybody.
"""

import hashlib
import ipaddress
from typing import Final, Literal

from msgspec import Struct

from penfold.base.addresses import canonical_address
from penfold.base.limits import GREYLIST_KEPT_DAYS, GREYLIST_RETRY_S, GREYLIST_WAIT_S
from penfold.ports.greylist import GreylistBook, Sighting
from penfold.proto.iprev import find_address

Outcome = Literal["new", "early", "passed", "known", "vouched", "failed"]

_DAY_MS: Final = 86_400_000
KEPT_MS: Final = GREYLIST_KEPT_DAYS * _DAY_MS
_WAIT_MS: Final = GREYLIST_WAIT_S * 1000
RETRY_MS: Final = GREYLIST_RETRY_S * 1000
#: Bits of a network that is one sender: a farm retries from a neighbour (RFC 6647 §5).
_NETWORK_BITS: Final = {4: 24, 6: 64}


class Greeting(Struct, frozen=True, gc=False):
    """wait_s: seconds until it may come in, 0: now."""

    outcome: Outcome
    wait_s: int = 0


def triplet_key(*, client: str, sender: str, recipient: str) -> bytes:
    address = find_address(client)
    network = client
    if address is not None:
        bits = _NETWORK_BITS[address.version]
        network = str(ipaddress.ip_network((address, bits), strict=False))
    return _hash("triplet", network, sender.lower(), canonical_address(recipient))


def domain_key(domain: str) -> bytes:
    return _hash("domain", domain)


def find_known(book: GreylistBook, key: bytes, *, now_ms: int) -> bool:
    """Say whether this triplet, or domain, came again once and was not away for too long."""
    seen = book.find(key)
    if seen is None or not seen.passed or now_ms - seen.last_ms > KEPT_MS:
        return False
    if now_ms - seen.last_ms > _DAY_MS:  # a write a day is enough to remember it by
        book.save(key, Sighting(seen.first_ms, now_ms, True))
    return True


def greet(book: GreylistBook, key: bytes, *, domain: str, now_ms: int) -> Greeting:
    """Return what a triplet that is not known is told. domain: that SPF lets pass, or ""."""
    if domain and find_known(book, domain_key(domain), now_ms=now_ms):
        return Greeting("vouched")
    seen = book.find(key)
    if seen is None or seen.passed or now_ms - seen.first_ms > RETRY_MS:
        book.save(key, Sighting(now_ms, now_ms, False))
        return Greeting("new", GREYLIST_WAIT_S)
    waited_ms = now_ms - seen.first_ms
    if waited_ms < _WAIT_MS:
        # A clock that was set back must not make anybody wait for longer than from the start.
        return Greeting("early", min(GREYLIST_WAIT_S, -(-(_WAIT_MS - waited_ms) // 1000)))
    book.save(key, Sighting(seen.first_ms, now_ms, True))
    if domain:
        book.save(domain_key(domain), Sighting(seen.first_ms, now_ms, True))
    return Greeting("passed")


def _hash(*parts: str) -> bytes:
    octets = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(octets).digest()[:16]
