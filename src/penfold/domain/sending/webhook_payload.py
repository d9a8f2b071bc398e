"""What a webhook is sent: `{type, timestamp, data}`.

`data` has Resend's members where it has the thing (email_id, from, to, subject, tags, created_at,
bounce, click), so that receivers written for it read on; and who it is about, which Resend's has
not, as one of our events is about one recipient.
"""

from types import MappingProxyType
from typing import Any, Final

from msgspec import json

from penfold.domain.sending.showing import event_type, show_time
from penfold.ports.sending.emails import Email
from penfold.ports.sending.events import Event

#: The member that holds what is known of an event, where it is not its kind.
_NOUNS: Final = MappingProxyType({
    "bounced": "bounce",
    "clicked": "click",
    "complained": "complaint",
    "deferred": "deferral",
    "opened": "open",
})  # fmt: skip


def make_payload(event: Event, email: Email | None) -> bytes:
    """Return the body that tells of an event. email: None for one that is about none."""
    data: dict[str, Any] = {"event_id": event.id}
    if email is None:
        data |= event.data
    else:
        data |= {
            "email_id": email.id,
            "created_at": show_time(email.created_ms),
            "from": email.sender,
            "to": list(email.to),
            "subject": email.subject,
            "recipient": event.address,
            "message_id": f"<{email.message_id}>" if email.message_id else "",
            "stream": email.stream,
            "tags": email.tags,
            "metadata": email.metadata,
            "test": email.test,
        }
        if event.data:
            data[_NOUNS.get(event.kind, event.kind)] = event.data
    return json.encode(
        {"type": event_type(event.kind), "timestamp": show_time(event.at_ms), "data": data}
    )
