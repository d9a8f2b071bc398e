"""One HTTP request as the pipeline sees it, and the answer it gives.

Owns reading: the few headers that matter, X-HTTP-Method-Override, forms in place of a long query,
and bodies, counted as they stream in.
"""

import zlib
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    MutableMapping,
)
from typing import Any, Final

from msgspec import Struct

from penfold.base.limits import JSON_BODY_MAX_BYTES
from penfold.front.http.errors import Header, RefusedError
from penfold.front.http.system import Pairs, System, parse_query
from penfold.ports.identity import Credential
from penfold.spec import problems

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: Octets unpacked at a time: a bomb is noticed before it is large.
_PIECE: Final = 65_536
_FORM: Final = "application/x-www-form-urlencoded"
_WANTED: Final = frozenset(
    {
        b"authorization",
        b"content-type",
        b"content-length",
        b"transfer-encoding",
        b"origin",
        b"accept-encoding",
        b"content-encoding",
        b"content-range",
        b"x-upload-content-type",
        b"x-upload-content-length",
        b"x-goog-upload-protocol",
        b"x-goog-upload-command",
        b"x-goog-upload-offset",
        b"x-goog-upload-header-content-type",
        b"x-goog-upload-header-content-length",
        b"x-goog-fieldmask",
        b"idempotency-key",
        b"x-batch-validation",
        b"x-http-method-override",
        b"access-control-request-method",
        b"access-control-request-headers",
    }
)


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


class Gunzip:
    """Unpacks a gzip body piece by piece (RFC 1952); what is none is refused."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            while data and not self._inflate.eof:
                yield self._inflate.decompress(data, _PIECE)
                data = self._inflate.unconsumed_tail
        except zlib.error:
            raise RefusedError(problems.MALFORMED_GZIP) from None

    def close(self) -> None:
        if not self._inflate.eof:
            raise RefusedError(problems.MALFORMED_GZIP)


class RequestFacts(Struct, frozen=True, gc=False):
    """What is known of a request when its answer has been sent; for logs and metrics.

    method_id is the method's, or names the part of the product that answered
    (spec.metrics.ROUTES). path is without the query, which may hold a token. reason: the error's,
    "" on success; error: what nobody expected, if anything. client: the peer's address; app: the
    OAuth client. received, sent: octets of the bodies.
    """

    request_id: str
    method_id: str
    verb: str
    path: str
    status: int
    reason: str
    seconds: float
    account_id: str
    client: str
    app: str
    received: int
    sent: int
    error: BaseException | None


class Answer(Struct):
    """An answer ready to send. more: what follows the body while it is being made.

    streamed: octets of `more` that have gone out.
    """

    status: int
    body: bytes
    headers: list[Header]
    more: AsyncGenerator[bytes, None] | None = None
    streamed: int = 0


class Request:
    """A request being answered. What later steps find out is kept here, also for errors."""

    __slots__ = (
        "client", "credential", "error", "extensions", "form", "headers", "method_id", "pairs",
        "path", "read", "reason", "receive", "request_id", "scope", "status", "system", "verb",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, request_id: str) -> None:
        self.request_id = request_id
        self.scope = scope
        self.receive = receive
        self.verb: str = scope["method"]
        raw: bytes | None = scope.get("raw_path")
        self.path: str = raw.decode("utf-8", "replace") if raw else scope["path"]
        self.headers: dict[bytes, bytes] = {
            name: value for name, value in scope["headers"] if name in _WANTED
        }
        query: bytes = scope["query_string"]
        self.pairs: Pairs = parse_query(query.decode("utf-8", "replace")) if query else []
        self.system = System({})
        self.method_id = "other"
        self.extensions: Mapping[str, Any] = scope.get("extensions") or {}
        self.client: tuple[str, int] | None = scope.get("client")
        self.credential: Credential | None = None
        self.error: BaseException | None = None
        self.reason = ""
        self.status = 0
        self.read = 0
        self.form = False

    def facts(self, answer: Answer, seconds: float) -> RequestFacts:
        return RequestFacts(
            self.request_id,
            self.method_id,
            self.verb,
            self.path,
            self.status or answer.status,
            self.reason,
            seconds,
            self.credential.account.id if self.credential else "",
            self.client[0] if self.client else "",
            self.credential.client_id if self.credential else "",
            self.read,
            len(answer.body) + answer.streamed,
            self.error,
        )

    def header(self, name: bytes) -> str:
        value = self.headers.get(name)
        return value.decode("latin-1") if value else ""

    def content_type(self) -> str:
        return self.header(b"content-type").partition(";")[0].strip().lower()

    async def settle_verb(self) -> None:
        """Apply X-HTTP-Method-Override, and take a form's fields for query parameters.

        googleapiclient sends a GET whose address is longer than 2,048 characters that way.
        """
        if self.verb != "POST":
            return
        if self.content_type() == _FORM:
            form = await self.read_body(JSON_BODY_MAX_BYTES)
            self.form = True
            self.pairs += parse_query(form.decode("utf-8", "replace"))
        override = self.header(b"x-http-method-override")
        if override:
            self.verb = override.upper()

    def check_json(self, body: bytes | bytearray) -> None:
        """Refuse a body that says it is something else than JSON."""
        kind = self.content_type()
        if body and kind and kind != "application/json" and not kind.endswith("+json"):
            # Gmail (assumed): the text.
            raise RefusedError(problems.WRONG_CONTENT_TYPE, value=kind)

    def weight(self, limit: int) -> int:
        """Return how many octets the body may have, as far as is known before it is read."""
        length = self.headers.get(b"content-length")
        if length is None and b"transfer-encoding" not in self.headers:
            return 0
        return min(int(length), limit) if length and length.isdigit() else limit

    async def read_body(self, limit: int) -> bytes | bytearray:
        """Return the body; refuses one of more than `limit` octets as soon as that is known."""
        if self.form:
            return b""  # its fields are among the parameters
        body: bytes | bytearray = b""
        async for chunk in self.stream(limit):
            if body:
                if isinstance(body, bytes):
                    body = bytearray(body)
                body += chunk
            else:
                body = chunk
        return body

    async def stream(self, limit: int) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes, unpacked; refuses more than `limit` octets of it."""
        encoding = self.header(b"content-encoding").strip().lower()
        if encoding in ("", "identity"):
            length = self.headers.get(b"content-length", b"")
            if length.isdigit() and int(length) > limit:
                raise RefusedError(problems.REQUEST_TOO_LARGE)
            unpacker = None
        elif encoding in ("gzip", "x-gzip"):
            unpacker = Gunzip()
        else:
            raise RefusedError(problems.WRONG_ENCODING, value=encoding)
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk: bytes = message.get("body", b"")
            self.read += len(chunk)
            for piece in unpacker.feed(chunk) if unpacker else (chunk,):
                size += len(piece)
                if size > limit:
                    raise RefusedError(problems.REQUEST_TOO_LARGE)
                if piece:
                    yield piece
            if not message.get("more_body", False):
                break
        if unpacker:
            unpacker.close()
