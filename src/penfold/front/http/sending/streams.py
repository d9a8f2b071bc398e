"""Streams: list, add, get, change, remove; they are called by their names."""

from msgspec.structs import replace

from penfold.base.limits import STREAMS_MAX
from penfold.domain.sending.accept import make_id
from penfold.domain.sending.caller import find_stream
from penfold.domain.sending.findings import Findings
from penfold.domain.sending.parts import read_tracking
from penfold.domain.sending.stream_showing import show_stream
from penfold.domain.sending.streams import BROADCAST, check_stream
from penfold.front.http.sending.call import Call, must
from penfold.ports.sending.book import SendingWriter
from penfold.ports.sending.records import Stream
from penfold.spec.sending import schemas, setup
from penfold.spec.sending.problems import NOT_NOW, SendingError
from penfold.spec.sending.streams import BUILT_IN


def streams_list(call: Call) -> setup.StreamList:
    own = call.book.read(lambda b: b.list_records(Stream, call.account_id, limit=STREAMS_MAX))
    names = dict.fromkeys((*BUILT_IN, *(one.name for one in own)))
    found = [_find(call, name) for name in names if _is_allowed(call, name)]
    data = [show_stream(one, call.now_ms) for one in found if one]
    return setup.StreamList(object="list", data=data)


def streams_add(call: Call) -> setup.Stream:
    body, findings = call.body, Findings()
    unsubscribe = body.kind == BROADCAST if body.unsubscribe is None else body.unsubscribe
    stream = Stream(
        make_id(call.chance), call.account_id, body.name, call.now_ms, body.kind,
        ttl_s=body.ttl, unsubscribe=unsubscribe, per_hour=body.per_hour,
        warmup_ms=call.now_ms if body.warmup else 0,
    )  # fmt: skip
    stream = replace(stream, **read_tracking(body.tracking))
    check_stream(stream, findings)
    findings.raise_any()
    _must_allow(call, body.name)

    def add(writer: SendingWriter) -> None:
        if len(writer.list_records(Stream, call.account_id, limit=STREAMS_MAX)) >= STREAMS_MAX:
            raise SendingError(NOT_NOW, f"An account has no more than {STREAMS_MAX} streams.")
        writer.add(stream)

    call.book.change(add)
    return show_stream(stream, call.now_ms)


def streams_get(call: Call) -> setup.Stream:
    _must_allow(call, call.id)
    return show_stream(must(_find(call, call.id)), call.now_ms)


def streams_change(call: Call) -> setup.Stream:
    _must_allow(call, call.id)

    def change(writer: SendingWriter) -> Stream:
        old = must(writer.find_word(Stream, call.id, call.account_id))
        new, findings = _apply(old, call.body, call.now_ms), Findings()
        check_stream(new, findings)
        findings.raise_any()
        writer.replace(new)
        return new

    return show_stream(call.book.change(change), call.now_ms)


def _apply(old: Stream, body: setup.ChangeStream, now_ms: int) -> Stream:
    given = {
        "kind": body.kind,
        "ttl_s": body.ttl,
        "unsubscribe": body.unsubscribe,
        **read_tracking(body.tracking),
        "per_hour": body.per_hour,
        "warmup_ms": None if body.warmup is None else now_ms * body.warmup,
        # What was put off by another limit keeps its time; what comes now does not wait for it.
        "paced_ms": 0 if body.per_hour is not None or body.warmup is not None else None,
    }
    return replace(old, **{name: value for name, value in given.items() if value is not None})


def streams_remove(call: Call) -> schemas.Reference:
    _must_allow(call, call.id)

    def remove(writer: SendingWriter) -> str:
        stream = must(writer.find_word(Stream, call.id, call.account_id))
        writer.delete(Stream, stream.id, call.account_id)
        return stream.name

    return schemas.Reference(object="stream", id=call.book.change(remove), deleted=True)


def _find(call: Call, name: str) -> Stream | None:
    return call.book.read(lambda book: find_stream(book, call.account_id, name))


def _is_allowed(call: Call, name: str) -> bool:
    """A key that is bound to streams knows no others."""
    return not call.key.streams or name in call.key.streams


def _must_allow(call: Call, name: str) -> None:
    must(name if _is_allowed(call, name) else None)
