"""What an idle SMTP connection costs: resident memory of the mail exchanger, per connection.

A listener of its own in a process of its own, on the loop the product uses, and a client that opens
CONNECTIONS and says EHLO; once in clear, once over TLS. Buffers of the kernel do not count.
"""

import asyncio
import multiprocessing
import random
import resource
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from penfold.base.clock import FixedClock
from penfold.base.errors import NotFoundError
from penfold.domain.envelope import Done, Envelope, Recipient
from penfold.front.smtp.bounds import Bounds
from penfold.front.smtp.doors import MxDoor
from penfold.front.smtp.listener import Listener
from penfold.net.certificates import make_authority, make_server_certificate
from penfold.net.tls import load_server_context
from penfold.proto.smtp.profile import make_mx_profile

CONNECTIONS = 5_000
WANTED_KIB = 64


class _Nobody:
    """Takes mail for nobody; the connections measured here say EHLO and no more."""

    def check_recipient(self, address: str) -> Recipient:  # noqa: ARG002 - nobody has any
        return Recipient.UNKNOWN

    def accept(self, envelope: Envelope, data: bytes, done: Done) -> None:  # noqa: ARG002 - as above
        done(None, NotFoundError("nobody takes mail here"))


def measure() -> Iterator[tuple[str, str, str, str]]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with tempfile.TemporaryDirectory() as name:
            for what, tls in (("in clear", False), ("over TLS", True)):
                kib = _measure(Path(name), tls=tls)
                yield (
                    f"idle SMTP connection, {what}",
                    f"{kib:.1f} KiB",
                    f"wanted: {WANTED_KIB} KiB",
                    f"{CONNECTIONS:,} connections",
                )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _measure(folder: Path, *, tls: bool) -> float:
    """Return KiB a connection."""
    _make_certificate(folder)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, folder), daemon=True)
    process.start()
    try:
        port, before = here.recv(), _resident_kib(process.pid)
        own = _client_context() if tls else None
        sockets = [_connect(port, own) for _ in range(CONNECTIONS)]
        after = _resident_kib(process.pid)
        for sock in sockets:
            sock.close()
        return (after - before) / CONNECTIONS
    finally:
        here.send(None)
        process.join()


def _client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _make_certificate(folder: Path) -> None:
    now_ms = int(time.time() * 1000)
    pair = make_server_certificate(make_authority(now_ms=now_ms), ["localhost"], now_ms=now_ms)
    (folder / "server.pem").write_bytes(pair.certificate)
    (folder / "server.key").write_bytes(pair.key)


def _connect(port: int, context: ssl.SSLContext | None) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), 30)
    _ask(sock, b"", b"220 ")
    _ask(sock, b"EHLO idle.example\r\n", b"250 ")
    if context is not None:
        _ask(sock, b"STARTTLS\r\n", b"220 ")
        sock = context.wrap_socket(sock)
        _ask(sock, b"EHLO idle.example\r\n", b"250 ")
    return sock


def _ask(sock: socket.socket, command: bytes, last: bytes) -> None:
    """Send a command and read up to the last line of its reply."""
    if command:
        sock.sendall(command)
    reply = b""
    while not (reply.endswith(b"\r\n") and reply.splitlines()[-1].startswith(last)):
        piece = sock.recv(4_096)
        if not piece:
            raise ConnectionError(reply)
        reply += piece


def _resident_kib(pid: int | None) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024


def _serve(pipe: Connection, folder: Path) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_hold(pipe, folder))


async def _hold(pipe: Connection, folder: Path) -> None:
    most = 10 * CONNECTIONS
    listener = Listener(
        name="mx",
        profile=make_mx_profile(hostname="mx.example", domain="mx.example", starttls=True),
        door=MxDoor(_Nobody()),
        clock=FixedClock(),
        chance=random.Random(1),
        observe=lambda _: None,
        tls=load_server_context(folder),
        bounds=Bounds(connections_max=most, client_connections_max=most),
    )
    sock = socket.create_server(("127.0.0.1", 0))
    await listener.start(sock)
    pipe.send(sock.getsockname()[1])
    await asyncio.to_thread(pipe.recv)
    await listener.stop(grace_s=0)
