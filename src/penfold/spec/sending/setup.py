"""The JSON objects of what an account sets up once: domains, streams and webhooks; see schemas."""

from typing import Annotated

from msgspec import Meta, field

from penfold.spec.sending.schemas import Asked, Given, Time, Tracked, Tracking

# --- domains


class NewDomain(Asked, frozen=True, kw_only=True):
    name: Annotated[str, Meta(description="Such as shop.example.")]


class DnsRecord(Given, frozen=True, kw_only=True):
    """record: what it is for. status: pending (nobody has looked), verified, missing, wrong, or
    unanswered (the DNS said nothing). required: no mail leaves without it.
    """

    record: str
    name: str
    type: str
    value: str
    status: str
    required: bool


class Domain(Given, frozen=True, kw_only=True):
    """status: pending, verified or failed. failing_since: a required record is wrong since then."""

    object: str
    id: str
    name: str
    status: str
    created_at: str
    verified_at: str | None
    checked_at: str | None
    failing_since: str | None
    records: list[DnsRecord]


class DomainList(Given, frozen=True, kw_only=True):
    object: str
    has_more: bool
    data: list[Domain]


# --- streams


class NewStream(Asked, frozen=True, kw_only=True):
    """kind: transactional or broadcast. ttl: seconds a mail is worth delivering, 0 for no end.

    unsubscribe: its mail says how to get no more; broadcast always does. priority: high, normal or
    low, which leaves first; that of the stream every account has by this name, else low for
    broadcast, else normal. per_hour: recipients, 0 for no limit. warmup: begin with few an hour and
    send more each day.
    """

    name: str
    kind: str = "transactional"
    ttl: int = 0
    unsubscribe: bool | None = None
    priority: str | None = None
    per_hour: int = 0
    warmup: bool = False
    tracking: Tracking | None = None


class ChangeStream(Asked, frozen=True, kw_only=True):
    """What is left out stays as it is. warmup: true begins anew."""

    kind: str | None = None
    ttl: int | None = None
    unsubscribe: bool | None = None
    priority: str | None = None
    per_hour: int | None = None
    warmup: bool | None = None
    tracking: Tracking | None = None


class Stream(Given, frozen=True, kw_only=True):
    """built_in: every account has it. limit: recipients an hour today, null for no limit."""

    object: str
    id: str
    name: str
    kind: str
    ttl: int
    unsubscribe: bool
    priority: str
    tracking: Tracked
    per_hour: int
    warmup_since: str | None
    limit: int | None
    built_in: bool


class StreamList(Given, frozen=True, kw_only=True):
    object: str
    data: list[Stream]


# --- webhooks


class NewWebhook(Asked, frozen=True, kw_only=True):
    """events: none for all there are."""

    endpoint: Annotated[str, Meta(description="Where events are posted to; https.")]
    events: Annotated[list[str], Meta(description="Such as `email.bounced`.")] = field(
        default_factory=list
    )


class ChangeWebhook(Asked, frozen=True, kw_only=True):
    """What is left out stays as it is. status: enabled or disabled.

    webhook_id: Resend's Python SDK sends it; the path counts.
    """

    endpoint: str | None = None
    events: list[str] | None = None
    status: str | None = None
    webhook_id: str = ""


class WebhookSecret(Given, frozen=True, kw_only=True):
    """signing_secret: shown this once."""

    object: str
    id: str
    signing_secret: str


class Webhook(Given, frozen=True, kw_only=True):
    """failing_since: since when no event was taken. disabled_reason: why it is disabled."""

    object: str
    id: str
    created_at: str
    endpoint: str
    events: list[str]
    status: str
    failing_since: str | None
    disabled_at: str | None
    disabled_reason: str | None


class WebhookList(Given, frozen=True, kw_only=True):
    object: str
    has_more: bool
    data: list[Webhook]


class WebhookTest(Given, frozen=True, kw_only=True):
    """event_id: the webhook-id it comes with."""

    object: str
    id: str
    event_id: str


class Replay(Asked, frozen=True, kw_only=True):
    """One event, or those of a time. after: `last` of the page before."""

    event_id: str = ""
    since: Time | None = None
    until: Annotated[Time, Meta(description="Now unless said otherwise.")] | None = None
    after: str = ""


class Replayed(Given, frozen=True, kw_only=True):
    """replayed: events that will be told again. last: the id of the last of them."""

    object: str
    id: str
    replayed: int
    last: str
    has_more: bool


class WebhookAttempt(Given, frozen=True, kw_only=True):
    """status: of HTTP, 0 without an answer. outcome: in words, "" for one that was taken."""

    at: str
    status: int
    outcome: str
    duration_ms: int


class WebhookDelivery(Given, frozen=True, kw_only=True):
    """An event on its way. state: waiting, delivered or failed. type: "" once it is forgotten."""

    id: str
    event_id: str
    type: str
    state: str
    replay: bool
    created_at: str
    next_attempt_at: str | None
    attempts: list[WebhookAttempt]


class WebhookDeliveryList(Given, frozen=True, kw_only=True):
    object: str
    has_more: bool
    data: list[WebhookDelivery]
