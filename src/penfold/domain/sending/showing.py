"""Records as the API, webhooks and exports show them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import UNSET, UnsetType

from penfold.domain.sending.content import Content
from penfold.domain.sending.keys import Shown
from penfold.ports.sending.emails import Email, Recipient
from penfold.ports.sending.events import Event
from penfold.ports.sending.suppressions import Suppression
from penfold.spec.sending import schemas

#: Before the kind of an event about an email; others have a dot already.
PREFIX = "email."


def show_time(ms: int) -> str:
    """Return a moment in RFC 3339 §5.6, UTC, with milliseconds."""
    text = datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ms % 1000:03}Z"


def show_maybe(ms: int) -> str | None:
    return show_time(ms) if ms else None


def show_email(
    email: Email,
    *,
    content: Content | None = None,
    recipients: Sequence[Recipient] | None = None,
    events: Sequence[Event] | None = None,
) -> schemas.Email:
    return schemas.Email(
        object="email",
        id=email.id,
        from_=email.sender,
        to=list(email.to),
        cc=list(email.cc),
        bcc=list(email.bcc),
        reply_to=list(email.reply_to),
        subject=email.subject,
        html=content.html if content else None,
        text=content.text if content else None,
        created_at=show_time(email.created_ms),
        last_event=email.last_event,
        scheduled_at=show_maybe(email.scheduled_ms),
        expires_at=show_maybe(email.expires_ms),
        message_id=f"<{email.message_id}>" if email.message_id else "",
        stream=email.stream,
        tags=[{"name": name, "value": value} for name, value in email.tags.items()],
        metadata=email.metadata,
        test=email.test,
        tracking=schemas.Tracked(opens=email.opens, clicks=email.clicks),
        template=_template(email),
        recipients=UNSET if recipients is None else [_recipient(one) for one in recipients],
        events=UNSET if events is None else [show_event(one) for one in events],
    )


def _template(email: Email) -> schemas.UsedTemplate | UnsetType:
    if not email.template_id:
        return UNSET
    return schemas.UsedTemplate(id=email.template_id, version=email.template_version)


def _recipient(one: Recipient) -> schemas.RecipientState:
    return schemas.RecipientState(
        email=one.address, kind=one.kind, last_event=one.last_event, final=one.final
    )


def event_type(kind: str) -> str:
    """Return `email.delivered` for delivered; `domain.dns_error` stays as it is."""
    return kind if "." in kind else PREFIX + kind


def show_event(event: Event) -> schemas.Event:
    return schemas.Event(
        id=event.id,
        type=event_type(event.kind),
        created_at=show_time(event.at_ms),
        email_id=event.email_id,
        recipient=event.address,
        data=event.data,
    )


def show_suppression(one: Suppression) -> schemas.Suppression:
    return schemas.Suppression(
        object="suppression",
        id=one.id,
        email=one.address,
        scope=one.scope.value,
        value=one.value,
        origin=one.reason.value,
        source_id=one.event or None,
        created_at=show_time(one.created_ms),
        expires_at=show_maybe(one.expires_ms),
        note=one.note,
    )


def show_key(shown: Shown) -> schemas.Key:
    key = shown.key
    return schemas.Key(
        object="api_key",
        id=key.id,
        name=key.name,
        created_at=show_time(key.created_ms),
        last4=[one.last4 for one in shown.secrets],
        test=key.test,
        scopes=list(key.scopes),
        domains=list(key.domains),
        streams=list(key.streams),
        networks=list(key.networks),
        expires_at=show_maybe(key.expires_ms),
        revoked_at=show_maybe(key.revoked_ms),
        last_used_at=show_maybe(max((one.used_ms for one in shown.secrets), default=0)),
    )
