"""A listener on a real socket, and its clients."""

import asyncio
import socket
import struct

HELO = b"EHLO probe.example\r\n"
TRANSACTION = b"MAIL FROM:<p@probe.example>\r\nRCPT TO:<alice@box.example>\r\nDATA\r\n"


class World:
    """A listener and its clients."""

    def __init__(self, product, listener, address, facts):
        self.product, self.listener, self.address, self.facts = product, listener, address, facts
        self.clients = []

    async def connect(self):
        client = Client(*await asyncio.open_connection(*self.address))
        self.clients.append(client)
        return client

    async def greeted(self):
        client = await self.connect()
        assert await client.reply() == 220
        await client.say(HELO)
        assert await client.reply() == 250
        return client

    async def until(self, condition):
        while not condition():  # noqa: ASYNC110 - what the kernel hands on has no event
            await asyncio.sleep(0)

    async def at_data(self):
        client = await self.greeted()
        await client.say(TRANSACTION)
        assert [await client.reply() for _ in range(3)] == [250, 250, 354]
        return client

    def pass_time(self, seconds):
        """Apply the deadlines as of so many seconds from now."""
        self.listener.review(self.listener.now + seconds)

    def seen(self, kind):
        return [fact for fact in self.facts if isinstance(fact, kind)]


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.text = ""

    async def say(self, octets):
        self.writer.write(octets)
        await self.writer.drain()

    async def reply(self):
        """Return the code of the next reply, 0 at the end."""
        while line := await asyncio.wait_for(self.reader.readline(), 10):
            self.text = line.decode()
            if line[3:4] == b" ":
                return int(line[:3])
        return 0

    async def start_tls(self, context):
        await self.say(b"STARTTLS\r\n")
        assert await self.reply() == 220
        await self.writer.start_tls(context, server_hostname="localhost")

    async def octets(self, count):
        return await asyncio.wait_for(self.reader.readexactly(count), 10)

    async def reset(self):
        """Go away without a farewell: the kernel sends RST."""
        linger = struct.pack("ii", 1, 0)
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        await self.close()

    async def close(self):
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            return
