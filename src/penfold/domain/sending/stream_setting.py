"""Setting up streams: what is asked for becomes a record, or is refused."""

from msgspec.structs import replace

from penfold.base.limits import STREAMS_MAX
from penfold.base.priority import PRIORITIES, Priority
from penfold.domain.sending.caller import find_stream
from penfold.domain.sending.findings import INVALID, Findings
from penfold.domain.sending.parts import read_tracking
from penfold.domain.sending.streams import BROADCAST, check_stream
from penfold.ports.sending.book import SendingReader, SendingWriter
from penfold.ports.sending.records import Stream
from penfold.spec.sending.problems import NOT_NOW, SendingError
from penfold.spec.sending.setup import ChangeStream, NewStream
from penfold.spec.sending.streams import BUILT_IN, TRANSACTIONAL


def make_stream(stream_id: str, account_id: str, asked: NewStream, *, now_ms: int) -> Stream:
    """Return the stream that is asked for. SendingError (422) names what is wrong."""
    usual = Priority.LOW if asked.kind == BROADCAST else Priority.NORMAL
    if asked.name in BUILT_IN:
        usual = BUILT_IN[asked.name].priority
    new = Stream(
        *(stream_id, account_id, asked.name, now_ms, asked.kind),
        ttl_s=asked.ttl,
        unsubscribe=asked.kind == BROADCAST if asked.unsubscribe is None else asked.unsubscribe,
        priority=usual,
        per_hour=asked.per_hour,
        warmup_ms=now_ms if asked.warmup else 0,
    )
    return _check(replace(new, **read_tracking(asked.tracking)), asked.priority)


def change_stream(old: Stream, asked: ChangeStream, *, now_ms: int) -> Stream:
    """Return the stream as it is asked for; as make_stream."""
    given = {
        "kind": asked.kind,
        "ttl_s": asked.ttl,
        "unsubscribe": asked.unsubscribe,
        **read_tracking(asked.tracking),
        "per_hour": asked.per_hour,
        "warmup_ms": None if asked.warmup is None else now_ms * asked.warmup,
        # What was put off by another limit keeps its time; what comes now does not wait for it.
        "paced_ms": 0 if asked.per_hour is not None or asked.warmup is not None else None,
    }
    new = replace(old, **{name: value for name, value in given.items() if value is not None})
    return _check(new, asked.priority)


def set_stream(
    writer: SendingWriter,
    account_id: str,
    name: str,
    asked: ChangeStream,
    *,
    new_id: str,
    now_ms: int,
) -> Stream:
    """Change an account's own stream and return it; one that it has not is made, as `new_id`."""
    own = writer.find_word(Stream, name, account_id)
    if own is not None:
        changed = change_stream(own, asked, now_ms=now_ms)
        writer.replace(changed)
        return changed
    built_in = find_stream(writer, account_id, name)
    if built_in is not None:
        base = replace(built_in, id=new_id, created_ms=now_ms)
    else:
        wanted = NewStream(name=name, kind=asked.kind or TRANSACTIONAL)
        base = make_stream(new_id, account_id, wanted, now_ms=now_ms)
    new = change_stream(base, asked, now_ms=now_ms)
    add_stream(writer, new)
    return new


def list_streams(book: SendingReader, account_id: str) -> list[Stream]:
    """Return an account's streams, those every account has first."""
    own = {one.name: one for one in book.list_records(Stream, account_id, limit=STREAMS_MAX)}
    names = dict.fromkeys((*BUILT_IN, *own))
    found = [own.get(name) or find_stream(book, account_id, name) for name in names]
    return [one for one in found if one]


def add_stream(writer: SendingWriter, stream: Stream) -> None:
    """Store a new stream; SendingError (409) where an account has as many as it may."""
    if len(writer.list_records(Stream, stream.account_id, limit=STREAMS_MAX)) >= STREAMS_MAX:
        raise SendingError(NOT_NOW, f"An account has no more than {STREAMS_MAX} streams.")
    writer.add(stream)


def _check(stream: Stream, priority: str | None) -> Stream:
    findings = Findings()
    check_stream(stream, findings)
    if priority is not None and priority not in PRIORITIES:
        findings.add("priority", INVALID, f"is one of {', '.join(PRIORITIES)}")
    findings.raise_any()
    return stream if priority is None else replace(stream, priority=PRIORITIES[priority])
