"""The JSON objects of the sending API.

Names are those of Resend's API (documented) where it has the thing, ours otherwise; both are in
snake case. A name that is not here is refused. What is said of a member ends up in the OpenAPI
document.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

Time = Annotated[str, Meta(description="RFC 3339, such as 2026-11-28T09:30:00Z.")]
_Addresses = Annotated[
    str | list[str],
    Meta(description="One address or a list; each `kim@example.org` or `Kim <kim@example.org>`."),
]


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller sends."""


class Given(Struct, frozen=True, kw_only=True):
    """What a caller gets."""


# --- sending


class Tag(Asked, frozen=True, kw_only=True):
    """A name statistics are counted by."""

    name: str
    value: str = ""


class BufferJson(Asked, frozen=True, kw_only=True):
    """What JSON.stringify makes of a Node Buffer."""

    type: str
    data: list[int]


class Attachment(Asked, frozen=True, kw_only=True):
    """A file. content_id: shown inside the HTML part, as `cid:…`."""

    filename: str
    content: Annotated[
        str | list[int] | BufferJson, Meta(description="Base64, or a list of octets.")
    ]
    content_type: str | None = None
    content_id: str | None = None
    inline_content_id: str | None = None


class TemplateRef(Asked, frozen=True, kw_only=True):
    """Which template: its id or alias. version: that one, else what is published."""

    id: str | None = None
    alias: str | None = None
    version: int | None = None
    variables: dict[str, Any] | None = None


class Personal(Asked, frozen=True, kw_only=True):
    """A recipient who gets a message of its own. variables: in place of those of the email."""

    email: str
    metadata: dict[str, str] = {}
    variables: dict[str, Any] | None = None


class Tracking(Asked, frozen=True, kw_only=True):
    """Which events are wanted; what is left out is as the stream has it. Of the HTML part alone."""

    opens: bool | None = None
    clicks: bool | None = None


class SendEmail(Asked, frozen=True, kw_only=True, rename={"from_": "from"}):
    """An email to send. `to`, or `recipients` for a message of its own for each.

    `subject` with `html` or `text`, or a `template` with `variables`.
    """

    from_: Annotated[str, Meta(description="`shop@example.org` or `Shop <shop@example.org>`.")]
    to: _Addresses | None = None
    cc: _Addresses | None = None
    bcc: _Addresses | None = None
    reply_to: _Addresses | None = None
    recipients: list[Personal] | None = None
    subject: str = ""
    html: str | None = None
    text: str | None = None
    template: TemplateRef | None = None
    variables: dict[str, Any] | None = None
    headers: dict[str, str] | None = None
    attachments: list[Attachment] | None = None
    tags: list[Tag] | None = None
    metadata: dict[str, str] | None = None
    stream: str = "transactional"
    scheduled_at: (
        Annotated[str, Meta(description="RFC 3339, or words such as `in 10 min`; at most 30 days.")]
        | None
    ) = None
    expires_at: (
        Annotated[Time, Meta(description="Not delivered after that, whatever happens.")] | None
    ) = None
    tracking: Tracking | None = None


class SendRaw(Asked, frozen=True, kw_only=True):
    """A whole message (RFC 5322). Who gets it: `to`, or its To, Cc and Bcc."""

    raw: Annotated[str, Meta(description="Base64url, as `raw` of the Gmail API.")]
    to: _Addresses | None = None
    tags: list[Tag] | None = None
    metadata: dict[str, str] | None = None
    stream: str = "transactional"
    scheduled_at: str | None = None
    expires_at: str | None = None


class Reschedule(Asked, frozen=True, kw_only=True):
    scheduled_at: str
    id: str = ""


class Empty(Asked, frozen=True, kw_only=True):
    """Nothing; SDKs send `{}`."""


class Sent(Given, frozen=True, kw_only=True):
    id: str
    ids: list[str] | UnsetType = UNSET


class ItemError(Given, frozen=True, kw_only=True):
    index: int
    message: str
    name: str


class SentBatch(Given, frozen=True, kw_only=True):
    """data: the accepted ones in their order. errors: the others, with their place (permissive)."""

    data: list[Sent]
    errors: list[ItemError] | UnsetType = UNSET


