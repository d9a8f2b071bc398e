"""Topics and subscriptions as their callers see them: make, show, publish, pull, acknowledge.

Owns the checks and words of every request; storing is ports.pubsub's. Delivery is at least once:
a pulled message comes again when it is not acknowledged in time. Who may call is front's affair;
names arrive in their one spelling (domain.pubsub_names).
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET, json
from msgspec import UnsetType as Unset
from msgspec.structs import replace

from penfold.base.errors import BacklogFullError, ConflictError, NotFoundError
from penfold.base.limits import (
    ACK_DEADLINE_MAX_S,
    PUBSUB_ATTRIBUTES_MAX,
    PUBSUB_BATCH_MAX,
    PUBSUB_KEY_MAX_BYTES,
    PUBSUB_PAGE,
    PUBSUB_PAGE_MAX,
    PUBSUB_POLICY_MAX_BYTES,
    PUBSUB_SUBSCRIPTIONS_MAX,
    PUBSUB_TOPICS_MAX,
    PUBSUB_VALUE_MAX_BYTES,
)
from penfold.domain.push.pubsub_names import check_labels, short_name
from penfold.domain.push.subscriptions import (
    Rules,
    read_push,
    read_subscription,
    show_subscription,
    update_subscription,
)
from penfold.ports import pubsub as port
from penfold.ports.pubsub import PubsubBook, format_time
from penfold.spec import pubsub as spec
from penfold.spec.problems import ProblemError
from penfold.spec.pubsub import (
    INVALID_ARGUMENT,
    NOT_AUTHORIZED,
    NOT_SUPPORTED,
    RESOURCE_EXISTS,
    RESOURCE_NOT_FOUND,
    TOO_MUCH,
)

_ACK_ID: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})")
_PUBLISHER: Final = "roles/pubsub.publisher"
#: Who publishes Gmail's notifications. Gmail: documented.
GMAIL_PUBLISHER: Final = "serviceAccount:gmail-api-push@system.gserviceaccount.com"
_EVERYBODY: Final = frozenset({"allUsers", "allAuthenticatedUsers"})


@dataclass(frozen=True, slots=True)
class Pubsub:
    book: PubsubBook
    rules: Rules

    # --- topics

    def create_topic(self, name: str, body: spec.Topic) -> spec.Topic:
        if body.message_retention_duration:
            raise ProblemError(NOT_SUPPORTED, what="messageRetentionDuration of a topic")
        project = port.project_of(name)
        if (
            len(self.book.list_topics(project, after="", limit=PUBSUB_TOPICS_MAX))
            >= PUBSUB_TOPICS_MAX
        ):
            raise ProblemError(TOO_MUCH, what="The project has as many topics as it may have.")
        topic = port.Topic(name, check_labels(body.labels or {}))
        with _worded():
            self.book.add_topic(topic)
        return _show_topic(topic)

    def get_topic(self, name: str) -> spec.Topic:
        return _show_topic(self._topic(name))

    def list_topics(self, project: str, *, size: int, token: str) -> spec.ListTopicsResponse:
        limit = check_page(size)
        rows = self.book.list_topics(project, after=_parse_token(token), limit=limit + 1)
        return spec.ListTopicsResponse(
            topics=[_show_topic(row) for row in rows[:limit]] or UNSET,
            next_page_token=_make_token([row.name for row in rows], limit),
        )

    def delete_topic(self, name: str) -> None:
        with _worded():
            self.book.delete_topic(name)

    def list_topic_subscriptions(
        self, topic: str, *, size: int, token: str
    ) -> spec.ListTopicSubscriptionsResponse:
        limit = check_page(size)
        self._topic(topic)
        after = _parse_token(token)
        rows = self.book.list_subscriptions(topic=topic, after=after, limit=limit + 1)
        names = [row.name for row in rows]
        return spec.ListTopicSubscriptionsResponse(
            subscriptions=names[:limit] or UNSET, next_page_token=_make_token(names, limit)
        )

    # --- who may publish

    def set_policy(self, topic: str, request: spec.SetIamPolicyRequest) -> spec.Policy:
        if request.policy is UNSET:
            raise _invalid("policy is required.")
        bindings = tuple(
            (each.role or "", tuple(each.members or ())) for each in request.policy.bindings or ()
        )
        if len(json.encode(bindings)) > PUBSUB_POLICY_MAX_BYTES:
            raise _invalid(f"A policy may have {PUBSUB_POLICY_MAX_BYTES} bytes.")
        changed = replace(self._topic(topic), bindings=bindings)
        with _worded():
            self.book.replace_topic(changed)
        return _show_policy(changed)

    def get_policy(self, topic: str) -> spec.Policy:
        return _show_policy(self._topic(topic))

    def test_permissions(
        self, topic: str, request: spec.TestIamPermissionsRequest
    ) -> spec.TestIamPermissionsResponse:
        """Return all permissions asked about: who gets this far may do everything."""
        self._topic(topic)
        return spec.TestIamPermissionsResponse(permissions=request.permissions or UNSET)

    # --- subscriptions

    def create_subscription(self, name: str, body: spec.Subscription) -> spec.Subscription:
        row = read_subscription(name, body, self.rules)
        project = port.project_of(name)
        most = PUBSUB_SUBSCRIPTIONS_MAX
        if len(self.book.list_subscriptions(project=project, after="", limit=most)) >= most:
            raise ProblemError(
                TOO_MUCH, what="The project has as many subscriptions as it may have."
            )
        self._own_topic(row, row.topic)
        if row.dead:
            self._own_topic(row, row.dead.topic)
        with _worded():
            self.book.add_subscription(row)
        return show_subscription(row)

    def get_subscription(self, name: str) -> spec.Subscription:
        return show_subscription(self._subscription(name))

    def list_subscriptions(
        self, project: str, *, size: int, token: str
    ) -> spec.ListSubscriptionsResponse:
        limit = check_page(size)
        after = _parse_token(token)
        rows = self.book.list_subscriptions(project=project, after=after, limit=limit + 1)
        return spec.ListSubscriptionsResponse(
            subscriptions=[show_subscription(row) for row in rows[:limit]] or UNSET,
            next_page_token=_make_token([row.name for row in rows], limit),
        )

    def patch_subscription(
        self, name: str, request: spec.UpdateSubscriptionRequest
    ) -> spec.Subscription:
        old = self._subscription(name)
        row = update_subscription(old, request, self.rules)
        if row.dead and row.dead != old.dead:
            self._own_topic(row, row.dead.topic)
        with _worded():
            self.book.replace_subscription(row)
        return show_subscription(row)

    def modify_push_config(self, name: str, request: spec.ModifyPushConfigRequest) -> None:
        row = self._subscription(name)
        push = read_push(request.push_config, self.rules) if request.push_config else None
        with _worded():
            self.book.replace_subscription(replace(row, push=push))

    def delete_subscription(self, name: str) -> None:
        with _worded():
            self.book.delete_subscription(name)

    # --- messages

    def publish(
        self, topic: str, request: spec.PublishRequest, *, now_ms: int
    ) -> spec.PublishResponse:
        messages = [_read_message(message) for message in request.messages or ()]
        if not 0 < len(messages) <= PUBSUB_BATCH_MAX:
            raise _invalid(f"A request has 1 to {PUBSUB_BATCH_MAX} messages.")
        with _worded():
            ids = self.book.publish(topic, messages, now_ms=now_ms)
        return spec.PublishResponse(message_ids=[str(number) for number in ids])

    def check_pull(self, name: str, request: spec.PullRequest) -> None:
        """Raise what a pull would be refused with."""
        if int(request.max_messages or 0) <= 0:
            raise _invalid("maxMessages must be greater than 0.")
        if self._subscription(name).push:
            raise ProblemError(
                NOT_SUPPORTED, what="Pulling from a subscription with a push endpoint"
            )

    def pull(self, name: str, request: spec.PullRequest, *, now_ms: int) -> spec.PullResponse:
        """Return what is due, given out for the subscription's ackDeadlineSeconds."""
        row = self._subscription(name)
        limit = min(int(request.max_messages or 0), PUBSUB_BATCH_MAX)
        until_ms = now_ms + 1000 * row.ack_s
        with _worded():
            found = self.book.lease(name, limit=limit, until_ms=until_ms, now_ms=now_ms)
        return spec.PullResponse(
            received_messages=[
                spec.ReceivedMessage(
                    ack_id=f"{each.message_id}.{each.attempt}",
                    message=_show_message(each),
                    delivery_attempt=each.attempt if row.dead else UNSET,
                )
                for each in found
            ]
            or UNSET
        )

    def acknowledge(self, name: str, request: spec.AcknowledgeRequest) -> None:
        """Forget messages; one given out again meanwhile too. Google: documented, may succeed."""
        done = [message for message, _ in _parse_ack_ids(request.ack_ids)]
        with _worded():
            self.book.settle(name, done=done)

    def modify_ack_deadline(
        self, name: str, request: spec.ModifyAckDeadlineRequest, *, now_ms: int
    ) -> None:
        """Give more time to acknowledge; 0 gives a message back at once."""
        seconds = int(request.ack_deadline_seconds or 0)
        if not 0 <= seconds <= ACK_DEADLINE_MAX_S:
            raise _invalid(f"ackDeadlineSeconds must be from 0 to {ACK_DEADLINE_MAX_S}.")
        backoff = self._subscription(name).backoff
        later = {
            message: (attempt, now_ms + 1000 * seconds + backoff.wait_ms(attempt))
            for message, attempt in _parse_ack_ids(request.ack_ids)
        }
        with _worded():
            self.book.settle(name, later=later)

    def _topic(self, name: str) -> port.Topic:
        topic = self.book.find_topic(name)
        if topic is None:
            raise ProblemError(RESOURCE_NOT_FOUND, resource=short_name(name))
        return topic

    def _own_topic(self, row: port.Subscription, topic: str) -> None:
        """Refuse topics of other projects, to which the caller has no right."""
        if port.project_of(topic) != port.project_of(row.name):
            raise ProblemError(NOT_AUTHORIZED)
        self._topic(topic)

    def _subscription(self, name: str) -> port.Subscription:
        row = self.book.find_subscription(name)
        if row is None:
            raise ProblemError(RESOURCE_NOT_FOUND, resource=short_name(name))
        return row


