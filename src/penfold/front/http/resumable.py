"""Uploads that may be cut off and go on: the message in chunks, over any number of connections.

    begin     POST /upload/…?uploadType=resumable with the JSON; 200 and the address to go on at
    chunk     PUT there with Content-Range: bytes 0-262143/1000000; 308 and Range while it lasts
    ask       PUT there with Content-Range: bytes */1000000; the same, or the final answer
    leave     DELETE there; 499

The newer protocol says the same with X-Goog-Upload-Command and -Offset and answers 200 throughout.
The address is all that is needed to go on: it holds 128 random bits. What is acknowledged is on
disk. The last chunk makes the call; asked again, it is answered as before and makes none. Gmail
(documented): the protocol; (assumed): 400 with the right Range for a chunk that leaves a gap.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.base.errors import ConflictError
from penfold.front.http import answers
from penfold.front.http.ask import Ask
from penfold.front.http.body import read_body
from penfold.front.http.discovery import root_of
from penfold.front.http.errors import Header, RefusedError
from penfold.front.http.request import Answer, Request
from penfold.front.http.runner import Runner
from penfold.front.http.uploads import PREFIXES, Media, check_announced, check_media_type
from penfold.ports.uploads import Spool, Upload, Uploads
from penfold.spec import problems
from penfold.spec.problems import ProblemError

_RANGE: Final = re.compile(r"bytes (?:(\d{1,15})-(\d{1,15})|\*)/(?:(\d{1,15})|\*)")
_TOKENS: Final = frozenset({"access_token", "oauth_token", "key"})
#: Octets that chunks of the newer protocol are multiples of. Google: documented.
_GRANULARITY: Final = b"262144"

#: Makes an upload that was begun a call again.
Recall = Callable[[Request, Upload], Ask]


class Step(Struct, frozen=True):
    """What a request on an upload wants.

    offset: where its body belongs, None when it brings none. length: octets it brings, None when
    it does not say. total: of the whole message. last: nothing follows.
    """

    offset: int | None
    length: int | None = None
    total: int | None = None
    last: bool = False


def find_name(request: Request) -> str:
    """Return the name of the upload a request goes on with, "" when it is none."""
    if not request.path.startswith(PREFIXES) or request.verb not in ("PUT", "POST", "DELETE"):
        return ""
    return next((value for name, value in request.pairs if name == "upload_id"), "")


class Resumable:
    """Serves uploads in several steps. recall: see Recall."""

    def __init__(
        self, uploads: Uploads, media: Media, runner: Runner, clock: Clock, recall: Recall
    ) -> None:
        self._uploads = uploads
        self._media = media
        self._runner = runner
        self._clock = clock
        self._recall = recall

    async def begin(self, request: Request, ask: Ask, metadata: bytes) -> Answer:
        """Note how the upload began and answer where it goes on."""
        wanted = ask.plan.method.request
        assert wanted is not None
        await self._runner.brief(len(metadata), lambda: read_body(metadata, wanted))
        newer = _is_newer(request)
        kind, length = (
            (b"x-goog-upload-header-content-type", b"x-goog-upload-header-content-length")
            if newer
            else (b"x-upload-content-type", b"x-upload-content-length")
        )
        check_media_type(request.header(kind))
        announced = request.header(length)
        total = int(announced) if announced.isdigit() and len(announced) < 16 else None
        check_announced(ask, total)
        credential = ask.call.credential
        upload = Upload(
            method_id=ask.plan.method.id,
            values=tuple(ask.values),
            pairs=tuple(pair for pair in request.pairs if pair[0] not in _TOKENS),
            metadata=metadata,
            total=total,
            created_ms=ask.call.now_ms,
            account_id=ask.call.account.id,
            owner_id=credential.account.id,
            client_id=credential.client_id,
            project=credential.project,
            service=credential.service,
        )
        try:
            name = await self._runner.in_thread(lambda: self._uploads.start(upload))
        except ConflictError:
            raise ProblemError(problems.TOO_MANY_UPLOADS) from None
        address = (
            f"{root_of(request.scope)[:-1]}{request.path}?uploadType=resumable&upload_id={name}"
        )
        headers: list[Header] = [
            (b"location", address.encode("latin-1", "replace")),
            (b"x-guploader-uploadid", name.encode()),
        ]
        if newer:
            headers += [
                (b"x-goog-upload-status", b"active"),
                (b"x-goog-upload-url", address.encode("latin-1", "replace")),
                (b"x-goog-upload-chunk-granularity", _GRANULARITY),
            ]
        return answers.bare(request, 200, headers)

    async def serve(self, request: Request, name: str) -> Answer:
        """Answer a request on an upload."""
        in_thread, now_ms = self._runner.in_thread, self._clock.now_ms()
        upload = await in_thread(lambda: self._uploads.find(name, now_ms=now_ms))
        if upload is None:
            raise ProblemError(problems.NOT_FOUND)
        request.pairs = list(upload.pairs)
        ask = self._recall(request, upload)
        if request.verb == "DELETE" or _command(request) == "cancel":
            await in_thread(lambda: self._uploads.cancel(name))
            newer = _is_newer(request)
            headers = [(b"x-goog-upload-status", b"cancelled")] if newer else []
            return answers.bare(request, 200 if newer else 499, headers)
        step = _read_step(request)
        check_announced(ask, step.total)
        answered = await in_thread(lambda: self._uploads.find_answer(name))
        if answered is not None:
            return _final(request, answers.success(request, answered))
        spool = await in_thread(lambda: self._uploads.open(name))
        try:
            return await self._go_on(request, ask, upload, name, step, spool)
        finally:
            spool.close()

    async def _go_on(  # noqa: PLR0917 - what a step needs, all of it
        self, request: Request, ask: Ask, upload: Upload, name: str, step: Step, spool: Spool
    ) -> Answer:
        # Who held it a moment ago may have finished it.
        answered = await self._runner.in_thread(lambda: self._uploads.find_answer(name))
        if answered is not None:
            return _final(request, answers.success(request, answered))
        if step.offset is not None:
            await self._take(request, ask, step, spool)
        total = step.total if step.total is not None else upload.total
        if not (step.last or (spool.size and spool.size == total)):
            return _progress(request, spool.size)
        receipt = hashlib.sha256(b"upload\0" + name.encode()).digest()
        answer = await self._media.finish(request, ask, upload.metadata, spool, receipt=receipt)
        if answer.status == 200:
            body = answer.body
            await self._runner.in_thread(lambda: self._uploads.finish(name, body))
        return _final(request, answer)

    async def _take(self, request: Request, ask: Ask, step: Step, spool: Spool) -> None:
        """Append the body; what is known already is passed over, a gap is refused."""
        assert ask.plan.method.media is not None
        assert step.offset is not None
        known = spool.size - step.offset
        if known < 0:
            raise RefusedError(problems.WRONG_RANGE, headers=_range(spool.size), size=spool.size)
        limit = ask.plan.method.media.max_bytes - step.offset
        if step.length is not None:
            limit = min(limit, step.length)
        try:
            async for chunk in request.stream(limit):
                passed = min(known, len(chunk))
                known -= passed
                if passed < len(chunk):
                    spool.write(chunk[passed:])
        finally:
            # Also when the connection was cut: the client asks how far it came.
            await self._runner.in_thread(spool.sync)


def _is_newer(request: Request) -> bool:
    return b"x-goog-upload-command" in request.headers


def _command(request: Request) -> str:
    return request.header(b"x-goog-upload-command").lower().replace(" ", "")


def _read_step(request: Request) -> Step:
    if _is_newer(request):
        return _read_newer_step(request)
    text = request.header(b"content-range")
    if not text:
        return Step(0, last=True)  # the whole message in one go
    match = _RANGE.fullmatch(text.strip())
    if not match:
        raise RefusedError(problems.BAD_RANGE, value=text)
    first, last, total = (None if each is None else int(each) for each in match.groups())
    if first is None or last is None:
        return Step(None, total=total)
    if last < first or (total is not None and last >= total):
        raise RefusedError(problems.BAD_RANGE, value=text)
    return Step(first, length=last - first + 1, total=total)


def _read_newer_step(request: Request) -> Step:
    commands = set(_command(request).split(","))
    if "upload" not in commands:
        return Step(None, last="finalize" in commands)
    offset = request.header(b"x-goog-upload-offset")
    if offset and not (offset.isdigit() and len(offset) < 16):
        raise RefusedError(problems.BAD_RANGE, value=offset)
    return Step(int(offset or 0), last="finalize" in commands)


def _range(size: int) -> list[Header]:
    return [(b"range", b"bytes=0-%d" % (size - 1))] if size else []


def _progress(request: Request, size: int) -> Answer:
    if _is_newer(request):
        headers = [
            (b"x-goog-upload-status", b"active"),
            (b"x-goog-upload-size-received", b"%d" % size),
        ]
        return answers.bare(request, 200, headers)
    return answers.bare(request, 308, _range(size))


def _final(request: Request, answer: Answer) -> Answer:
    if _is_newer(request):
        answer.headers.append((b"x-goog-upload-status", b"final"))
    return answer
