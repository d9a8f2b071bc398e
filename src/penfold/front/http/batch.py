"""/batch: up to a hundred API requests in one, each answered as if it had come alone.

A part has its own checks, errors, facts and quota; it may carry its own credential or use that of
the batch. Uploads, downloads and batches cannot be parts. Gmail (documented): answers come in the
order of the requests, which run in any order. Gmail (observed): errors of the batch itself have
no `errors` member.

Writes start together, so that those for one mailbox gather in one commit. Reads are started a few
ahead of the one that is answered next: a hundred large answers are never in memory at once, and
nobody else waits for all of them. An answer that grows large goes out piece by piece.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from time import perf_counter
from typing import Final

from penfold.base.chance import Chance
from penfold.base.errors import ParseError
from penfold.base.limits import (
    BATCH_ANSWER_HELD_BYTES,
    BATCH_BODY_MAX_BYTES,
    BATCH_PARTS_MAX,
    BATCH_READS_AHEAD,
)
from penfold.front.http import answers
from penfold.front.http.errors import Header, RefusedError
from penfold.front.http.request import (
    Answer,
    Message,
    Receive,
    Request,
    RequestFacts,
    Scope,
)
from penfold.front.http.runner import Runner
from penfold.front.http.system import Pairs
from penfold.proto.batch import Part, TooManyPartsError, parse_batch, print_answer, print_end
from penfold.spec import problems
from penfold.spec.problems import ProblemError

PATHS: Final = frozenset({"/batch", "/batch/gmail/v1"})
_MEDIA: Final = ("/upload/", "/resumable/")
_TOKENS: Final = frozenset({"access_token", "oauth_token"})
#: Headers of an answer that the batch's own answer has already.
_OUTER: Final = frozenset(
    {b"server", b"cache-control", b"x-xss-protection", b"x-frame-options",
     b"x-content-type-options", b"content-length"}
)  # fmt: skip

Serve = Callable[[Request], Awaitable[Answer]]
Observe = Callable[[RequestFacts], None]


class PartRequest(Request):
    """A request that came inside another; its body is there already and takes no more room."""

    __slots__ = ()

    def weight(self, limit: int) -> int:
        del limit
        return 0


class Batch:
    """Answers batches.

    serve: answers one request, whatever it is. make_request_id: an id for each part.
    """

    def __init__(
        self,
        serve: Serve,
        *,
        chance: Chance,
        make_request_id: Callable[[], str],
        observe: Observe | None,
    ) -> None:
        self._serve_one = serve
        self._chance = chance
        self._make_request_id = make_request_id
        self._observe = observe

    async def serve(self, request: Request, runner: Runner) -> Answer:
        """Return the answer to a batch; it may still be growing."""
        request.system.entries = False
        body = await request.read_body(BATCH_BODY_MAX_BYTES)
        parts = await runner.brief(len(body), partial(_parse, request, body))
        boundary = b"batch_%024x" % self._chance.getrandbits(96)
        pieces = self._answer_all(request, parts, boundary)
        held: list[bytes] = []
        size = 0
        try:
            async for piece in pieces:
                held.append(piece)
                size += len(piece)
                if size > BATCH_ANSWER_HELD_BYTES:
                    answer = answers.multipart(request, boundary, None)
                    answer.body, answer.more = b"".join(held), pieces
                    return answer
        except BaseException:
            await pieces.aclose()
            raise
        return answers.multipart(request, boundary, b"".join(held))

    async def _answer_all(
        self, outer: Request, parts: list[Part], boundary: bytes
    ) -> AsyncGenerator[bytes, None]:
        """Yield the printed answers in order, then the end."""
        loop = asyncio.get_running_loop()
        names = [part.content_id for part in parts]
        reads: deque[tuple[int, Part]] = deque()
        running: dict[int, asyncio.Task[Answer]] = {}
        for number, part in enumerate(parts):
            if part.verb == "GET":
                reads.append((number, part))
            else:
                running[number] = loop.create_task(self._answer_one(outer, part))
        parts.clear()  # the bodies live as long as their tasks
        try:
            for number, name in enumerate(names):
                while reads and reads[0][0] < number + BATCH_READS_AHEAD:
                    ahead, part = reads.popleft()
                    running[ahead] = loop.create_task(self._answer_one(outer, part))
                answer = await running.pop(number)
                headers = [header for header in answer.headers if header[0] not in _OUTER]
                yield print_answer(boundary, name, answer.status, _titled(headers), answer.body)
            yield print_end(boundary)
        finally:
            for task in running.values():
                task.cancel()

    async def _answer_one(self, outer: Request, part: Part) -> Answer:
        started = perf_counter()
        request = _make_request(outer, part, self._make_request_id())
        refused = _refuse(request)
        if refused is None:
            answer = await self._serve_one(request)
        else:
            answer = answers.failure(request, refused)
        if self._observe:
            self._observe(request.facts(answer, perf_counter() - started))
        return answer


def _parse(request: Request, body: bytes | bytearray) -> list[Part]:
    try:
        return parse_batch(request.header(b"content-type"), body, parts_max=BATCH_PARTS_MAX)
    except TooManyPartsError as error:
        raise RefusedError(
            problems.TOO_MANY_PARTS, count=error.received, limit=BATCH_PARTS_MAX
        ) from None
    except ParseError as error:
        raise RefusedError(problems.MALFORMED_BATCH, what=str(error), size=len(body)) from None


def _make_request(outer: Request, part: Part, request_id: str) -> PartRequest:
    path, _, query = part.target.partition(b"?")
    headers = [header for header in part.headers if header[0] != b"content-length"]
    headers.append((b"content-length", b"%d" % len(part.body)))
    scope: Scope = {
        "type": "http",
        "method": part.verb,
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "headers": headers,
        "client": outer.client,
    }
    request = PartRequest(scope, _make_receive(part.body), request_id)
    if b"authorization" not in request.headers and not _has_token(request.pairs):
        inherited = _find_authorization(outer)
        if inherited:
            request.headers[b"authorization"] = inherited
    request.headers.pop(b"origin", None)
    return request


def _has_token(pairs: Pairs) -> bool:
    return any(name in _TOKENS for name, _ in pairs)


def _find_authorization(outer: Request) -> bytes:
    """Return the credential of the batch, from its header or its address."""
    given = outer.headers.get(b"authorization")
    if given is not None:
        return given
    for name, value in outer.pairs:
        if name in _TOKENS:
            return b"Bearer " + value.encode("latin-1", "replace")
    return b""


def _make_receive(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _refuse(request: Request) -> ProblemError | None:
    """Return what is wrong with a part that no batch may hold."""
    if request.path in PATHS:
        request.method_id = "batch"
        return ProblemError(problems.BATCH_IN_BATCH)
    if request.path.startswith(_MEDIA):
        return ProblemError(problems.MEDIA_IN_BATCH)
    return None


def _titled(headers: list[Header]) -> list[Header]:
    return [(name.title(), value) for name, value in headers]
