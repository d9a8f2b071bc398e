"""TLS connections by which an ACME server checks a name (tls-alpn-01, RFC 8737), told from others.

They ask for the protocol "acme-tls/1" in their first octets and must be shown a certificate made
for them. That is looked at only while such a check is expected; at any other time a connection
costs nothing here. What asks for it is closed after the handshake: §3 has nothing to say there.
"""

import asyncio
import socket
import ssl
from typing import Final, Protocol

from penfold.base.limits import CLIENT_HELLO_MAX_BYTES, HTTP_HEAD_S
from penfold.proto.acme.proofs import ALPN
from penfold.proto.client_hello import ClientHello, parse_client_hello

#: Seconds between two looks at first octets that are not all here: peeking cannot wait for more.
_LOOK_S: Final = 0.02


class Challenges(Protocol):
    """What is expected just now."""

    def is_waiting(self) -> bool: ...

    def find_context(self, name: str) -> ssl.SSLContext | None:
        """Return what to show for a name, None when no check of it is expected."""
        ...


async def find_challenge(conn: socket.socket, challenges: Challenges) -> ssl.SSLContext | None:
    """Return the context that a connection must get, None for the usual one; takes no octet."""
    if not challenges.is_waiting():
        return None
    try:
        hello = await _peek(conn)
    except asyncio.CancelledError:
        conn.close()
        raise
    if hello is None or ALPN.encode() not in hello.protocols:
        return None
    return challenges.find_context(hello.name)


async def _peek(conn: socket.socket) -> ClientHello | None:
    for _ in range(round(HTTP_HEAD_S / _LOOK_S)):
        try:
            octets = conn.recv(CLIENT_HELLO_MAX_BYTES + 1, socket.MSG_PEEK)
        except OSError:
            return None
        hello = parse_client_hello(octets)
        if hello is not None:
            return hello
        await asyncio.sleep(_LOOK_S)
    return None


class Farewell(asyncio.Protocol):
    """Ends a connection whose handshake said everything."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
