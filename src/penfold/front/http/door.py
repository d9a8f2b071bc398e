"""A part of the HTTP port beside the Gmail API: from a request to an answer, whatever happens.

Owns what the Pub/Sub and the administration API have in common: the request id, errors in
Google's envelope, the room for bodies, the threads their work runs in.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TypeVar

from msgspec import Struct

from penfold.base.errors import OutcomeUnknownError
from penfold.base.limits import BODIES_MAX_BYTES, INLINE_BODY_MAX_BYTES, SLOW_READERS_MAX
from penfold.front.http import answers
from penfold.front.http.body import read_body
from penfold.front.http.errors import problem_of
from penfold.front.http.pipeline import Observe
from penfold.front.http.request import Answer, ClientGoneError, Receive, Request, Scope, Send
from penfold.front.http.room import Room
from penfold.spec import problems
from penfold.spec.problems import ProblemError

T = TypeVar("T")


class Door:
    """An ASGI application. name: of the route in logs and metrics. entries: errors have a list of
    them. observe, stop: as of pipeline.GmailApi. A subclass says how a request is served.
    """

    def __init__(
        self,
        name: str,
        *,
        make_request_id: Callable[[], str],
        entries: bool,
        observe: Observe | None = None,
        stop: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._name = name
        self._entries = entries
        self._make_request_id = make_request_id
        self._observe = observe
        self._stop = stop
        self._threads = ThreadPoolExecutor(SLOW_READERS_MAX, thread_name_prefix=f"penfold-{name}")
        self._room = Room(BODIES_MAX_BYTES, small=INLINE_BODY_MAX_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        request = Request(scope, receive, self._make_request_id())
        request.method_id = self._name
        try:
            answer = await self._answer(request)
        except ClientGoneError:
            return
        await answers.send_answer(request, answer, send)
        if self._observe:
            self._observe(request.facts(answer, perf_counter() - started))

    async def _serve(self, request: Request) -> Answer:
        raise NotImplementedError

    def _problem_of(self, error: BaseException) -> ProblemError:
        return problem_of(error)

    async def _answer(self, request: Request) -> Answer:
        request.system.entries = self._entries
        try:
            return await self._serve(request)
        except ClientGoneError:
            raise
        except OutcomeUnknownError as error:
            if self._stop:
                self._stop(error)
            raise
        except Exception as error:  # noqa: BLE001 - the session top: every request gets an answer
            return self._failure(request, error)

    def _failure(self, request: Request, error: BaseException) -> Answer:
        problem = self._problem_of(error)
        if problem.problem is problems.INTERNAL:
            request.error = error
        return answers.failure(request, problem)

    async def _read_json(
        self, request: Request, wanted: type[Struct] | None, limit: int
    ) -> Struct | None:
        """Return the checked body, or None for a method that takes none."""
        data = await request.read_body(limit)
        if wanted is None:
            return None
        request.check_json(data)
        return await self._in_thread(lambda: read_body(data, wanted))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
