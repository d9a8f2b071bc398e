"""One GET or POST by HTTPS to a host that somebody else named, in asyncio, bounded in everything.

Names are resolved by net/dns.py and every address must be one that requests may reach, as in
net/guard.py: what is connected to is what was checked. The certificate is verified for the host.
Redirects are not followed, nothing is cached, no cookies, one connection per request.
"""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from typing import Final

import httptools
from msgspec import Struct

from penfold import __version__
from penfold.net.dns import Resolver
from penfold.net.guard import is_allowed
from penfold.ports.http_out import NoAnswerError, UntrustedError
from penfold.proto.dns import Question, Status
from penfold.proto.exchangers import Families, find_fixed

_PRODUCT: Final = f"Penfold/{__version__}"
_CHUNK: Final = 16_384
_HTTPS_PORT: Final = 443


class Bounds(Struct, frozen=True):
    """total_s: for all of it, connect_s: for one of at most addresses_max. body_bytes, head_bytes:
    of the answer.
    """

    total_s: float
    connect_s: float
    addresses_max: int
    body_bytes: int
    head_bytes: int


class Got(Struct, frozen=True):
    """An answer. kind: Content-Type as it stands, "" without one."""

    status: int
    kind: str
    body: bytes


class HttpsOut:
    """context: verifies; by default the system's authorities are trusted. allowed: which addresses
    may be called, by default those net/guard allows. loopback, port: tests.
    """

    def __init__(
        self,
        resolver: Resolver,
        bounds: Bounds,
        *,
        context: ssl.SSLContext | None = None,
        loopback: bool = False,
        port: int = 443,
        allowed: Callable[[str], bool] | None = None,
    ) -> None:
        self._resolver = resolver
        self._bounds = bounds
        self._context = context
        self._allowed = allowed or partial(is_allowed, loopback=loopback)
        self._port = port

    async def send_get(
        self, host: str, path: str, *, port: int | None = None, more: tuple[str, ...] = ()
    ) -> Got:
        """Return the answer, whatever its status. more: fields of the head, as they are written.

        UntrustedError: the certificate is not good for the host. NoAnswerError: everything else.
        """
        head = _make_head(f"GET {path}", _name(host, port or _HTTPS_PORT), *more)
        return await self._send(host, port or self._port, head)

    async def send_post(
        self, host: str, port: int, path: str, *, kind: str, body: bytes, more: tuple[str, ...] = ()
    ) -> Got:
        """As send_get, with a body of that Content-Type."""
        more = (f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more)
        head = _make_head(f"POST {path}", _name(host, port), *more)
        return await self._send(host, port, head + body)

    async def _send(self, host: str, port: int, request: bytes) -> Got:
        try:
            async with asyncio.timeout(self._bounds.total_s):
                reader, writer = await self._connect(host, port)
                try:
                    return await self._exchange(reader, writer, host, request)
                finally:
                    writer.transport.abort()
        except TimeoutError as error:
            raise NoAnswerError("the answer took too long", host=host) from error
        except (OSError, EOFError) as error:
            raise NoAnswerError(f"the connection broke: {error}"[:200], host=host) from error

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        last = NoAnswerError("nobody answers", host=host)
        for address in await self._find_addresses(host):
            try:
                async with asyncio.timeout(self._bounds.connect_s):
                    return await asyncio.open_connection(
                        address, port, ssl=self._find_context(), server_hostname=host
                    )
            except ssl.SSLCertVerificationError as error:
                last = UntrustedError(f"the certificate: {error.verify_message}", host=host)
            except OSError as error:  # TimeoutError is one
                why = str(error) or "no answer in time"
                if not isinstance(last, UntrustedError):  # which tells more
                    last = NoAnswerError(f"{address} port {port}: {why}"[:200], host=host)
        raise last

    async def _find_addresses(self, host: str) -> tuple[str, ...]:
        fixed = tuple(find_fixed(host, Families.IPV4_FIRST))
        found = fixed or await self._resolve(host)
        if not all(map(self._allowed, found)):
            raise NoAnswerError("the name leads to a forbidden address", host=host)
        return found[: self._bounds.addresses_max]

    async def _resolve(self, host: str) -> tuple[str, ...]:
        answers = await asyncio.gather(
            self._resolver.ask(Question(host, "A")), self._resolver.ask(Question(host, "AAAA"))
        )
        found = tuple(address for answer in answers for address in answer.addresses)
        if not found:
            failed = any(answer.status is Status.FAILED for answer in answers)
            why = "the DNS gave no answer" if failed else "the name has no address"
            raise NoAnswerError(why, host=host)
        return found

    def _find_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, request: bytes
    ) -> Got:
        writer.write(request)
        answer = ReplyReader(self._bounds.body_bytes)
        left = self._bounds.body_bytes + self._bounds.head_bytes
        while not answer.done:
            data = await reader.read(_CHUNK)
            left -= len(data)
            if left < 0 or answer.too_long:
                raise NoAnswerError("the answer is too long", host=host)
            if not data:
                answer.end()
                break
            try:
                answer.feed(data)
            except httptools.HttpParserError as error:
                if not answer.done:  # what comes behind it is nobody's business
                    raise NoAnswerError("the answer is no HTTP", host=host) from error
        if answer.too_long:
            raise NoAnswerError("the answer is too long", host=host)
        if not answer.done:
            raise NoAnswerError("the answer was cut off", host=host)
        return Got(answer.status, answer.kind, bytes(answer.body))


def _name(host: str, port: int) -> str:
    """Return the Host field (RFC 9110 §7.2)."""
    return host if port == _HTTPS_PORT else f"{host}:{port}"


def _make_head(action: str, host: str, *more: str) -> bytes:
    lines = (f"{action} HTTP/1.1", f"Host: {host}", f"User-Agent: {_PRODUCT}", *more,
             "Accept-Encoding: identity", "Connection: close", "", "")  # fmt: skip
    return "\r\n".join(lines).encode()


class ReplyReader:
    """What httptools tells of an answer, read piece by piece. body_max: octets that are kept."""

    def __init__(self, body_max: int) -> None:
        self.status = 0
        self.kind = ""
        self.body = bytearray()
        self.done = False
        self.too_long = False
        self._body_max = body_max
        self._has_head = False
        self._has_length = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def end(self) -> None:
        """RFC 9112 §6.3: without a length, the end of the connection is the end of the body."""
        self.done = self.done or (self._has_head and not self._has_length)

    def on_message_begin(self) -> None:
        if not self.done:
            self.kind, self._has_head, self._has_length = "", False, False

    def on_header(self, name: bytes, value: bytes) -> None:
        field = name.lower()
        if field == b"content-type" and not self.done:
            self.kind = value.decode("latin-1")
        self._has_length |= field in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        if self.done:
            return
        self.status = self._parser.get_status_code()
        self._has_head = self.status >= 200  # RFC 9110 §15.2: 1xx announce another one

    def on_body(self, data: bytes) -> None:
        if self.done or self.too_long:
            return
        self.body += data
        self.too_long = len(self.body) > self._body_max

    def on_message_complete(self) -> None:
        self.done = self.done or self._has_head
