"""The JSON objects of what an account sets up once: domains and streams; see schemas."""

from typing import Annotated

from msgspec import Meta

from penfold.spec.sending.schemas import Asked, Given, Tracked, Tracking

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
