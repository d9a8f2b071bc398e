"""Whom a network address stands for when something is counted."""

import ipaddress


def is_loopback(client: str) -> bool:
    """Say whether a client is this machine: a program here, or a proxy many people come through."""
    return client.startswith("127.") or client == "::1"


def network_of(client: str) -> str:
    """Return whom a connection is counted for: an IPv4 address, or an IPv6 /64."""
    if ":" not in client:
        return client
    address = ipaddress.IPv6Address(client.partition("%")[0])
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return address.packed[:8].hex()
