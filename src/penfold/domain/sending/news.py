"""What a row of the queue has to say, as an event: pure.

Who has the message has it by the word of the next server; who bounced was refused by one, or has no
server; what failed is for us or the sender to mend, and says nothing of the address.
"""

from typing import Any, Final

from msgspec import Struct

from penfold.base.limits import SENDING_RESPONSE_MAX
from penfold.domain.outgoing.delivery import find_decisive
from penfold.ports.queue import Attempt, QueueRow, QueueState
from penfold.ports.sending.events import EventKind
from penfold.proto.smtp.outcomes.classify import Blame, find_provider, read_reply
from penfold.proto.smtp.outcomes.rule import Kind
from penfold.proto.tls_ladder import Source

#: Whose fault makes a failure of what would else be a bounce.
_OURS: Final = frozenset({Blame.SENDER_DNS, Blame.OPERATOR, Blame.SOFTWARE})


class News(Struct, frozen=True):
    """What came of a row. attempt: the one that made it so, None for what was cancelled by hand.

    number: which attempt it was, from 1. before: the class of the one before, "" for none.
    """

    row: QueueRow
    state: QueueState
    attempt: Attempt | None = None
    number: int = 0
    before: str = ""

    @property
    def cause(self) -> str:
        at = self.attempt.at_ms if self.attempt else self.state.value
        return f"queue:{self.row.id}:{at}"


def find_kind(news: News) -> EventKind | None:
    """Return the kind of event, None for what is not worth one.

    That is a delay for the reason it was delayed before.
    """
    if news.state is QueueState.SENT:
        return EventKind.DELIVERED
    if news.state is QueueState.CANCELLED or news.attempt is None:
        return EventKind.CANCELLED
    if news.state is QueueState.QUEUED:
        return None if news.attempt.kind == news.before else EventKind.DEFERRED
    return _judge_failure(news.attempt)


def _judge_failure(attempt: Attempt) -> EventKind:
    if attempt.kind == Kind.EXPIRED:
        return EventKind.EXPIRED
    # Without facts it was never tried, but for what a domain's DNS says.
    if attempt.facts.blame in _OURS or (
        attempt.kind == Kind.UNDETERMINED and not attempt.facts.tried
    ):
        return EventKind.FAILED
    return EventKind.BOUNCED


def describe(news: News, kind: EventKind) -> dict[str, Any]:
    """Return what the event says besides: the reply, who gave it, and its class."""
    attempt = news.attempt
    if attempt is None:
        return {"response": "cancelled by the operator"}
    last = find_decisive(attempt.facts.tried)
    said = read_reply(attempt.outcome)
    data: dict[str, Any] = {
        "smtp_code": (last.code if last else said.code) or None,
        "enhanced_code": (last.enhanced if last else said.enhanced) or None,
        "response": attempt.outcome[:SENDING_RESPONSE_MAX],
        "mta": (last.host if last else "") or None,
        "attempt": news.number,
        "source": "smtp",
    }
    if kind is not EventKind.DELIVERED:
        data |= {"class": str(attempt.kind), "type": find_type(kind)}
    return data


def find_provider_of(news: News) -> str | None:
    """Return who runs the servers of the recipient's domain, "" for nobody that is known.

    None when none of them was called: a relay of the settings says nothing of the domain.
    """
    tried = news.attempt.facts.tried if news.attempt else ()
    if not tried or tried[0].policy == Source.SETTINGS:
        return None
    return find_provider(tried[0].host)


def find_type(kind: EventKind) -> str:
    """Return how final it is, in SES's words."""
    if kind is EventKind.BOUNCED:
        return "permanent"
    return "transient" if kind in (EventKind.DEFERRED, EventKind.EXPIRED) else "undetermined"
