"""From a message that came by SMTP to an email ready to be accepted.

The envelope says who gets it, the message's From who sends. Header fields for us say what a call
says in JSON; they are taken off.

    X-Tag: kind=welcome, beta           X-Stream: otp            X-Metadata: {"order": "7"}
    X-Template: welcome                 X-Variables: {"name": "Kim"}
    Idempotency-Key: order-7            X-Track: opens, clicks
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from penfold.base.errors import ParseError
from penfold.base.limits import IDEMPOTENCY_KEY_MAX, SENDING_EMAIL_MAX_BYTES
from penfold.domain.sending.addresses import Named
from penfold.domain.sending.caller import Caller
from penfold.domain.sending.checking import Draft, check_email, read_about
from penfold.domain.sending.checking_raw import check_message, read_from
from penfold.domain.sending.filling import Fill
from penfold.domain.sending.findings import INVALID, NOT_ALLOWED, TOO_LONG, TOO_MANY, Findings
from penfold.proto.address import canonical, parse_address_list, parse_mailbox
from penfold.proto.mime.compose import header_values, normalize_crlf, remove_headers
from penfold.spec.sending.schemas import SendEmail, SendRaw, Tag

TAG: Final = "X-Tag"
STREAM: Final = "X-Stream"
METADATA: Final = "X-Metadata"
TEMPLATE: Final = "X-Template"
VARIABLES: Final = "X-Variables"
KEY: Final = "Idempotency-Key"
TRACK: Final = "X-Track"
#: Ours, in nothing that leaves.
FIELDS: Final = (TAG, STREAM, METADATA, TEMPLATE, VARIABLES, KEY, TRACK)


def read_word(data: bytes) -> str:
    """Return the message's Idempotency-Key; "" without one, or with one that is refused."""
    values = header_values(data, KEY) if len(data) <= SENDING_EMAIL_MAX_BYTES else []
    return values[0] if len(values) == 1 and _is_word(values[0]) else ""


def check_submission(
    data: bytes,
    recipients: Sequence[str],
    caller: Caller,
    findings: Findings,
    *,
    fill: Fill,
    now_ms: int,
) -> list[Draft]:
    """Return the email, none when something is wrong. recipients: of the envelope."""
    if len(data) > SENDING_EMAIL_MAX_BYTES:
        findings.add("message", TOO_LONG, f"is larger than {SENDING_EMAIL_MAX_BYTES >> 20} MiB")
        return []
    said = {name: _read_one(data, name, findings) for name in FIELDS if name != TAG}
    about = SendRaw(
        raw="",
        tags=_read_tags(data),
        metadata=_read_object(said[METADATA], METADATA, dict[str, str], findings) or None,
        stream=said[STREAM] or "transactional",
    )
    if said[KEY] and not _is_word(said[KEY]):
        findings.add(KEY, INVALID, f"has 1 to {IDEMPOTENCY_KEY_MAX} ASCII characters")
    tracking = _read_track(said[TRACK], findings)
    raw = remove_headers(normalize_crlf(data), FIELDS)
    groups = group_recipients(raw, recipients)
    if said[TEMPLATE]:
        members = _fill(
            raw,
            said,
            about,
            groups,
            findings,
            fill=lambda name, variables: fill(caller.key.account_id, name, variables),
        )
        drafts = []
        if members is not None:
            members["tracking"] = tracking
            body = msgspec.convert(members, SendEmail)
            drafts = check_email(body, caller, findings, now_ms=now_ms)
    else:
        email = read_about(about, caller, findings, now_ms=now_ms)
        if any(tracking.values()):
            findings.add(TRACK, NOT_ALLOWED, "is for templates; a message stays as it was written")
        drafts = check_message(raw, email, lambda: groups, caller, findings)
    return [] if findings else drafts


def _is_word(text: str) -> bool:
    return 1 <= len(text) <= IDEMPOTENCY_KEY_MAX and text.isascii()


def group_recipients(raw: bytes, recipients: Sequence[str]) -> dict[str, list[Named]]:
    """Return the recipients by where the message shows them; bcc: nowhere."""
    shown = {
        canonical(one.address): kind
        for kind in ("cc", "to")
        for value in header_values(raw, kind)
        for one in _list_addresses(value)
    }
    groups: dict[str, list[Named]] = {"to": [], "cc": [], "bcc": []}
    for address in recipients:
        named = Named(address, parse_mailbox(address))
        groups[shown.get(canonical(address), "bcc")].append(named)
    return groups


def _list_addresses(value: str) -> Sequence[Any]:
    try:
        return parse_address_list(value, strict=False)
    except ParseError:
        return ()


def _read_one(data: bytes, name: str, findings: Findings) -> str:
    values = header_values(data, name)
    if len(values) > 1:
        findings.add(name, TOO_MANY, "is there more than once")
    return values[0] if values else ""


def _read_tags(data: bytes) -> list[Tag]:
    items = [one.strip() for value in header_values(data, TAG) for one in value.split(",")]
    pairs = [one.partition("=") for one in items if one]
    return [Tag(name=name.strip(), value=value.strip()) for name, _, value in pairs]


def _read_track(text: str, findings: Findings) -> dict[str, bool]:
    """Return what is to be tracked; {} when nothing is said."""
    words = {one.strip().lower() for one in text.split(",") if one.strip()}
    if words - {"opens", "clicks"} and words != {"off"}:
        findings.add(TRACK, INVALID, "is opens, clicks, both with a comma between, or off")
    return {name: name in words for name in ("opens", "clicks")} if words else {}


def _read_object(text: str, name: str, kind: Any, findings: Findings) -> Any:
    try:
        return msgspec.json.decode(text, type=kind) if text else {}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        findings.add(name, INVALID, 'is no JSON object such as {"order": "7"}')
        return {}


def _fill(
    raw: bytes,
    said: Mapping[str, str],
    about: SendRaw,
    groups: Mapping[str, Sequence[Named]],
    findings: Findings,
    *,
    fill: Callable[[str, dict[str, Any]], dict[str, Any] | None],
) -> dict[str, Any] | None:
    """Return the body of a call for a template's email, None when something is wrong.

    Of the message count who sends and who gets it.
    """
    variables = _read_object(said[VARIABLES], VARIABLES, dict[str, Any], findings)
    sender = read_from(raw, findings)
    filled = None if findings else fill(said[TEMPLATE], variables)
    if filled is None and not findings:
        findings.add(TEMPLATE, INVALID, "is no template of this account with a published version")
    if filled is None or sender is None or findings:
        return None
    lists: dict[str, Any] = {
        kind: [one.written for one in group] or None for kind, group in groups.items()
    }
    if lists["to"] is None:
        # Nobody is named in To: each gets a mail of their own, so that none learns of the others.
        each = [{"email": one.written} for group in groups.values() for one in group]
        lists = {"recipients": each}
    return {
        **filled,
        **lists,
        "from": sender.written,
        "reply_to": header_values(raw, "Reply-To") or None,
        "tags": about.tags,
        "metadata": about.metadata,
        "stream": about.stream,
    }
