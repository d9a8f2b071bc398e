"""Answers with the headers Gmail sends: success, error, nothing, and the page for no such address.

Owns status and headers; bodies come ready made. Gmail (observed 2026-09): header values, 404 as a
page, JSONP always 200 with the real status inside. Cross-origin rules: reported by clients.
"""

import re
import zlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from html import escape
from typing import Final

from penfold.base.limits import GZIP_MIN_BYTES
from penfold.front.http.encode import wrap_jsonp
from penfold.front.http.errors import Header, RefusedError, envelope
from penfold.front.http.request import Answer, Request, Send
from penfold.front.http.runner import Runner
from penfold.spec.problems import ProblemError

_COMMON: Final[tuple[Header, ...]] = (
    (b"vary", b"Origin, X-Origin, Referer"),
    (b"server", b"ESF"),
    (b"cache-control", b"private"),
    (b"x-xss-protection", b"0"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-content-type-options", b"nosniff"),
)
_JSON: Final = ((b"content-type", b"application/json; charset=UTF-8"), *_COMMON)
_SCRIPT: Final = ((b"content-type", b"text/javascript; charset=UTF-8"), *_COMMON)
_PAGE: Final = ((b"content-type", b"text/html; charset=UTF-8"), *_COMMON)
_METHODS: Final = b"DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"

_NOT_FOUND_PAGE: Final = """<!DOCTYPE html>
<html lang=en>
  <meta charset=utf-8>
  <title>Error 404 (Not Found)!!1</title>
  <p><b>404.</b> <ins>That's an error.</ins>
  <p>The requested URL <code>{path}</code> was not found on this server.
"""
_GATEWAY_PAGE: Final = """<!DOCTYPE html>
<html lang=en>
  <meta charset=utf-8>
  <title>Error {code} (Server Error)!!1</title>
  <p><b>{code}.</b> <ins>That's an error.</ins>
  <p>The server encountered a temporary error and could not complete your request.
"""
_GZIP: Final = re.compile(r"(?i)(?:^|,)\s*(?:x-)?gzip\s*(?:;\s*q=([0-9.]+)\s*)?(?:,|$)")
#: Level 1 takes 60 us for 16 kB of JSON and leaves 16 %; level 6 takes 140 and leaves 14.
_GZIP_LEVEL: Final = 1
#: zlib's word for a window of 32 KiB in gzip's framing.
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
_ZERO: Final = re.compile(r"0(?:\.0*)?")
#: Characters of an unknown path that its page repeats.
_PATH_SHOWN: Final = 512


#: Extension of our own server (front.http.listener): (status, header lines, body) in one go.
WHOLE_ANSWER: Final = "penfold.answer"


async def send_answer(request: Request, answer: Answer, send: Send) -> None:
    """Send the answer; in one go where the server can and nothing of it came from the client."""
    write = request.extensions.get(WHOLE_ANSWER)
    if answer.more is not None:
        await _send_pieces(answer, answer.more, send)
        return
    if write and request.verb != "HEAD" and b"origin" not in request.headers:
        head = b"".join([b"%b: %b\r\n" % header for header in answer.headers])
        if write(answer.status, head, answer.body):
            return
    start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
    await send(start)
    await send({"type": "http.response.body", "body": answer.body})


async def _send_pieces(answer: Answer, more: AsyncGenerator[bytes, None], send: Send) -> None:
    """Send an answer whose length nobody knows yet, as fast as the client takes it."""
    start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
    await send(start)
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    async with aclosing(more):
        async for piece in more:
            answer.streamed += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def wants_gzip(request: Request, answer: Answer) -> bool:
    """Return whether the answer is to be compressed. Google also looks at User-Agent."""
    if len(answer.body) < GZIP_MIN_BYTES:
        return False
    match = _GZIP.search(request.header(b"accept-encoding"))
    # RFC 9110 §12.4.2: a weight of 0 is a no.
    return match is not None and not (match[1] and _ZERO.fullmatch(match[1]))


async def compress(answer: Answer, runner: Runner) -> None:
    """Compress the body and all that follows it. Vary stays as Gmail has it."""
    packer = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_FORMAT)
    headers = [header for header in answer.headers if header[0] != b"content-length"]
    body, more = answer.body, answer.more
    if more is None:
        answer.body = await runner.brief(len(body), lambda: packer.compress(body) + packer.flush())
        headers.append((b"content-length", b"%d" % len(answer.body)))
    else:
        answer.body = await runner.brief(len(body), lambda: packer.compress(body))
        answer.more = _compress_pieces(more, packer, runner)
    answer.headers = [*headers, (b"content-encoding", b"gzip")]


