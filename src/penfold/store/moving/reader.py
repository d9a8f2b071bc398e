"""A process that reads messages for an import: `python -m penfold.store.moving.reader BLOBS`.

Takes lots of `Found` on standard input and answers each with a lot of `Ready` and `Skipped`, both
as msgpack behind a length of four octets; says HELLO first. Ends when its input does, so also
when the process that started it is killed. Bounds its own memory.
"""

import os
import resource
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import msgspec
from msgspec import structs

from penfold.base.collector import calm_collector
from penfold.base.ids import DATE_LIMIT_MS
from penfold.base.limits import INSERT_MAX_BYTES, READ_MEMORY_BYTES
from penfold.ports.mailbox import Packer
from penfold.ports.moving import Ready, Skipped
from penfold.proto.mailfolders import State, label_of, read_letters, read_status
from penfold.proto.mbox import parse_postmark_ms, unquote
from penfold.proto.mime.model import Summary
from penfold.proto.mime.summary import read_message
from penfold.proto.takeout import Marks, take_marks
from penfold.store.blobs.local import LocalBlobs
from penfold.store.moving.found import Found
from penfold.store.sqlite.packing import SqlitePacker

#: Steps of priority behind whoever writes: the one that all wait for gets its processor first.
_BEHIND: Final = 5
#: The first frame of a process that is able to read.
HELLO: Final = b"ready"
LENGTH: Final = struct.Struct(">I")


class Lot(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What came of some messages, in their order."""

    ready: list[tuple[int, Ready]]
    skipped: list[tuple[int, Skipped]]


encode = msgspec.msgpack.Encoder().encode
decode_found = msgspec.msgpack.Decoder(list[Found]).decode
decode_lot = msgspec.msgpack.Decoder(Lot).decode


def main(blobs: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (READ_MEMORY_BYTES, READ_MEMORY_BYTES))
    os.nice(_BEHIND)
    calm_collector()
    packer = SqlitePacker(LocalBlobs(Path(blobs)))
    write_frame(sys.stdout.buffer, HELLO)
    while lot := read_frame(sys.stdin.buffer):
        write_frame(sys.stdout.buffer, encode(read_lot(decode_found(lot), packer)))


def read_lot(found: list[Found], packer: Packer) -> Lot:
    ready, skipped = [], []
    for number, each in enumerate(found):
        outcome = read_one(each, packer)
        if isinstance(outcome, Ready):
            ready.append((number, outcome))
        else:
            skipped.append((number, outcome))
    return Lot(ready, skipped)


def read_one(found: Found, packer: Packer) -> Ready | Skipped:
    """Undo what the file form did to a message, and read it."""
    raw = unquote(found.raw, found.quoting) if found.quoting else found.raw
    marks, raw = take_marks(raw) if found.marked else (Marks(), raw)
    state = _read_state(found, marks, raw)
    if state.deleted:
        return Skipped(found.place, found.where, "deleted in its own mailbox", lost=False)
    if not (raw if marks.internal_ms is not None else raw.strip(b"\r\n")):
        return Skipped(found.place, found.where, "empty", lost=False)
    if len(raw) > INSERT_MAX_BYTES:
        return Skipped(found.place, found.where, f"larger than {INSERT_MAX_BYTES} bytes")
    root, summary = read_message(raw)
    packed = packer.pack(raw, root, summary)
    labels, names = label_of(found.folder)
    return Ready(
        place=found.place,
        packed=packed,
        summary=structs.replace(
            summary, sender=(), to=(), cc=(), bcc=(), body="", filenames=(), delivered_to=()
        ),
        labels=labels | state.labels,
        names=(*names, *marks.names),
        thread_id=marks.thread_id,
        internal_ms=_choose_ms(found, marks, summary),
    )


def _choose_ms(found: Found, marks: Marks, summary: Summary) -> int | None:
    """Return the first date that an id can have, None when there is none."""
    dates = _iter_dates(found, marks, summary)
    return next((ms for ms in dates if ms is not None and 0 <= ms < DATE_LIMIT_MS), None)


def _iter_dates(found: Found, marks: Marks, summary: Summary) -> Iterator[int | None]:
    yield marks.internal_ms
    yield summary.date_ms
    yield parse_postmark_ms(found.postmark)
    yield found.fallback_ms


def _read_state(found: Found, marks: Marks, raw: bytes) -> State:
    if marks.labels is not None:
        return State(marks.labels)
    if found.letters is not None:
        return read_letters(found.letters)
    return read_status(raw) if found.marked else State()


def read_frame(stream: IO[bytes]) -> bytes:
    """Return the next frame, b"" at the end."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return b""
    (size,) = LENGTH.unpack(head)
    data = stream.read(size)
    return data if len(data) == size else b""


def write_frame(stream: IO[bytes], data: bytes) -> None:
    stream.write(LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
