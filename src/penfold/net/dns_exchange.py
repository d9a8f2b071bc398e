"""One question to one server: a UDP datagram and its answer, or the same by TCP.

Every question has a socket of its own, so the system chooses an unpredictable port
(RFC 5452 §9.2) and passes on nothing that comes from another address. A datagram that does not
answer the question is as if it had not come. Time is the caller's: these wait until cancelled.
"""

import asyncio
import struct

from penfold.proto.dns import Question
from penfold.proto.dns_message import FAILED, Reply, parse_reply
from penfold.proto.resolv_conf import Server


async def send_by_udp(server: Server, asked: bytes, number: int, question: Question) -> Reply:
    """Return the reply; OSError when nobody listens there."""
    loop = asyncio.get_running_loop()
    reply: asyncio.Future[Reply] = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Waiting(reply, number, question), remote_addr=server
    )
    try:
        transport.sendto(asked)
        return await reply
    finally:
        transport.close()


class _Waiting(asyncio.DatagramProtocol):
    """Waits for the datagram that answers."""

    def __init__(self, reply: asyncio.Future[Reply], number: int, question: Question) -> None:
        self._reply = reply
        self._number = number
        self._question = question

    def datagram_received(self, data: bytes, addr: object) -> None:
        del addr
        if not self._reply.done():
            reply = parse_reply(data, self._number, self._question)
            if reply is not None:
                self._reply.set_result(reply)

    def error_received(self, exc: Exception) -> None:
        if not self._reply.done():
            self._reply.set_exception(exc)


async def send_by_tcp(server: Server, asked: bytes, number: int, question: Question) -> Reply:
    """Return the reply (RFC 7766 §8: a length in front); OSError or EOFError without one."""
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(struct.pack("!H", len(asked)) + asked)
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        data = await reader.readexactly(length)
    finally:
        writer.close()
    return parse_reply(data, number, question) or FAILED
