"""Topics, subscriptions, what waits for delivery, and the watches that publish to them.

Names are full ones, `projects/<project id>/topics/<id>`. A message published is durable when the
call returns and waits once for each subscription its topic has then; a topic without any forgets
it. A delivery is *leased*: given out until a time, after which it is due again, so what nobody
acknowledges comes again (at least once). Several processes share all of this.

What names, bodies and callers may be is decided in domain/.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from msgspec import Struct, field

from penfold.base.limits import (
    ACK_DEADLINE_S,
    PUSH_RETRY_MAX_MS,
    PUSH_RETRY_MIN_MS,
    RETENTION_S,
)

#: What a subscription's topic is called once it was deleted. Google: documented.
DELETED_TOPIC: Final = "_deleted-topic_"

#: Who may do what: role to members.
Bindings = tuple[tuple[str, tuple[str, ...]], ...]


class Topic(Struct, frozen=True):
    """bindings: None while no policy was ever set."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)
    bindings: Bindings | None = None


class PushTarget(Struct, frozen=True):
    """Where messages are pushed to; email "": without a token."""

    endpoint: str
    email: str = ""
    audience: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


class DeadLetters(Struct, frozen=True):
    topic: str
    tries: int


class Backoff(Struct, frozen=True):
    """Milliseconds between two tries; twice as many each time."""

    min_ms: int
    max_ms: int

    def wait_ms(self, attempt: int) -> int:
        """Return the time to wait after this many tries."""
        return min(self.max_ms, self.min_ms << min(max(attempt - 1, 0), 30))


#: Google (documented): how a push without retryPolicy is tried again.
PUSH_BACKOFF: Final = Backoff(PUSH_RETRY_MIN_MS, PUSH_RETRY_MAX_MS)
_AT_ONCE: Final = Backoff(0, 0)


class Subscription(Struct, frozen=True):
    name: str
    topic: str
    push: PushTarget | None = None
    ack_s: int = ACK_DEADLINE_S
    retention_s: int = RETENTION_S
    dead: DeadLetters | None = None
    retry: Backoff | None = None
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def backoff(self) -> Backoff:
        """How long a message waits after a try that failed."""
        return self.retry or (PUSH_BACKOFF if self.push else _AT_ONCE)


class NewMessage(Struct, frozen=True, gc=False):
    data: bytes
    attributes: Mapping[str, str] = {}
    ordering_key: str = ""


class Delivery(Struct, frozen=True, gc=False):
    """A message given out for the `attempt`-th time."""

    message_id: int
    attempt: int
    message: NewMessage
    published_ms: int


def project_of(name: str) -> str:
    """Return the project in a topic's or subscription's name."""
    return name.split("/", 2)[1]


def dead_letter(subscription: Subscription, delivery: Delivery) -> NewMessage:
    """Return what goes to the dead-letter topic. Google: documented, the four attributes."""
    source = "CloudPubSubDeadLetterSource"
    return NewMessage(
        delivery.message.data,
        {
            **delivery.message.attributes,
            f"{source}DeliveryCount": str(delivery.attempt),
            f"{source}Subscription": subscription.name.rpartition("/")[2],
            f"{source}SubscriptionProject": project_of(subscription.name),
            f"{source}TopicPublishTime": format_time(delivery.published_ms),
        },
        delivery.message.ordering_key,
    )


def format_time(ms: int) -> str:
    """Return a time as proto3 JSON prints it."""
    text = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ms % 1000:03d}Z" if ms % 1000 else f"{text}Z"


class Watch(Struct, frozen=True, gc=False):
    """An account's wish that changes be told to a topic of a project, until it expires.

    seen: the history id up to which nothing is left to tell. told_ms: the last notification.
    labels: numbers; exclude: all changes but those of messages with them, else only those.
    """

    mailbox: str
    project: str
    address: str
    topic: str
    labels: tuple[int, ...]
    exclude: bool
    seen: int
    told_ms: int
    expires_ms: int


class Telling(Struct, frozen=True):
    """How far a watch has come; data: what its topic is told of that, if anything."""

    watch: Watch
    data: bytes | None


class PubsubBook(Protocol):
    """Every change is one transaction, durable on return."""

    # topics
    def add_topic(self, topic: Topic) -> None:
        """Store a topic; ConflictError when it is there."""
        ...

    def find_topic(self, name: str) -> Topic | None: ...
    def list_topics(self, project: str, *, after: str, limit: int) -> list[Topic]:
        """Return a project's topics with names beyond `after`, by name."""
        ...

    def replace_topic(self, topic: Topic) -> None: ...
    def delete_topic(self, name: str) -> None:
        """Remove a topic; its subscriptions keep what they have, with DELETED_TOPIC."""
        ...

    # subscriptions
    def add_subscription(self, subscription: Subscription) -> None: ...
    def find_subscription(self, name: str) -> Subscription | None: ...
    def list_subscriptions(
        self, *, project: str = "", topic: str = "", after: str, limit: int
    ) -> list[Subscription]:
        """Return the subscriptions of a project, or of a topic, by name."""
        ...

    def replace_subscription(self, subscription: Subscription) -> None: ...
    def delete_subscription(self, name: str) -> None:
        """Remove a subscription with what waits for it."""
        ...

    # messages
    def publish(self, topic: str, messages: Sequence[NewMessage], *, now_ms: int) -> list[int]:
        """Store messages and return their ids, which grow.

        NotFoundError without the topic; BacklogFullError when too much waits already.
        """
        ...

    def has_due(self, subscription: str, *, now_ms: int) -> bool:
        """Return whether a lease would find something; a cheap read."""
        ...

    def list_push_due(self, *, now_ms: int) -> list[str]:
        """Return the subscriptions with a push target and something due."""
        ...

    def lease(self, subscription: str, *, limit: int, until_ms: int, now_ms: int) -> list[Delivery]:
        """Give out what is due, oldest first, until until_ms and its backoff after that.

        What had all its tries goes to the dead-letter topic instead, if that is there.
        NotFoundError without the subscription.
        """
        ...

    def settle(
        self,
        subscription: str,
        *,
        done: Collection[int] = (),
        later: Mapping[int, tuple[int, int]] = {},
        untried: Mapping[int, int] = {},
    ) -> None:
        """Say what became of deliveries, by message id; unknown ones are passed over.

        done: acknowledged. later: (attempt, when it is due again); an attempt that is not the
        last one changes nothing. untried: when it is due; the attempt does not count.
        """
        ...

    def release_pushes(self, *, now_ms: int) -> None:
        """Make everything for push targets due: who pushed before has ended."""
        ...

    def expire(self, *, now_ms: int, limit: int) -> int:
        """Drop up to `limit` deliveries and watches whose time is over; bury dead letters."""
        ...

    # watches
    def find_watch(self, mailbox: str, project: str) -> Watch | None: ...
    def list_watches(self) -> list[Watch]: ...
    def get_watch_mark(self) -> int:
        """Return a number that changes whenever put_watch or delete_watch changed something."""
        ...

    def put_watch(self, watch: Watch, data: bytes, *, now_ms: int) -> None:
        """Store a watch and publish its first notification."""
        ...

    def delete_watch(self, mailbox: str, project: str) -> bool: ...
    def tell(self, tellings: Sequence[Telling], *, now_ms: int) -> int:
        """Publish and note how far each watch has come, all in one transaction.

        One that meanwhile ended, or was renewed, is passed over; a topic that is gone is told
        nothing. Returns how many were published. BacklogFullError changes nothing.
        """
        ...

    def close(self) -> None: ...
