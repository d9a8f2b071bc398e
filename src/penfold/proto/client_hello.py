"""What the first octets of a TLS connection ask for: the server's name and the protocols (ALPN).

RFC 8446 §4.1.2 (ClientHello), §5.1 (records, over which it may be spread); RFC 6066 §3
(server_name); RFC 7301 §3.1 (protocols). Only these are read. Octets that break the format are
for the TLS library to refuse: they ask for nothing here.
"""

from typing import Final

from msgspec import Struct

from penfold.base.limits import CLIENT_HELLO_MAX_BYTES

_HANDSHAKE: Final = 0x16
_CLIENT_HELLO: Final = 0x01
_RECORD_HEAD: Final = 5
_MESSAGE_HEAD: Final = 4
#: ProtocolVersion and Random, before the session id.
_FIXED: Final = 2 + 32
_SERVER_NAME, _PROTOCOLS = 0, 16
_HOST_NAME: Final = 0


class ClientHello(Struct, frozen=True, gc=False):
    """name: in lower case, "" without one. protocols: as asked for, in order."""

    name: str = ""
    protocols: tuple[bytes, ...] = ()


#: What asks for nothing, or is no ClientHello.
NOTHING: Final = ClientHello()


def parse_client_hello(octets: bytes) -> ClientHello | None:
    """Return what a connection asks for; None while the octets end too early to say."""
    message = bytearray()
    at, wanted = 0, _MESSAGE_HEAD
    while len(message) < wanted:
        if at + _RECORD_HEAD > len(octets):
            whole = at < len(octets) and octets[at] != _HANDSHAKE
            return NOTHING if whole or len(octets) > CLIENT_HELLO_MAX_BYTES else None
        length = int.from_bytes(octets[at + 3 : at + 5])
        # RFC 8446 §5.1: other kinds of records may not come in between, nor empty ones.
        if octets[at] != _HANDSHAKE or not length:
            return NOTHING
        at += _RECORD_HEAD
        message += octets[at : at + length]
        at += length
        if len(message) >= _MESSAGE_HEAD:
            wanted = _MESSAGE_HEAD + int.from_bytes(message[1:4])
            if message[0] != _CLIENT_HELLO or wanted > CLIENT_HELLO_MAX_BYTES:
                return NOTHING
    return _read(_Octets(bytes(message[_MESSAGE_HEAD:wanted])))


class _Octets:
    """Octets taken from the front. What is too short gives less, never an error."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        self._at += count
        return found

    def take_number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def take_vector(self, size: int) -> "_Octets":
        """A vector: its length in `size` octets, then itself (RFC 8446 §3.4)."""
        return _Octets(self.take(self.take_number(size)))

    def __bool__(self) -> bool:
        return self._at < len(self._data)


def _read(hello: _Octets) -> ClientHello:
    hello.take(_FIXED)
    for size in (1, 2, 1):  # session id, cipher suites, compression methods
        hello.take_vector(size)
    extensions = hello.take_vector(2)
    name = ""
    protocols: tuple[bytes, ...] = ()
    while extensions:
        kind, body = extensions.take_number(2), extensions.take_vector(2)
        if kind == _SERVER_NAME:
            name = _read_name(body)
        elif kind == _PROTOCOLS:
            protocols = _read_protocols(body)
    return ClientHello(name, protocols)


def _read_name(body: _Octets) -> str:
    names = body.take_vector(2)
    while names:
        kind, name = names.take_number(1), names.take_vector(2)
        if kind == _HOST_NAME:
            return name.take(CLIENT_HELLO_MAX_BYTES).decode("ascii", "replace").lower()
    return ""


def _read_protocols(body: _Octets) -> tuple[bytes, ...]:
    found, protocols = [], body.take_vector(2)
    while protocols:
        found.append(protocols.take_vector(1).take(255))
    return tuple(found)
