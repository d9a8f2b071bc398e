"""What a subscription may be: its body checked and turned into a record, and back.

Refuses in words what this server does not do (filters, ordering, exactly-once, unwrapped
pushes, expiry of subscriptions), so that nobody waits for it in vain. Bounds and defaults are
Google's (documented); a push endpoint is https, or plain http where this machine's own addresses
are allowed.
"""

import re
from collections.abc import Callable
from typing import Final

from msgspec import UNSET, Struct
from msgspec.structs import replace

from penfold.base.errors import ParseError
from penfold.base.limits import (
    ACK_DEADLINE_MAX_S,
    ACK_DEADLINE_MIN_S,
    ACK_DEADLINE_S,
    DEAD_LETTER_TRIES,
    DEAD_LETTER_TRIES_MAX,
    DEAD_LETTER_TRIES_MIN,
    PUSH_ENDPOINT_MAX,
    RETENTION_MAX_S,
    RETENTION_MIN_S,
    RETENTION_S,
    RETRY_MAX_S,
    RETRY_MIN_S,
)
from penfold.domain.push.pubsub_names import TOPICS, check_labels, check_name
from penfold.ports import pubsub as port
from penfold.proto.duration import format_duration, parse_duration
from penfold.proto.endpoint import parse_endpoint
from penfold.spec import pubsub as spec
from penfold.spec.problems import ProblemError
from penfold.spec.pubsub import INVALID_ARGUMENT, NOT_SUPPORTED

#: Members of an update mask, in both spellings, to the members of a body.
_MASK: Final = {
    "labels", "push_config", "ack_deadline_seconds", "message_retention_duration",
    "expiration_policy", "dead_letter_policy", "retry_policy",
}  # fmt: skip


class Rules(Struct, frozen=True):
    """plain: http endpoints may be pushed to. is_service: whether this is one of our service
    accounts; only for those are tokens made, as one for anybody else could pass for a sign-in.
    """

    plain: bool
    is_service: Callable[[str], bool]


def read_subscription(name: str, body: spec.Subscription, rules: Rules) -> port.Subscription:
    """Return the record of a subscription, or raise what is wrong with it."""
    _refuse_unsupported(body)
    topic = body.topic or ""
    if topic != port.DELETED_TOPIC:  # patching one whose topic is gone says it again
        topic = check_name(topic, TOPICS)
    retry = None if body.retry_policy is UNSET else _read_retry(body.retry_policy)
    return port.Subscription(
        name=name,
        topic=topic,
        push=read_push(body.push_config, rules) if body.push_config else None,
        ack_s=_bounded(
            "ackDeadlineSeconds", body.ack_deadline_seconds or ACK_DEADLINE_S,
            ACK_DEADLINE_MIN_S, ACK_DEADLINE_MAX_S,
        ),
        retention_s=_bounded(
            "messageRetentionDuration",
            _seconds("messageRetentionDuration", body.message_retention_duration, RETENTION_S),
            RETENTION_MIN_S, RETENTION_MAX_S,
        ),
        dead=_read_dead(body.dead_letter_policy, topic) if body.dead_letter_policy else None,
        retry=retry,
        labels=check_labels(body.labels or {}),
    )  # fmt: skip


def read_push(config: spec.PushConfig, rules: Rules) -> port.PushTarget | None:
    """Return where to push to; None for a configuration without an endpoint, which means pull."""
    if config.no_wrapper is not UNSET:
        raise ProblemError(NOT_SUPPORTED, what="noWrapper")
    if not config.push_endpoint:
        return None
    _check_endpoint(config.push_endpoint, plain=rules.plain)
    attributes = config.attributes or {}
    if attributes.keys() - {"x-goog-version"} or attributes.get("x-goog-version", "v1") != "v1":
        raise ProblemError(NOT_SUPPORTED, what="A push attribute other than x-goog-version=v1")
    email = audience = ""
    if config.oidc_token is not UNSET:
        email = config.oidc_token.service_account_email or ""
        audience = config.oidc_token.audience or ""
        if len(audience) > PUSH_ENDPOINT_MAX:
            raise _invalid("oidcToken.audience is too long.")
        if not rules.is_service(email):
            raise _invalid("oidcToken.serviceAccountEmail is no service account of this server.")
    return port.PushTarget(config.push_endpoint, email, audience, attributes)


