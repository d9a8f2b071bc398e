"""Ask rspamd what it thinks of a message: POST /checkv2 of its HTTP protocol.

One connection per message, to an address the operator set; whatever goes wrong on the way, and
whatever comes back that is no answer, is `failed`, never an exception. Bounded: RSPAMD_S for
everything, the message and the answer in octets.

rspamd (documented, protocol): the headers of the request, and the actions of the answer.
"""

import asyncio
import heapq
import re
import ssl
from typing import Final, Literal
from urllib.parse import urlsplit

import httptools
import msgspec
from msgspec import Struct

from penfold import __version__
from penfold.base.errors import ParseError
from penfold.base.limits import (
    RSPAMD_ANSWER_MAX_BYTES,
    RSPAMD_MESSAGE_MAX_BYTES,
    RSPAMD_RECIPIENTS_MAX,
    RSPAMD_S,
    RSPAMD_SYMBOLS_MAX,
)
from penfold.net.https_get import ReplyReader
from penfold.ports.scanning import Opinion, Scanned, Subject, Symbol

_PORTS: Final = {"http": 11_333, "https": 443}
_OK: Final = 200
#: Octets of the head of its answer: rspamd's own has 200.
_HEAD_MAX_BYTES: Final = 16_384
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")

#: What each of rspamd's actions asks for; one it may invent later asks for nothing.
_ACTIONS: Final[dict[str, Literal["accept", "spam", "defer", "reject"]]] = {
    "no action": "accept",
    "add header": "spam",
    "rewrite subject": "spam",
    "quarantine": "spam",
    "greylist": "defer",
    "soft reject": "defer",
    "reject": "reject",
    "discard": "reject",
}


class _Symbol(Struct):
    score: float = 0.0
    description: str | None = None


class _Answer(Struct):
    action: str
    score: float = 0.0
    symbols: dict[str, _Symbol] = {}


class Rspamd:
    """A Scanner (ports.scanning). hostname: ours, for its log."""

    def __init__(self, url: str, *, hostname: str, timeout_s: float = RSPAMD_S) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._netloc = parts.netloc
        self._path = f"{parts.path.rstrip('/')}/checkv2"
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._hostname = hostname
        self._timeout_s = timeout_s

    async def scan(self, subject: Subject, raw: bytes) -> Scanned:
        if len(raw) > RSPAMD_MESSAGE_MAX_BYTES:
            return Scanned(None, "too_large")
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await self._exchange(self._print_head(subject, len(raw)), raw)
            return Scanned(parse_opinion(body), "answered")
        except TimeoutError:  # an OSError too
            return Scanned(None, "failed", f"no answer within {self._timeout_s:g} s")
        except (OSError, ParseError) as error:
            return Scanned(None, "failed", f"{type(error).__name__}: {error}"[:200])

    async def _exchange(self, head: bytes, raw: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        try:
            writer.write(head)
            writer.write(raw)
            await writer.drain()
            return await _read_body(reader)
        finally:
            # Nothing more is wanted of it. close() would keep what was not sent for as long as the
            # other side does not read.
            writer.transport.abort()

    def _print_head(self, subject: Subject, size: int) -> bytes:
        fields = [
            ("Host", self._netloc),
            ("User-Agent", f"Penfold/{__version__}"),
            ("Connection", "close"),
            ("Content-Length", str(size)),
            ("MTA-Name", self._hostname),
            ("Queue-Id", subject.session),
            ("IP", subject.client),
            ("Helo", subject.helo),
            ("From", f"<{subject.sender}>"),
            *(("Rcpt", f"<{each}>") for each in subject.recipients[:RSPAMD_RECIPIENTS_MAX]),
        ]
        lines = [f"{name}: {_UNSAFE.sub('?', value)}" for name, value in fields]
        return "\r\n".join([f"POST {self._path} HTTP/1.1", *lines, "", ""]).encode()


async def _read_body(reader: asyncio.StreamReader) -> bytes:
    """Return the body of an answer that went well; ParseError for any other."""
    answer = ReplyReader(RSPAMD_ANSWER_MAX_BYTES)
    left = RSPAMD_ANSWER_MAX_BYTES + _HEAD_MAX_BYTES
    try:
        while not answer.done and (data := await reader.read(65_536)):
            left -= len(data)
            answer.feed(data)
            if answer.too_long or left < 0:
                raise ParseError("the answer is too long")
    except httptools.HttpParserError as error:
        if not answer.done:
            raise ParseError("the answer is no HTTP") from error
    answer.end()
    if not answer.done:
        raise ParseError("the answer was cut off")
    if answer.status != _OK:
        raise ParseError(f"HTTP status {answer.status}")
    return bytes(answer.body)


def parse_opinion(body: bytes) -> Opinion:
    """Return what an answer says; ParseError when it is none of rspamd's."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParseError(f"{type(error).__name__}: {error}") from error
    action = _ACTIONS.get(answer.action, "accept")
    symbols = tuple(
        Symbol(_print(name), each.score, _print(each.description or ""))
        for name, each in heapq.nlargest(
            RSPAMD_SYMBOLS_MAX, answer.symbols.items(), key=lambda one: abs(one[1].score)
        )
    )
    return Opinion(action, _print(answer.action), answer.score, symbols)


def _print(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:80])
