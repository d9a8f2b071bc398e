"""From a call to emails ready to be accepted, or to everything that is wrong with it."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.limits import (
    SENDING_BATCH_MAX,
    SENDING_PART_MAX_BYTES,
    SENDING_RECIPIENTS_MAX,
    SENDING_REPLY_TO_MAX,
    SENDING_SUBJECT_MAX,
)
from penfold.domain.sending.addresses import Named, list_once, read_address, read_addresses
from penfold.domain.sending.caller import Caller
from penfold.domain.sending.content import Content, pack_content
from penfold.domain.sending.findings import REQUIRED, TOO_LONG, TOO_MANY, Findings
from penfold.domain.sending.parts import (
    check_size,
    read_expiry,
    read_files,
    read_headers,
    read_metadata,
    read_schedule,
    read_tags,
    read_tracking,
)
from penfold.domain.sending.template_use import (
    Addressed,
    check_together,
    fill,
    read_template,
    split,
)
from penfold.ports.sending.emails import Email, EmailState, NewEmail
from penfold.ports.sending.records import Stream
from penfold.proto.address import domain_of
from penfold.spec.sending.schemas import Personal, SendEmail, SendRaw


class Draft(Struct, frozen=True):
    """An email that may be accepted; it has neither id nor number. domain: of its sender."""

    new: NewEmail
    domain: str


def check_email(body: SendEmail, caller: Caller, findings: Findings, *, now_ms: int) -> list[Draft]:
    """Return one email, or one for each of `recipients`; [] when something is wrong."""
    sender = read_address(body.from_, "from", findings)
    domain = domain_of(sender.address) if sender else ""
    if sender:
        caller.check_domain(domain, findings)
    if not body.subject.strip() and body.template is None:
        findings.add("subject", REQUIRED, "is empty")
    findings.check_text("subject", body.subject, SENDING_SUBJECT_MAX)
    template = read_template(body, caller.shelf, findings)
    content = _read_content(body, findings)
    reply_to = read_addresses(body.reply_to, "reply_to", SENDING_REPLY_TO_MAX, findings)
    email = replace(
        read_about(body, caller, findings, now_ms=now_ms),
        sender=body.from_.strip(),
        subject=body.subject,
        reply_to=tuple(one.written for one in reply_to),
    )
    if body.recipients is not None:
        emails = _read_personal(body, email, body.recipients, findings)
    else:
        emails = _read_shared(body, email, findings)
    if template and caller.shelf and all(one.addresses for one in emails):
        filled = fill(body, template, caller.shelf, content, emails, findings)
    elif not findings:
        packed = pack_content(content)
        check_together(len(packed) * len(emails), findings)
        filled = [(one.email, packed) for one in emails]
    if findings:
        return []
    return [
        Draft(NewEmail(email, packed, one.addresses), domain)
        for one, (email, packed) in zip(emails, filled, strict=True)
    ]


def _apply_stream(email: Email, stream: Stream | None, expires_ms: int, *, now_ms: int) -> Email:
    """Return the email with what its stream says."""
    if stream is not None and stream.ttl_s:
        until_ms = (email.scheduled_ms or now_ms) + 1000 * stream.ttl_s
        expires_ms = min(expires_ms, until_ms) if expires_ms else until_ms
    if stream is None:
        return replace(email, expires_ms=expires_ms)
    return replace(
        email,
        expires_ms=expires_ms,
        unsubscribe=stream.unsubscribe,
        opens=stream.opens,
        clicks=stream.clicks,
        priority=stream.priority,
    )


def read_about(
    body: SendEmail | SendRaw, caller: Caller, findings: Findings, *, now_ms: int
) -> Email:
    """Return an email with what both kinds of calls have in common."""
    stream = caller.read_stream(body.stream, findings)
    scheduled_ms = read_schedule(body.scheduled_at, findings, now_ms=now_ms)
    expires_ms = read_expiry(body.expires_at, findings, after_ms=scheduled_ms or now_ms)
    email = Email(
        0,
        "",
        caller.key.account_id,
        caller.key.id,
        "",
        "",
        now_ms,
        stream=body.stream,
        test=caller.key.test,
        state=EmailState.SCHEDULED if scheduled_ms else EmailState.QUEUED,
        scheduled_ms=scheduled_ms,
        tags=read_tags(body.tags, findings),
        metadata=read_metadata(body.metadata, findings),
    )
    email = _apply_stream(email, stream, expires_ms, now_ms=now_ms)
    return replace(email, **read_tracking(body.tracking)) if isinstance(body, SendEmail) else email


def _read_content(body: SendEmail, findings: Findings) -> Content:
    if not (body.html or body.text or body.template):
        findings.add("html", REQUIRED, "or `text` has to be there")
    for field, text in (("html", body.html), ("text", body.text)):
        if len((text or "").encode("utf-8", "replace")) > SENDING_PART_MAX_BYTES:
            findings.add(field, TOO_LONG, f"has more than {SENDING_PART_MAX_BYTES} octets")
    files = read_files(body.attachments, findings)
    check_size(files, (body.html, body.text), findings)
    return Content(body.html, body.text, read_headers(body.headers, findings), files)


def _read_shared(body: SendEmail, email: Email, findings: Findings) -> list[Addressed]:
    groups: Mapping[str, Sequence[Named]] = {
        kind: read_addresses(value, kind, SENDING_RECIPIENTS_MAX, findings)
        for kind, value in (("to", body.to), ("cc", body.cc), ("bcc", body.bcc))
    }
    if not body.to:
        findings.add("to", REQUIRED, "is missing; who gets it?")
    addresses = list_once(dict(groups))
    if len(addresses) > SENDING_RECIPIENTS_MAX:
        findings.add("to", TOO_MANY, f"and the others have over {SENDING_RECIPIENTS_MAX} addresses")
    written = {kind: tuple(one.written for one in group) for kind, group in groups.items()}
    whole = replace(email, to=written["to"], cc=written["cc"], bcc=written["bcc"])
    return [Addressed(whole, some) for some in split(whole, addresses)]


def _read_personal(
    body: SendEmail, email: Email, recipients: Sequence[Personal], findings: Findings
) -> list[Addressed]:
    if body.to or body.cc or body.bcc:
        findings.add("recipients", TOO_MANY, "stands in place of to, cc and bcc; leave those out")
    if not recipients:
        findings.add("recipients", REQUIRED, "is empty; who gets it?")
    if len(recipients) > SENDING_BATCH_MAX:
        findings.add("recipients", TOO_MANY, f"has more than {SENDING_BATCH_MAX} items")
        return []
    emails: list[Addressed] = []
    for at, one in enumerate(recipients):
        named = read_address(one.email, f"recipients[{at}].email", findings)
        own = read_metadata(one.metadata, findings, f"recipients[{at}].metadata")
        if named:
            mine = replace(email, to=(named.written,), metadata={**email.metadata, **own})
            field = f"recipients[{at}].variables"
            emails.append(Addressed(mine, ((named.address, "to"),), one.variables, field))
    return emails