def update_subscription(
    old: port.Subscription, request: spec.UpdateSubscriptionRequest, rules: Rules
) -> port.Subscription:
    """Return the subscription with the members of the mask taken from the request."""
    if request.subscription is UNSET or not request.update_mask:
        raise _invalid("subscription and updateMask are required.")
    members = {}
    for path in request.update_mask.split(","):
        attribute = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", path.strip()).lower()
        if attribute not in _MASK:
            raise _invalid(f"{path[:80]!r} cannot be updated.")
        members[attribute] = getattr(request.subscription, attribute)
    _refuse_unsupported(request.subscription)
    return read_subscription(old.name, replace(show_subscription(old), **members), rules)


def show_subscription(row: port.Subscription) -> spec.Subscription:
    """Return a subscription as answers have it."""
    return spec.Subscription(
        name=row.name,
        topic=row.topic,
        push_config=_show_push(row.push) if row.push else spec.PushConfig(),
        ack_deadline_seconds=row.ack_s,
        message_retention_duration=format_duration(row.retention_s * 1000),
        labels=row.labels or UNSET,
        expiration_policy=spec.ExpirationPolicy(),  # Google (documented): empty means never
        dead_letter_policy=(
            spec.DeadLetterPolicy(
                dead_letter_topic=row.dead.topic, max_delivery_attempts=row.dead.tries
            )
            if row.dead
            else UNSET
        ),
        retry_policy=(
            spec.RetryPolicy(
                minimum_backoff=format_duration(row.retry.min_ms),
                maximum_backoff=format_duration(row.retry.max_ms),
            )
            if row.retry
            else UNSET
        ),
        state="ACTIVE",
    )


def _show_push(push: port.PushTarget) -> spec.PushConfig:
    token = spec.OidcToken(service_account_email=push.email, audience=push.audience or UNSET)
    return spec.PushConfig(
        push_endpoint=push.endpoint,
        attributes=push.attributes or UNSET,
        oidc_token=token if push.email else UNSET,
    )


def _refuse_unsupported(body: spec.Subscription) -> None:
    asked = {
        "filter": bool(body.filter),
        "enableMessageOrdering": bool(body.enable_message_ordering),
        "enableExactlyOnceDelivery": bool(body.enable_exactly_once_delivery),
        "retainAckedMessages": bool(body.retain_acked_messages),
        "expirationPolicy.ttl": bool(body.expiration_policy and body.expiration_policy.ttl),
    }
    for what, given in asked.items():
        if given:
            raise ProblemError(NOT_SUPPORTED, what=what)


def _check_endpoint(endpoint: str, *, plain: bool) -> None:
    try:
        parts = parse_endpoint(endpoint)
    except ParseError:
        raise _invalid("pushEndpoint is not an address that can be pushed to.") from None
    if parts.scheme != "https" and not (plain and parts.scheme == "http"):
        raise _invalid("pushEndpoint must be an https address.")


def _read_dead(policy: spec.DeadLetterPolicy, topic: str) -> port.DeadLetters:
    dead = check_name(policy.dead_letter_topic or "", TOPICS)
    if dead == topic:
        raise _invalid("The dead letter topic must not be the subscription's own.")
    tries = policy.max_delivery_attempts or DEAD_LETTER_TRIES
    return port.DeadLetters(
        dead,
        _bounded("maxDeliveryAttempts", tries, DEAD_LETTER_TRIES_MIN, DEAD_LETTER_TRIES_MAX),
    )


def _read_retry(policy: spec.RetryPolicy) -> port.Backoff:
    waits = [
        _milliseconds(name, value, default_s)
        for name, value, default_s in (
            ("minimumBackoff", policy.minimum_backoff, RETRY_MIN_S),
            ("maximumBackoff", policy.maximum_backoff, RETRY_MAX_S),
        )
    ]
    if max(waits) > RETRY_MAX_S * 1000 or waits[0] > waits[1]:
        raise _invalid(
            f"minimumBackoff and maximumBackoff must be ordered and within 0s..{RETRY_MAX_S}s."
        )
    return port.Backoff(*waits)


def _seconds(name: str, text: object, default_s: int) -> int:
    return _milliseconds(name, text, default_s) // 1000


def _milliseconds(name: str, text: object, default_s: int) -> int:
    if not isinstance(text, str):
        return default_s * 1000
    try:
        return parse_duration(text)
    except ParseError:
        raise _invalid(f"{name} is not a duration such as 600s.") from None


def _bounded(name: str, value: int | str, low: int, high: int) -> int:
    if not low <= int(value) <= high:
        raise _invalid(f"{name} must be from {low} to {high}.")
    return int(value)


def _invalid(what: str) -> ProblemError:
    return ProblemError(INVALID_ARGUMENT, what=what)
