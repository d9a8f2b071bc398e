"""The part of the Pub/Sub REST API that push needs, as typed values, and its errors.

Names are those of Google's document for pubsub v1 (revision 20261027): what is left out of these
types is refused as an unknown name. Members that are here but not served (filter, ordering,
exactly-once, other wrappings) are refused in so many words, never ignored.

Error texts: `Resource not found`, `Resource already exists` and `User not authorized` are Google's
(observed by clients); the others are ours, assumed.
"""

from typing import Annotated, Final

from msgspec import UNSET, Meta
from msgspec import UnsetType as Unset

from penfold.spec.problems import Problem
from penfold.spec.schemas import Base64, Int32, Timestamp, Wire

Duration = Annotated[str, Meta(extra_json_schema={"format": "google-duration"})]
Labels = dict[str, str]


class Topic(Wire):
    name: str | Unset = UNSET
    labels: Labels | Unset = UNSET
    message_retention_duration: Duration | Unset = UNSET


class OidcToken(Wire):
    service_account_email: str | Unset = UNSET
    audience: str | Unset = UNSET


class NoWrapper(Wire):
    write_metadata: bool | Unset = UNSET


class PubsubWrapper(Wire):
    pass


class PushConfig(Wire):
    push_endpoint: str | Unset = UNSET
    attributes: Labels | Unset = UNSET
    oidc_token: OidcToken | Unset = UNSET
    pubsub_wrapper: PubsubWrapper | Unset = UNSET
    no_wrapper: NoWrapper | Unset = UNSET


class ExpirationPolicy(Wire):
    ttl: Duration | Unset = UNSET


class DeadLetterPolicy(Wire):
    dead_letter_topic: str | Unset = UNSET
    max_delivery_attempts: Int32 | Unset = UNSET


class RetryPolicy(Wire):
    minimum_backoff: Duration | Unset = UNSET
    maximum_backoff: Duration | Unset = UNSET


class Subscription(Wire):
    name: str | Unset = UNSET
    topic: str | Unset = UNSET
    push_config: PushConfig | Unset = UNSET
    ack_deadline_seconds: Int32 | Unset = UNSET
    retain_acked_messages: bool | Unset = UNSET
    message_retention_duration: Duration | Unset = UNSET
    labels: Labels | Unset = UNSET
    enable_message_ordering: bool | Unset = UNSET
    expiration_policy: ExpirationPolicy | Unset = UNSET
    filter: str | Unset = UNSET
    dead_letter_policy: DeadLetterPolicy | Unset = UNSET
    retry_policy: RetryPolicy | Unset = UNSET
    enable_exactly_once_delivery: bool | Unset = UNSET
    state: str | Unset = UNSET


class PubsubMessage(Wire):
    data: Base64 | Unset = UNSET
    attributes: Labels | Unset = UNSET
    message_id: str | Unset = UNSET
    publish_time: Timestamp | Unset = UNSET
    ordering_key: str | Unset = UNSET


class PublishRequest(Wire):
    messages: list[PubsubMessage] | Unset = UNSET


class PublishResponse(Wire):
    message_ids: list[str] | Unset = UNSET


class ListTopicsResponse(Wire):
    topics: list[Topic] | Unset = UNSET
    next_page_token: str | Unset = UNSET


class ListSubscriptionsResponse(Wire):
    subscriptions: list[Subscription] | Unset = UNSET
    next_page_token: str | Unset = UNSET


class ListTopicSubscriptionsResponse(Wire):
    subscriptions: list[str] | Unset = UNSET
    next_page_token: str | Unset = UNSET


class PullRequest(Wire):
    max_messages: Int32 | Unset = UNSET
    return_immediately: bool | Unset = UNSET


class ReceivedMessage(Wire):
    ack_id: str | Unset = UNSET
    message: PubsubMessage | Unset = UNSET
    delivery_attempt: int | Unset = UNSET


class PullResponse(Wire):
    received_messages: list[ReceivedMessage] | Unset = UNSET


class AcknowledgeRequest(Wire):
    ack_ids: list[str] | Unset = UNSET


class ModifyAckDeadlineRequest(Wire):
    ack_ids: list[str] | Unset = UNSET
    ack_deadline_seconds: Int32 | Unset = UNSET


class ModifyPushConfigRequest(Wire):
    push_config: PushConfig | Unset = UNSET


class UpdateSubscriptionRequest(Wire):
    subscription: Subscription | Unset = UNSET
    update_mask: str | Unset = UNSET


class Binding(Wire):
    role: str | Unset = UNSET
    members: list[str] | Unset = UNSET


class Policy(Wire):
    version: Int32 | Unset = UNSET
    bindings: list[Binding] | Unset = UNSET
    etag: str | Unset = UNSET


class SetIamPolicyRequest(Wire):
    policy: Policy | Unset = UNSET
    update_mask: str | Unset = UNSET


class TestIamPermissionsRequest(Wire):
    permissions: list[str] | Unset = UNSET


class TestIamPermissionsResponse(Wire):
    permissions: list[str] | Unset = UNSET


def _problem(code: int, status: str, reason: str, message: str) -> Problem:
    return Problem(code=code, status=status, reason=reason, message=message)


RESOURCE_NOT_FOUND: Final = _problem(
    404, "NOT_FOUND", "notFound", "Resource not found (resource={resource})."
)
RESOURCE_EXISTS: Final = _problem(
    409,
    "ALREADY_EXISTS",
    "alreadyExists",
    "Resource already exists in the project (resource={resource}).",
)
NOT_AUTHORIZED: Final = _problem(
    403, "PERMISSION_DENIED", "forbidden", "User not authorized to perform this action."
)
INVALID_ARGUMENT: Final = _problem(400, "INVALID_ARGUMENT", "badRequest", "{what}")
NOT_SUPPORTED: Final = _problem(
    400, "INVALID_ARGUMENT", "badRequest", "{what} is not supported by this server."
)
TOO_MUCH: Final = _problem(429, "RESOURCE_EXHAUSTED", "rateLimitExceeded", "{what}")
NO_SUCH_METHOD: Final = _problem(404, "NOT_FOUND", "notFound", "Method not found.")
