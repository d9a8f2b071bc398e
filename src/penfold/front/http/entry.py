"""Who really asks, and by which name: trusted proxies, and names that are ours.

A proxy that is trusted says who its client is (X-Forwarded-For, -Proto, -Host); from anybody else
these fields are words. `Forwarded` (RFC 7239) is not read: a proxy that writes the one kind passes
on what a stranger wrote in the other.

Whoever controls a name can point it at this server, also at one on loopback (DNS rebinding),
and then a browser takes our pages for his. So a name must be known before it is answered: in
production mode for everything, in local mode for pages and for what needs no token. The API
asks for a token that no other site has, so in local mode it answers by any name.
"""

import ipaddress
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final

from penfold.base.limits import FORWARDED_HOPS_MAX
from penfold.front.http.request import Scope

#: Names that nobody can own in the public DNS (RFC 6761 and its kin), by their end.
_PRIVATE: Final = (".localhost", ".test", ".local", ".internal", ".home.arpa")
#: Networks remembered: peers are few, or there is a flood of them.
_PEERS_REMEMBERED: Final = 1_024


class Proxies:
    """Reverse proxies in these networks are believed."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = tuple(map(ipaddress.ip_network, networks))
        self.trusts = lru_cache(_PEERS_REMEMBERED)(self._trusts)

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._networks)

    def settle(self, scope: Scope) -> None:
        """Put the client, the scheme and the host of a forwarded request in the scope."""
        peer = scope.get("client")
        if not self._networks or peer is None or not self.trusts(peer[0]):
            return
        said = {name: value for name, value in scope["headers"] if name.startswith(b"x-forwarded-")}
        hops = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        client = self._find_client(hops)
        if client:
            scope["client"] = (client, 0)
        scheme = _last(said.get(b"x-forwarded-proto", b"")).lower()
        if scheme in (b"http", b"https"):
            scope["scheme"] = scheme.decode()
        host = _last(said.get(b"x-forwarded-host", b""))
        if host:
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"] = [(b"host", host), *others]

    def _find_client(self, hops: bytes) -> str:
        """Return the nearest address that is no proxy of ours, "" for none."""
        found = ""
        for hop in reversed(hops.rsplit(b",", FORWARDED_HOPS_MAX)[-FORWARDED_HOPS_MAX:]):
            try:
                if b"%" in hop:
                    break  # a zone is a name on the machine that wrote it, and could be anything
                found = str(ipaddress.ip_address(hop.decode("latin-1").strip()))
            except ValueError:
                break  # whoever wrote this knows nothing of those before him
            if not self.trusts(found):
                break
        return found


def _last(value: bytes) -> bytes:
    """Return what the nearest proxy said."""
    return value.rpartition(b",")[2].strip()


class Names:
    """Whether a request is for us."""

    def __init__(self, names: Collection[str], *, strict: bool) -> None:
        """strict: production mode."""
        self._names = frozenset(name.lower() for name in names if name)
        self._strict = strict

    def admits(self, scope: Scope, *, guarded: bool) -> bool:
        """Whether to answer. guarded: something a token keeps from strangers, and nothing else."""
        if guarded and not self._strict:
            return True
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        name = _name_of(host.decode("latin-1").lower())
        server = scope.get("server")
        if name in self._names or (server and name == server[0]):
            return True
        return name in ("", "localhost") or self._is_private(name)

    def _is_private(self, name: str) -> bool:
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return not self._strict and ("." not in name or name.endswith(_PRIVATE))
        return not self._strict or address.is_loopback


def _name_of(host: str) -> str:
    """Return the name or address of a Host field, without port, brackets and final dot."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")
