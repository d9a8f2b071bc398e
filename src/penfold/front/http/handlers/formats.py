"""What several handlers share: messages in the format a call asks for, and whose they are."""

from collections.abc import Sequence
from typing import Any, Literal

from penfold.base.limits import READ_INLINE_MAX_BYTES, READ_INLINE_MAX_MESSAGES
from penfold.domain.access.aliases import list_own_aliases
from penfold.domain.mailbox.attachments import AttachmentIds
from penfold.domain.mailbox.view import show_full, show_metadata, show_minimal, show_raw
from penfold.domain.settings.senders import make_sender
from penfold.front.http.call import Call, TooSlowInline
from penfold.ports.mailbox import MailboxReader, MessageRow
from penfold.spec.schemas import Message

Format = Literal["minimal", "full", "raw", "metadata"]


def own_addresses(call: Call[Any, Any], box: MailboxReader, q: str) -> tuple[str, ...]:
    """Return what from:me means in q."""
    if not q:
        return ()
    aliases = list_own_aliases(call.services.directory, call.account)
    return make_sender(box, call.account, aliases).addresses


def check_inline(call: Call[Any, Any], rows: Sequence[MessageRow], wanted: Format) -> None:
    """Raise TooSlowInline when these messages had better be shown in a worker thread."""
    if not call.inline or wanted == "minimal":
        return
    if len(rows) > READ_INLINE_MAX_MESSAGES:
        raise TooSlowInline
    if wanted != "metadata" and sum(row.size for row in rows) > READ_INLINE_MAX_BYTES:
        raise TooSlowInline


def check_search(call: Call[Any, Any], q: str) -> None:
    """Raise TooSlowInline for a search: most take under a millisecond, some two seconds."""
    if call.inline and q:
        raise TooSlowInline


def show_message(
    call: Call[Any, Any],
    box: MailboxReader,
    row: MessageRow,
    wanted: Format,
    names: Sequence[str] = (),
) -> Message:
    match wanted:
        case "minimal":
            return show_minimal(row)
        case "metadata":
            return show_metadata(row, box.get_structure(row.id), names)
        case "raw":
            return show_raw(row, box.get_raw(row.id))
        case "full":
            ids = AttachmentIds(box.get_secret(), call.services.chance)
            return show_full(row, box.get_structure(row.id), box.get_raw(row.id), ids)
