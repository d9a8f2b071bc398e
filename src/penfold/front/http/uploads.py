"""Messages that come as media: in one go, with their JSON, or bit by bit.

    uploadType=media        the body is the message
    uploadType=multipart    JSON and message in one multipart/related body
    uploadType=resumable    the JSON now, the message later (front/http/resumable.py)

`upload_protocol` and X-Goog-Upload-Protocol say the same in other words. Whatever comes is on
disk before it is looked at; then the call goes on as if the message had come in the member `raw`.
Gmail (documented): the shapes; (assumed): media goes before `raw`, an upload address without any
of these takes plain JSON.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec.structs import replace

from penfold.base.errors import ParseError
from penfold.base.limits import JSON_BODY_MAX_BYTES, UPLOAD_DIRECT_MAX_BYTES
from penfold.front.http.ask import Ask
from penfold.front.http.body import read_body
from penfold.front.http.errors import RefusedError
from penfold.front.http.request import Answer, Request
from penfold.front.http.room import Room
from penfold.front.http.runner import Runner
from penfold.ports.uploads import Spool, Uploads
from penfold.proto.related import RelatedParser
from penfold.spec import problems
from penfold.spec.method import INSERT_MEDIA
from penfold.spec.schemas import Draft, Message

PREFIXES: Final = ("/upload/", "/resumable/")
_KINDS: Final = {
    "media": "media", "raw": "media", "simple": "media", "multipart": "multipart",
    "resumable": "resumable",
}  # fmt: skip

#: Makes the call and returns the answer.
Run = Callable[[Request, Ask], Awaitable[Answer]]


def find_kind(request: Request) -> str:
    """Return media, multipart, resumable, or "" when the request says none of them."""
    values = request.system.values
    said = (
        values.get("uploadType")
        or values.get("upload_protocol")
        or request.header(b"x-goog-upload-protocol")
    )
    return _KINDS.get(said.lower(), "")


def check_media_type(kind: str) -> None:
    """Refuse media that says it is no message; what says nothing is taken for one."""
    kind = kind.partition(";")[0].strip().lower()
    if kind and not kind.startswith("message/"):
        raise RefusedError(problems.WRONG_MEDIA_TYPE, value=kind)


def check_announced(ask: Ask, total: int | None) -> None:
    """Refuse at once what is announced to be too large."""
    media = ask.plan.method.media
    if media and total is not None and total > media.max_bytes:
        raise RefusedError(problems.REQUEST_TOO_LARGE)


class Media:
    """Reads uploads that come in one go, and finishes all of them."""

    def __init__(self, uploads: Uploads, runner: Runner, room: Room, run: Run) -> None:
        self._uploads = uploads
        self._runner = runner
        self._room = room
        self._run = run

    async def serve(self, request: Request, ask: Ask, kind: str) -> Answer:
        """Answer an upload of kind media or multipart."""
        spool = await self._runner.in_thread(self._uploads.spool)
        try:
            if kind == "media":
                check_media_type(request.content_type())
                await self._take_media(request, ask, spool)
                metadata = b""
            else:
                metadata = await self._take_related(request, ask, spool)
            return await self.finish(request, ask, metadata, spool)
        finally:
            spool.close()

    async def _take_media(self, request: Request, ask: Ask, spool: Spool) -> None:
        assert ask.plan.method.media is not None
        async for chunk in request.stream(ask.plan.method.media.max_bytes):
            spool.write(chunk)

    async def _take_related(self, request: Request, ask: Ask, spool: Spool) -> bytes:
        """Spool the media and return the JSON."""
        assert ask.plan.method.media is not None
        if request.content_type() != "multipart/related":
            raise RefusedError(problems.WRONG_MULTIPART, value=request.content_type())
        # base64 inside makes four octets of three.
        limit = ask.plan.method.media.max_bytes * 3 // 2 + JSON_BODY_MAX_BYTES
        try:
            parser = RelatedParser(request.header(b"content-type"))
            async for chunk in request.stream(limit):
                self._keep(spool, parser, parser.feed(chunk), ask)
            self._keep(spool, parser, parser.close(), ask)
        except ParseError as error:
            raise RefusedError(problems.MALFORMED_MULTIPART, what=str(error)) from None
        return parser.metadata

    def _keep(self, spool: Spool, parser: RelatedParser, media: bytes, ask: Ask) -> None:
        if media:
            if not spool.size:
                check_media_type(parser.media_type)
            spool.write(media)
            check_announced(ask, spool.size)

    async def finish(
        self, request: Request, ask: Ask, metadata: bytes, spool: Spool, *, receipt: bytes = b""
    ) -> Answer:
        """Make the call with what was uploaded. receipt: under which it counts once."""
        method = ask.plan.method
        wanted = method.request
        assert wanted is not None
        body: Any = await self._runner.brief(len(metadata), lambda: read_body(metadata, wanted))
        call = replace(ask.call, body=body, receipt=receipt)
        if method.media is INSERT_MEDIA and spool.size > UPLOAD_DIRECT_MAX_BYTES:
            digest = await self._runner.in_thread(spool.digest)
            return await self._run(request, replace(ask, call=replace(call, digest=digest)))
        async with self._room.take(spool.size):
            raw = await self._runner.brief(spool.size, spool.read)
            _put_raw(body, raw)
            return await self._run(request, replace(ask, call=call))


def _put_raw(body: Message | Draft, raw: bytes) -> None:
    """Put the message where JSON would have it."""
    if isinstance(body, Draft):
        body.message = body.message or Message()
        body.message.raw = raw
    else:
        body.raw = raw
