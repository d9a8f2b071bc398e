"""Streams: list, add, get, change, remove; they are called by their names."""

from penfold.domain.sending.accept import make_id
from penfold.domain.sending.caller import find_stream
from penfold.domain.sending.stream_setting import (
    add_stream,
    change_stream,
    list_streams,
    make_stream,
)
from penfold.domain.sending.stream_showing import show_stream
from penfold.front.http.sending.call import Call, must
from penfold.ports.sending.book import SendingWriter
from penfold.ports.sending.records import Stream
from penfold.spec.sending import schemas, setup


def streams_list(call: Call) -> setup.StreamList:
    found = call.book.read(lambda book: list_streams(book, call.account_id))
    data = [show_stream(one, call.now_ms) for one in found if _is_allowed(call, one.name)]
    return setup.StreamList(object="list", data=data)


def streams_add(call: Call) -> setup.Stream:
    stream = make_stream(make_id(call.chance), call.account_id, call.body, now_ms=call.now_ms)
    _must_allow(call, stream.name)
    call.book.change(lambda writer: add_stream(writer, stream))
    return show_stream(stream, call.now_ms)


def streams_get(call: Call) -> setup.Stream:
    _must_allow(call, call.id)
    return show_stream(must(_find(call, call.id)), call.now_ms)


def streams_change(call: Call) -> setup.Stream:
    _must_allow(call, call.id)

    def change(writer: SendingWriter) -> Stream:
        old = must(writer.find_word(Stream, call.id, call.account_id))
        new = change_stream(old, call.body, now_ms=call.now_ms)
        writer.replace(new)
        return new

    return show_stream(call.book.change(change), call.now_ms)


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
