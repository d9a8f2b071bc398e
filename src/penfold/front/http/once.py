"""A call that may be made twice and must count once: the end of an upload whose answer was lost.

The receipt is written in the transaction that stores the message, so that neither a killed process
nor a client that tries again makes a second one.
"""

from typing import Any

from penfold.base.ids import format_draft_id, parse_message_id
from penfold.domain.mailbox.view import show_brief
from penfold.front.http.call import Call
from penfold.ports.mailbox import MailboxWriter
from penfold.spec.schemas import Draft, Message


def serve_once(handler: Any, call: Call[Any, Any], box: MailboxWriter) -> Message | Draft:
    """Run the handler, or return what it returned when it ran under the same receipt."""
    known = box.find_receipt(call.receipt)
    row = None if known is None else box.find_message(known)
    if row is not None:
        draft = box.find_draft_of(row.id) if call.method.response is Draft else None
        message = show_brief(row)
        return message if draft is None else Draft(id=format_draft_id(draft.id), message=message)
    result: Message | Draft = handler(call, box)
    made = result.message if isinstance(result, Draft) else result
    assert isinstance(made, Message)
    assert isinstance(made.id, str)
    box.add_receipt(call.receipt, parse_message_id(made.id), now_ms=call.now_ms)
    return result
