"""The system's resolv.conf: which servers to ask, and whether their AD bit may be believed."""

import ipaddress
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct

from penfold.base.limits import DNS_SERVERS_MAX


class Server(NamedTuple):
    """A resolver that is asked. host: an address, maybe with its link (`fe80::1%eth0`)."""

    host: str
    port: int = 53

    @property
    def is_loopback(self) -> bool:
        return ipaddress.ip_address(self.host.partition("%")[0]).is_loopback


class Resolvers(Struct, frozen=True):
    """servers: in the order they are asked. trusted: they validate and the way to them is safe."""

    servers: tuple[Server, ...]
    trusted: bool

    @classmethod
    def of(cls, servers: tuple[Server, ...], *, trusted: bool) -> "Resolvers":
        """Return the servers, trusted when that is said or all of them are on this machine.

        RFC 7672 §2.2, RFC 6698 §A.3: the bit is worth what the way to the resolver is. One that is
        not trusted spoils all: whoever silenced the others could choose who answers.
        """
        return cls(servers, trusted or all(server.is_loopback for server in servers))


def parse_resolv_conf(text: str) -> Resolvers:
    """Return what resolv.conf(5) says: nameserver lines and `options trust-ad`; reads anything.

    Without a server that can be used, the one on this machine (as the manual has it).
    """
    servers: list[Server] = []
    trusted = False
    for line in text.splitlines():
        match line.split():
            case ["nameserver", host, *_]:
                with suppress(ValueError):
                    ipaddress.ip_address(host.partition("%")[0])
                    servers.append(Server(host))
            case ["options", *options]:
                trusted = trusted or "trust-ad" in options
    return Resolvers.of(tuple(servers[:DNS_SERVERS_MAX]) or (Server("127.0.0.1"),), trusted=trusted)
