"""What happened to an account's mail, counted: events are removed in time, these numbers stay.

A counter is of recipients: one counts once for each kind of event, however often that happened
(opened, deferred), and on the day its mail was accepted, not on that of the event. So numbers that
are divided by each other are of the same mail. What a machine opened is no reader (`machine` in an
event's data) and is not counted.

Counters are kept three times over: without, by tag, and by domain of the recipient, because mail
has several tags, and tags and recipients' domains together would be as many as mails.
"""

from collections.abc import Collection, Iterator
from datetime import date
from math import log
from typing import Final, Protocol

from msgspec import Struct

from penfold.base.limits import STATS_SUMS_MAX
from penfold.ports.sending.emails import Email, Recipient
from penfold.ports.sending.events import EventKind, NewEvent

#: The kind that counts recipients of accepted mail, suppressed ones among them.
ACCEPTED: Final = "accepted"
#: What counters are kept by besides.
NONE: Final = ""
TAG: Final = "tag"
PROVIDER: Final = "provider"
#: The value of what is beyond COUNTED_VALUES_MAX.
OTHER: Final = "other"
#: Times to deliver are counted in buckets, each a fifth longer than the one before; their middles
#: are 9.6 % from the true time at most.
_RATIO: Final = 1.2
_TIME: Final = "ms."
_EPOCH: Final = date(1970, 1, 1).toordinal()


class Counter(Struct, frozen=True):
    """What is counted. day: YYYY-MM-DD, UTC. value: a tag as `name=value`, or a domain.

    domain: of the sender. kind: an EventKind, ACCEPTED, or a bucket of the time to deliver.
    """

    account_id: str
    test: bool
    dimension: str
    day: str
    value: str
    stream: str
    template: str
    domain: str
    kind: str


class Count(Struct, frozen=True, gc=False):
    """key: of the group, in the order that was asked for."""

    key: tuple[str, ...]
    kind: str
    count: int


def day_of(ms: int) -> str:
    """Return the day (UTC) of a moment as YYYY-MM-DD."""
    return date.fromordinal(_EPOCH + ms // 86_400_000).isoformat()


def find_dimension(by: Collection[str]) -> str:
    """Return which counters tell of groups."""
    return next((each for each in by if each in (TAG, PROVIDER)), NONE)


def list_counters(
    email: Email, recipient: Recipient, event: NewEvent, *, known: bool
) -> Iterator[Counter]:
    """Yield what an event adds one to. recipient: before it. known: it had one of this kind."""
    kinds = _list_kinds(email, recipient, event, known=known)
    day = day_of(email.created_ms)
    tags = [(TAG, f"{name}={value}") for name, value in email.tags.items()]
    place = (PROVIDER, recipient.address.rpartition("@")[2].lower())
    for dimension, value in ((NONE, ""), place, *tags):
        for kind in kinds:
            yield Counter(
                *(email.account_id, email.test, dimension, day, value),
                *(email.stream, email.template_id, email.domain, kind),
            )


def _list_kinds(
    email: Email, recipient: Recipient, event: NewEvent, *, known: bool
) -> tuple[str, ...]:
    if known or event.data.get("machine"):
        return ()
    first = () if recipient.last_event else (ACCEPTED,)
    if event.kind != EventKind.DELIVERED or recipient.final:
        return (*first, event.kind)
    took_ms = event.at_ms - max(email.created_ms, email.scheduled_ms)
    return (*first, event.kind, name_bucket(took_ms))


def name_bucket(ms: int) -> str:
    """Return the kind that counts deliveries that took so long."""
    return f"{_TIME}{int(log(max(ms, 1), _RATIO))}"


def find_time(kind: str) -> float | None:
    """Return the milliseconds in the middle of a bucket; None for a kind that is none."""
    if not kind.startswith(_TIME):
        return None
    bucket = int(kind.removeprefix(_TIME))
    return float(_RATIO ** (bucket + 0.5))


class CountReader(Protocol):
    def list_counts(
        self,
        account_id: str,
        *,
        by: Collection[str],
        first: str,
        last: str,
        test: bool = False,
        limit: int = STATS_SUMS_MAX,
    ) -> list[Count]:
        """Return sums over mail accepted from the first to the last day, both included.

        by: of day, stream, template, domain, and either tag or provider. A provider is who runs
        the servers of a recipient's domain, or that domain.
        """
        ...


class CountWriter(CountReader, Protocol):
    def note_provider(self, domain: str, name: str) -> None:
        """Note who runs the mail servers of a domain; "" for nobody that is known."""
        ...
