"""The load of `submission`: connections over STARTTLS, logged in, one message after another.

    python -m benchmarks.submitter HOST:PORT MESSAGES [USER PASSWORD]

A process of its own, so that it takes nothing from the interpreter that is measured.
"""

import asyncio
import base64
import ssl
import sys
from collections.abc import Iterator

SESSIONS = 20
BYTES = 4_096
SENDER, RECIPIENT = "alice@penfold.test", "bob@penfold.test"


def make_message() -> bytes:
    """Return what follows DATA, the final dot included."""
    head = f"From: {SENDER}\r\nTo: {RECIPIENT}\r\nSubject: hello\r\n\r\n"
    line = "words of a letter, as people write them to each other\r\n"
    return (head + line * ((BYTES - len(head)) // len(line)) + ".\r\n").encode()


class Session:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, commands: bytes, *wanted: bytes) -> None:
        """Send commands and read a reply for each code that is wanted."""
        self._writer.write(commands)
        for code in wanted:
            while (line := await self._reader.readline())[3:4] == b"-":
                pass
            if not line.startswith(code):
                verb = commands.split(b" ")[0].strip()
                raise SystemExit(f"{verb!r} was answered {line!r}")

    async def start(self, login: list[str]) -> None:
        await self.ask(b"", b"220")
        await self.ask(b"EHLO client.example\r\n", b"250")
        await self.ask(b"STARTTLS\r\n", b"220")
        await self._writer.start_tls(_trusting())
        await self.ask(b"EHLO client.example\r\n", b"250")
        if login:
            plain = base64.b64encode("\0".join(["", *login]).encode())
            await self.ask(b"AUTH PLAIN " + plain + b"\r\n", b"235")

    async def send(self, message: bytes) -> None:
        envelope = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n"
        await self.ask(envelope.encode(), b"250", b"250", b"354")
        await self.ask(message, b"250")

    async def quit(self) -> None:
        await self.ask(b"QUIT\r\n", b"221")
        self._writer.close()


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # measured, not trusted
    return context


async def submit(address: str, count: int, login: list[str]) -> None:
    """Send so many messages, over SESSIONS connections that share them."""
    host, _, port = address.rpartition(":")
    left, message = iter(range(count)), make_message()

    async def run(left: Iterator[int]) -> None:
        session = Session(*await asyncio.open_connection(host, int(port)))
        await session.start(login)
        for _ in left:
            await session.send(message)
        await session.quit()

    await asyncio.gather(*(run(left) for _ in range(SESSIONS)))


if __name__ == "__main__":
    asyncio.run(submit(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