# --- reading


class Tracked(Given, frozen=True, kw_only=True):
    opens: bool
    clicks: bool


class RecipientState(Given, frozen=True, kw_only=True):
    email: str
    kind: str
    last_event: str = ""
    final: bool = False


class Event(Given, frozen=True, kw_only=True):
    """Something that happened. type: `email.delivered` …"""

    id: str
    type: str
    created_at: str
    email_id: str = ""
    recipient: str = ""
    data: dict[str, Any] = {}


class UsedTemplate(Given, frozen=True, kw_only=True):
    id: str
    version: int


class Email(Given, frozen=True, kw_only=True, rename={"from_": "from"}):
    """html, text: null once they are kept no longer."""

    object: str
    id: str
    from_: str
    to: list[str]
    cc: list[str]
    bcc: list[str]
    reply_to: list[str]
    subject: str
    html: str | None
    text: str | None
    created_at: str
    last_event: str
    scheduled_at: str | None
    expires_at: str | None
    message_id: str
    stream: str
    tags: list[dict[str, str]]
    metadata: dict[str, str]
    test: bool
    tracking: Tracked
    template: UsedTemplate | UnsetType = UNSET
    recipients: list[RecipientState] | UnsetType = UNSET
    events: list[Event] | UnsetType = UNSET


class Reference(Given, frozen=True, kw_only=True):
    """Which thing was changed."""

    object: str
    id: str
    deleted: bool | UnsetType = UNSET


class EmailList(Given, frozen=True, kw_only=True):
    object: str
    has_more: bool
    data: list[Email]


class EventList(Given, frozen=True, kw_only=True):
    object: str
    has_more: bool
    data: list[Event]


# --- suppressions


class NewSuppression(Asked, frozen=True, kw_only=True):
    """scope: account, domain or stream; value: which domain or stream."""

    email: str
    scope: str = "account"
    value: str = ""
    reason: str = "manual"
    expires_at: str | None = None
    note: str = ""


class ImportSuppressions(Asked, frozen=True, kw_only=True):
    data: list[NewSuppression]


class Suppression(Given, frozen=True, kw_only=True):
    """origin, source_id: Resend's names of reason and of the event that caused it."""

    object: str
    id: str
    email: str
    scope: str
    value: str
    origin: str
    source_id: str | None
    created_at: str
    expires_at: str | None
    note: str = ""


class SuppressionList(Given, frozen=True, kw_only=True):
    object: str
    has_more: bool
    data: list[Suppression]


class Imported(Given, frozen=True, kw_only=True):
    object: str
    imported: int


# --- keys


class NewKey(Asked, frozen=True, kw_only=True):
    """permission: Resend's word: full_access (all this key may) or sending_access."""

    name: str
    permission: str | None = None
    scopes: list[str] | None = None
    domains: list[str] = []
    streams: list[str] = []
    networks: list[str] = []
    test: bool = False
    expires_at: str | None = None


class RotateKey(Asked, frozen=True, kw_only=True):
    """grace_s: seconds the old secret is still good for; a day unless said otherwise."""

    grace_s: int | None = None


class Key(Given, frozen=True, kw_only=True):
    object: str
    id: str
    name: str
    created_at: str
    last4: list[str]
    test: bool
    scopes: list[str]
    domains: list[str]
    streams: list[str]
    networks: list[str]
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class KeyList(Given, frozen=True, kw_only=True):
    object: str
    has_more: bool
    data: list[Key]


class Secret(Given, frozen=True, kw_only=True):
    """A secret, which is shown this once."""

    object: str
    id: str
    token: str


# --- usage


class Period(Given, frozen=True, kw_only=True):
    start: str
    end: str


class UsageDay(Given, frozen=True, kw_only=True):
    day: str
    stream: str
    accepted: int
    cost: str


class Usage(Given, frozen=True, kw_only=True):
    """Money is a decimal number in a string. accepted: recipients, none of them suppressed."""

    object: str
    period: Period
    accepted: int
    delivered: int
    cost: str
    currency: str
    unit_price_per_1000: str
    prepaid: bool
    balance: str | None
    soft_limit: str | None
    hard_limit: str | None
    days: list[UsageDay]
