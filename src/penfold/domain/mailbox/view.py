"""A stored message as the API shows it, in each of the four formats.

Nothing is parsed here: the tree was made when the message arrived, and a body is a slice of the
raw octets. Texts come out as UTF-8 whatever their charset; header values are decoded already.
This is the hottest code of reading mail, so it makes plain values in single passes.
Gmail: observed 2026-09/10.
"""

import binascii
from collections.abc import Collection

from msgspec import UNSET

from penfold.base.ids import format_message_id
from penfold.domain.mailbox.attachments import AttachmentIds
from penfold.domain.mailbox.labels import label_ids
from penfold.ports.mailbox import MessageRow
from penfold.proto.mime.body import body_as_utf8, decode_body
from penfold.proto.mime.model import Part
from penfold.spec.schemas import Message, MessagePart, MessagePartBody, MessagePartHeader


def encode_base64url(octets: bytes) -> str:
    """Return base64url with padding, as Gmail writes octets."""
    text = binascii.b2a_base64(octets, newline=False)
    return text.replace(b"+", b"-").replace(b"/", b"_").decode("ascii")


def escape_snippet(text: str) -> str:
    """Return the text for HTML, with Gmail's spellings."""
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&#39;")
    )


def show_brief(row: MessageRow) -> Message:
    """Return what changing a message answers: ids and labels."""
    return Message(
        id=format_message_id(row.id),
        thread_id=format_message_id(row.thread_id),
        label_ids=label_ids(row.labels) or UNSET,
    )


def show_names(pairs: Collection[tuple[int, int]]) -> list[Message]:
    """Return what a list of (message id, thread id) shows of each.

    Written out and with %, because a page of 500 makes a thousand ids: half the time of calls.
    """
    return [Message(id="%x" % each, thread_id="%x" % thread) for each, thread in pairs]  # noqa: UP031 - see above


def show_minimal(row: MessageRow) -> Message:
    """Return everything but the content."""
    return Message(
        id=format_message_id(row.id),
        thread_id=format_message_id(row.thread_id),
        label_ids=label_ids(row.labels) or UNSET,
        snippet=escape_snippet(row.snippet),
        size_estimate=row.size,
        history_id=str(row.history_id),
        internal_date=str(row.internal_ms),
    )


def show_metadata(row: MessageRow, root: Part, names: Collection[str]) -> Message:
    """Return the message with its headers, those of `names` only when there are any.

    Each name is one header name as it is, without regard to case; without a hit `headers` is
    absent.
    """
    headers = root.headers
    if names:
        wanted = {name.lower() for name in names}
        headers = tuple(pair for pair in headers if pair[0].lower() in wanted)
    message = show_minimal(row)
    message.payload = MessagePart(
        mime_type=root.mime_type, headers=_show_headers(headers) if headers else UNSET
    )
    return message


def show_full(row: MessageRow, root: Part, raw: bytes, ids: AttachmentIds) -> Message:
    """Return the message with its part tree; attachments by id, other leaves with their data."""
    message = show_minimal(row)
    message.payload = _Tree(row.id, raw, ids).show(root, "")
    return message


def show_raw(row: MessageRow, raw: bytes) -> Message:
    message = show_minimal(row)
    message.raw = encode_base64url(raw)
    return message


def read_attachment(raw: bytes, part: Part) -> MessagePartBody:
    """Return a part's octets as attachments.get does: no id, nothing transcoded."""
    octets = decode_body(raw, part)
    return MessagePartBody(size=len(octets), data=encode_base64url(octets))


def _show_headers(headers: Collection[tuple[str, str]]) -> list[MessagePartHeader]:
    return [MessagePartHeader(name=name, value=value) for name, value in headers]


class _Tree:
    """Shows the parts of one message, numbering them in wire order."""

    def __init__(self, message_id: int, raw: bytes, ids: AttachmentIds) -> None:
        self._message_id = message_id
        self._raw = raw
        self._ids = ids
        self._count = 0

    def show(self, part: Part, part_id: str) -> MessagePart:
        body = self._show_body(part)
        self._count += 1
        shown = MessagePart(
            part_id=part_id,
            mime_type=part.mime_type,
            filename=part.filename,
            headers=_show_headers(part.headers),
            body=body,
        )
        if part.parts:
            prefix = f"{part_id}." if part_id else ""
            shown.parts = [
                self.show(child, f"{prefix}{place}") for place, child in enumerate(part.parts)
            ]
        return shown

    def _show_body(self, part: Part) -> MessagePartBody:
        if part.attachment:
            attachment_id = self._ids.make(self._message_id, self._count)
            return MessagePartBody(attachment_id=attachment_id, size=part.size)
        if part.parts or not part.size:
            return MessagePartBody(size=0)
        # Gmail (observed): size counts octets in the charset the sender used.
        data = encode_base64url(body_as_utf8(self._raw, part))
        return MessagePartBody(size=part.size, data=data)
