"""A row of the queue as it comes out of the database, and how the wishes of its sender go in."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from penfold.base.priority import Priority
from penfold.ports.queue import QueueRow, QueueState, Told
from penfold.proto.smtp.parameters import NO_OPTIONS, NO_REQUEST, MailOptions, ReportRequest

_decode_options = msgspec.msgpack.Decoder(MailOptions).decode
_decode_report = msgspec.msgpack.Decoder(ReportRequest).decode

#: What make_row takes, and where it is found.
COLUMNS: Final = (
    "recipient.id, origin, number, sender, address, state, size, subject, created_ms,"
    " next_attempt_ms, letter.options, recipient.report, message_id, told, priority"
)
FROM: Final = "FROM recipient JOIN letter ON letter.id = recipient.letter"


def pack_wish(wish: Struct, nothing: Struct) -> bytes | None:
    """Return what is stored of one; None when it is the usual one, nothing."""
    return None if wish == nothing else msgspec.msgpack.encode(wish)


def make_row(values: Sequence[Any]) -> QueueRow:
    row_id, origin, number, sender, address, state, size, subject, created, due = values[:10]
    options, report, message_id, told, priority = values[10:]
    return QueueRow(
        id=row_id,
        origin=origin,
        number=number,
        sender=sender,
        recipient=address,
        state=QueueState(state),
        size=size,
        subject=subject,
        created_ms=created,
        next_attempt_ms=due,
        options=_decode_options(options) if options else NO_OPTIONS,
        report=_decode_report(report) if report else NO_REQUEST,
        message_id=message_id,
        told=Told(told),
        priority=Priority(priority),
    )
