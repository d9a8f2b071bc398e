"""A real small DNS server for tests, over UDP and TCP on a free port of this machine.

    with DnsServer({"example.org": {"A": ["192.0.2.1"]}}) as server:
        resolver = Resolver([Server(server.host, server.port)], …)
    assert server.asked[("example.org", "A")] == 1

It lives in threads of its own, so tests with and without an event loop, and processes, can ask it.
What it says may be changed while it runs: `server.answers.zones["example.org"] = {…}`.
"""

import contextlib
import socket
import struct
import threading
from collections import Counter
from typing import Self

from penfold.base.errors import ParseError
from penfold.testing.dns_zones import Answers, Entry, Mishap, Zones, read_question

__all__ = ["Answers", "DnsServer", "Entry", "Mishap", "Zones"]

_PATIENCE_S = 5.0
_TRIES = 20


class DnsServer:
    """asked: how often each (name, kind) came, a try counted as one; by_tcp: those by TCP.

    host, port: where it listens; port 0 takes a free one.
    """

    def __init__(
        self,
        zones: Zones,
        *,
        negative_ttl_s: int | None = 60,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.host = host
        self.answers = Answers(zones, negative_ttl_s=negative_ttl_s)
        self.asked: Counter[tuple[str, str]] = Counter()
        self.by_tcp: Counter[tuple[str, str]] = Counter()
        self._open: list[socket.socket] = []
        self._closing = False
        self._udp, self._tcp = _bind_both(host, port)
        self.port: int = self._udp.getsockname()[1]
        self._threads = [
            threading.Thread(target=serve, daemon=True) for serve in (self._run_udp, self._run_tcp)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (self.host, self.port))
        socket.create_connection((self.host, self.port)).close()
        for thread in self._threads:
            thread.join()
        for sock in (self._udp, self._tcp, *self._open):
            sock.close()

    def _run_udp(self) -> None:
        while True:
            data, peer = self._udp.recvfrom(4096)
            if self._closing:
                return
            for message in self._answer(data, udp=True):
                self._udp.sendto(message, peer)

    def _run_tcp(self) -> None:
        while True:
            connection, _ = self._tcp.accept()
            self._open.append(connection)  # silence keeps the connection
            if self._closing:
                return
            connection.settimeout(_PATIENCE_S)
            with contextlib.suppress(OSError, struct.error):
                (length,) = struct.unpack("!H", _read_exactly(connection, 2))
                messages = self._answer(_read_exactly(connection, length), udp=False)
                for message in messages:
                    connection.sendall(struct.pack("!H", len(message)) + message)
                if messages:
                    connection.close()

    def _answer(self, data: bytes, *, udp: bool) -> list[bytes]:
        try:
            asked = read_question(data)
        except (IndexError, ParseError, struct.error):
            return []
        key = (asked.name, asked.kind)
        self.asked[key] += 1
        if not udp:
            self.by_tcp[key] += 1
        return self.answers.print_answer(asked, udp=udp)


def _bind_both(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a TCP socket on one port."""
    for _ in range(_TRIES):
        tcp = socket.create_server((host, port))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:  # somebody has it for UDP
            tcp.close()
            udp.close()
        else:
            return udp, tcp
    raise OSError("no port is free for both UDP and TCP")


def _read_exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            break
        data += piece
    return data