async def _compress_pieces(
    more: AsyncGenerator[bytes, None], packer: "zlib._Compress", runner: Runner
) -> AsyncGenerator[bytes, None]:
    async with aclosing(more):
        async for piece in more:
            yield await runner.brief(len(piece), partial(packer.compress, piece))
    yield packer.flush()


def success(request: Request, body: bytes | None) -> Answer:
    """Return 200 with the body, or 204 when there is none."""
    if body is None:
        return Answer(204, b"", _finish(request, _COMMON))
    return _json(request, 200, body, ())


def failure(request: Request, error: ProblemError) -> Answer:
    """Return the error in Google's envelope."""
    request.reason = error.problem.reason
    if not error.problem.status:
        return _gateway_page(request, error.problem.code)
    body = envelope(error, entries=request.system.entries)
    extra = error.headers if isinstance(error, RefusedError) else ()
    return _json(request, error.problem.code, body, tuple(extra))


def _json(request: Request, status: int, body: bytes, extra: tuple[Header, ...]) -> Answer:
    request.status = status
    if request.system.callback:
        script = wrap_jsonp(request.system.callback, body)
        return Answer(200, script, _finish(request, _SCRIPT, len(script)))
    return Answer(status, body, _finish(request, (*_JSON, *extra), len(body)))


def bare(request: Request, status: int, headers: Sequence[Header]) -> Answer:
    """Return an answer that is all in its headers."""
    request.status = status
    return Answer(status, b"", _finish(request, (*_COMMON, *headers), 0))


def multipart(request: Request, boundary: bytes, body: bytes | None) -> Answer:
    """Return the answer to a batch; body None: its pieces follow."""
    request.status = 200
    kind = (b"content-type", b"multipart/mixed; boundary=" + boundary)
    length = None if body is None else len(body)
    return Answer(200, body or b"", _finish(request, (kind, *_COMMON), length))


def no_such_page(request: Request) -> Answer:
    request.status = 404
    body = _NOT_FOUND_PAGE.format(path=escape(request.path[:_PATH_SHOWN])).encode()
    return Answer(404, body, _finish(request, _PAGE, len(body)))


def _gateway_page(request: Request, code: int) -> Answer:
    request.status = code
    body = _GATEWAY_PAGE.format(code=code).encode()
    return Answer(code, body, _finish(request, _PAGE, len(body)))


def preflight(request: Request) -> Answer:
    """Allow a browser's page to call: CORS protocol of the Fetch standard."""
    request.status = 200
    headers = _finish(request, _COMMON, 0)
    headers += [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", b"3600"),
    ]
    wanted = request.headers.get(b"access-control-request-headers")
    if wanted:
        headers.append((b"access-control-allow-headers", wanted))
    return Answer(200, b"", headers)


def _finish(
    request: Request, headers: tuple[Header, ...], length: int | None = None
) -> list[Header]:
    """Return the headers with those that differ per request."""
    finished = [*headers, (b"x-request-id", request.request_id.encode())]
    if length is not None:
        finished.append((b"content-length", b"%d" % length))
    origin = request.headers.get(b"origin")
    if origin:
        finished += [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            (
                b"access-control-expose-headers",
                b"content-encoding,date,server,content-length,x-request-id",
            ),
        ]
    return finished