def may_gmail_publish(topic: port.Topic) -> bool:
    """Return whether notifications may go to a topic.

    Gmail (documented): only when its publisher was granted the role. Here a topic without a
    policy lets it, so that local work needs no cloud console.
    """
    if topic.bindings is None:
        return True
    allowed = {
        member for role, members in topic.bindings if role == _PUBLISHER for member in members
    }
    return GMAIL_PUBLISHER in allowed or not allowed.isdisjoint(_EVERYBODY)


def check_page(size: int) -> int:
    if size < 0:
        raise _invalid("pageSize must not be negative.")
    return min(size or PUBSUB_PAGE, PUBSUB_PAGE_MAX)


def _make_token(names: Sequence[str], limit: int) -> str | Unset:
    """Return where the next page begins; lists are by name, so that is the last one shown."""
    if len(names) <= limit:
        return UNSET
    return base64.urlsafe_b64encode(names[limit - 1].encode()).decode()


def _parse_token(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise _invalid("Invalid page token.") from None


def _read_message(message: spec.PubsubMessage) -> port.NewMessage:
    attributes: Mapping[str, str] = message.attributes or {}
    data = message.data or b""
    key = message.ordering_key or ""
    if not data and not attributes:
        raise _invalid("A message needs data or attributes.")
    if len(attributes) > PUBSUB_ATTRIBUTES_MAX or any(
        not 0 < len(name.encode()) <= PUBSUB_KEY_MAX_BYTES
        or name.startswith("goog")
        or len(value.encode()) > PUBSUB_VALUE_MAX_BYTES
        for name, value in attributes.items()
    ):
        raise _invalid("The attributes of a message are too many, too long or of a reserved name.")
    if len(key.encode()) > PUBSUB_VALUE_MAX_BYTES:
        raise _invalid("orderingKey is too long.")
    return port.NewMessage(data if isinstance(data, bytes) else data.encode(), attributes, key)


def show_data(data: bytes) -> str:
    """Return octets as Pub/Sub has them. Google (observed): standard base64, padded."""
    return base64.b64encode(data).decode()


def _show_message(delivery: port.Delivery) -> spec.PubsubMessage:
    message = delivery.message
    return spec.PubsubMessage(
        data=show_data(message.data) if message.data else UNSET,
        attributes=dict(message.attributes) if message.attributes else UNSET,
        message_id=str(delivery.message_id),
        publish_time=format_time(delivery.published_ms),
        ordering_key=message.ordering_key or UNSET,
    )


def _show_topic(topic: port.Topic) -> spec.Topic:
    return spec.Topic(name=topic.name, labels=topic.labels or UNSET)


def _show_policy(topic: port.Topic) -> spec.Policy:
    bindings = topic.bindings or ()
    etag = hashlib.sha256(json.encode(bindings)).digest()[:8]
    return spec.Policy(
        version=1 if bindings else UNSET,
        etag=show_data(etag),
        bindings=[spec.Binding(role=role, members=list(members)) for role, members in bindings]
        or UNSET,
    )


def _parse_ack_ids(texts: Sequence[str] | Unset) -> list[tuple[int, int]]:
    """Return (message id, attempt) of each."""
    if not texts or len(texts) > PUBSUB_BATCH_MAX:
        raise _invalid(f"A request has 1 to {PUBSUB_BATCH_MAX} ackIds.")
    found = []
    for text in texts:
        match = _ACK_ID.fullmatch(text)
        if not match:
            what = f"You have passed an invalid ack ID to the service (ack_id={text[:80]})."
            raise _invalid(what)
        found.append((int(match[1]), int(match[2])))
    return found


@contextmanager
def _worded() -> Iterator[None]:
    """Say in Pub/Sub's words what the book refused."""
    try:
        yield
    except NotFoundError as error:
        raise ProblemError(RESOURCE_NOT_FOUND, resource=short_name(str(error))) from error
    except ConflictError as error:
        raise ProblemError(RESOURCE_EXISTS, resource=short_name(str(error))) from error
    except BacklogFullError as error:
        raise ProblemError(TOO_MUCH, what=error.public + ".") from error


def _invalid(what: str) -> ProblemError:
    return ProblemError(INVALID_ARGUMENT, what=what)
