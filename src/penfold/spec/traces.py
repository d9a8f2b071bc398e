"""Every span a trace may hold: its kind of name and the attributes it may carry.

An attribute that is not declared here cannot be recorded; none is declared that could hold an
address, a subject, a query, a path or a secret. Names are OpenTelemetry's semantic conventions
where those have one, and penfold.* where not.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SpanType:
    """name: of the span, or what its name is made of."""

    name: str
    attributes: frozenset[str]
    sentence: str


def _type(name: str, attributes: str, sentence: str) -> SpanType:
    return SpanType(name, frozenset(attributes.split()), sentence)


REQUEST: Final = _type(
    "the method, or oauth, web, …",
    "http.request.method http.response.status_code penfold.request penfold.mailbox penfold.reason",
    "One HTTP request, from its head to the end of the answer; of a batch also each one in it.",
)
HANDLER: Final = _type("handler", "penfold.method", "The product's own work for a call.")
READ: Final = _type("store.read", "penfold.mailbox", "A mailbox was open for reading.")
CHANGE: Final = _type(
    "store.change",
    "penfold.mailbox",
    "A change of a mailbox, from the moment it was queued until it was durable.",
)
MESSAGE: Final = _type(
    "smtp.message",
    "penfold.listener penfold.session penfold.size penfold.recipients smtp.reply_code",
    "One message by SMTP, from MAIL to the answer after its last dot.",
)
QUEUED: Final = _type(
    "queue.add",
    "penfold.queue penfold.mailbox penfold.state",
    "A message was handed to the outbound queue; root of the trace of its deliveries.",
)
ATTEMPT: Final = _type(
    "delivery.attempt",
    "penfold.queue penfold.kind penfold.state penfold.servers",
    "An attempt to deliver a message.",
)
SERVER: Final = _type(
    "smtp.delivery",
    "server.address server.port smtp.reply_code smtp.stage penfold.tls penfold.reused",
    "A server the message was offered to in an attempt.",
)

SPAN_TYPES: Final = (REQUEST, HANDLER, READ, CHANGE, MESSAGE, QUEUED, ATTEMPT, SERVER)
