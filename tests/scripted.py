"""A mail server that follows a script: what our client meets over real sockets."""

import asyncio
import ssl
import time
from contextlib import asynccontextmanager, suppress

from penfold.net.certificates import make_authority, make_server_certificate


class Trust:
    """An authority, a server's context with a certificate of it, and what to verify it with."""

    def __init__(self, folder, names):
        now_ms = time.time_ns() // 1_000_000
        authority = make_authority(now_ms=now_ms)
        pair = make_server_certificate(authority, names, now_ms=now_ms)
        self.authorities = authority.certificate.decode()
        self.pem = folder / "scripted.pem"
        self.pem.write_bytes(pair.certificate + pair.key)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(self.pem)


class Conversation:
    """The server's end of one connection."""

    def __init__(self, reader, writer, trust):
        self.reader, self.writer, self.trust = reader, writer, trust

    async def say(self, *lines):
        await self.write(b"".join(line.encode() + b"\r\n" for line in lines))

    async def write(self, octets):
        self.writer.write(octets)
        await self.writer.drain()

    async def hear(self):
        """Return the next line without its end; "" when the client has closed."""
        return (await self.reader.readline()).decode().removesuffix("\r\n")

    async def hear_message(self):
        return await self.reader.readuntil(b"\r\n.\r\n")

    async def start_tls(self):
        await self.writer.start_tls(self.trust.server)

    async def greet(self, *offers):
        """Say the banner and answer EHLO."""
        await self.say("220 mx.box.example ESMTP")
        await self.answer_ehlo(*offers)

    async def answer_ehlo(self, *offers):
        assert (await self.hear()).startswith("EHLO ")
        lines = ["mx.box.example", *offers]
        await self.say(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")

    async def take_messages(self):
        """Take one message after the other and return how many, until QUIT or the end."""
        count = 0
        while line := await self.hear():
            verb = line[:4].upper()
            if verb == "DATA":
                await self.say("354 go ahead")
                await self.hear_message()
                count += 1
            elif verb == "QUIT":
                await self.say("221 bye")
                break
            await self.say("250 OK")
        return count


@asynccontextmanager
async def serve(talk, *, trust=None, implicit_tls=False):
    """Serve connections with `talk(conversation)`; yield the port and a list of what it returned."""
    results, tasks = [], set()

    async def handle(reader, writer):
        tasks.add(asyncio.current_task())
        try:
            # CancelledError: the test is over, and this connection still open.
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                results.append(await talk(Conversation(reader, writer, trust)))
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
                await writer.wait_closed()

    context = trust.server if implicit_tls else None
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], results
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
