"""The parts of an email in a call: header fields, attachments, tags, metadata, times."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Final

from penfold.base.errors import ParseError
from penfold.base.limits import (
    SENDING_AHEAD_MS,
    SENDING_ATTACHMENTS_MAX,
    SENDING_EMAIL_MAX_BYTES,
    SENDING_FILENAME_MAX,
    SENDING_HEADER_VALUE_MAX,
    SENDING_HEADERS_MAX,
    SENDING_LATE_MS,
    SENDING_METADATA_MAX,
    SENDING_METADATA_NAME_MAX,
    SENDING_METADATA_VALUE_MAX,
    SENDING_TAG_MAX,
    SENDING_TAGS_MAX,
)
from penfold.domain.sending.content import File
from penfold.domain.sending.findings import INVALID, NOT_ALLOWED, TOO_LONG, TOO_MANY, Findings
from penfold.proto.send_time import parse_send_time, parse_time
from penfold.spec.sending.attachments import is_blocked
from penfold.spec.sending.schemas import Attachment, BufferJson, Tag, Tracking

#: RFC 5322 §2.2: printable ASCII without colon; longer names than 76 leave no room for a value.
_FIELD_NAME: Final = re.compile(r"[!-9;-~]{1,76}")
#: Fields we write, fields that trace and sign, and fields that say what the body is.
_OURS: Final = frozenset({
    "from", "sender", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id",
    "return-path", "received", "delivered-to", "envelope-to", "authentication-results",
    "received-spf", "dkim-signature", "domainkey-signature", "mime-version", "feedback-id",
})  # fmt: skip
_OUR_KINDS: Final = ("content-", "resent-", "arc-", "x-penfold-", "x-original-")
_TAG: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{SENDING_TAG_MAX}}}")
#: RFC 6838 §4.2: the characters of a media type's two names; parameters are ours.
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9][\w.+^$&!#-]{0,126}/[A-Za-z0-9][\w.+^$&!#-]{0,126}")
#: RFC 2392 §2: a Content-ID is an address; a plain word, as Resend's examples have, is common.
_CONTENT_ID: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~@-]{1,128}")
#: Composite types are no files (RFC 2046 §5).
_COMPOSITE: Final = ("multipart/", "message/")


def read_headers(given: Mapping[str, str] | None, findings: Findings) -> dict[str, str]:
    """Return header fields of the caller's own; names that are ours are refused."""
    headers = dict(given or {})
    if len(headers) > SENDING_HEADERS_MAX:
        findings.add("headers", TOO_MANY, f"has more than {SENDING_HEADERS_MAX} fields")
        return {}
    for name, value in headers.items():
        shown = f"headers.{name[:76]}" if name.isprintable() else "headers"
        low = name.lower()
        if not _FIELD_NAME.fullmatch(name):
            findings.add(shown, INVALID, "is not the name of a header field")
        elif low in _OURS or low.startswith(_OUR_KINDS):
            findings.add(shown, NOT_ALLOWED, "is written by the server; leave it out")
        else:
            findings.check_text(shown, value, SENDING_HEADER_VALUE_MAX)
    return headers


def read_files(given: Sequence[Attachment] | None, findings: Findings) -> tuple[File, ...]:
    """Return the attachments with their octets."""
    if len(given or ()) > SENDING_ATTACHMENTS_MAX:
        findings.add("attachments", TOO_MANY, f"has more than {SENDING_ATTACHMENTS_MAX} files")
        return ()
    return tuple(
        _read_file(one, f"attachments[{at}]", findings) for at, one in enumerate(given or ())
    )


def _read_file(given: Attachment, field: str, findings: Findings) -> File:
    content = _read_octets(given.content)
    if content is None:
        findings.add(f"{field}.content", INVALID, "is neither base64 nor a list of octets")
    name = given.filename
    if not name.strip():
        findings.add(f"{field}.filename", INVALID, "is empty")
    elif findings.check_text(f"{field}.filename", name, SENDING_FILENAME_MAX):
        if "/" in name or "\\" in name:
            findings.add(f"{field}.filename", INVALID, "has a path; give the name alone")
        elif is_blocked(name):
            findings.add(
                f"{field}.filename", NOT_ALLOWED, "is of a type that mail servers refuse: a program"
            )
    kind = (given.content_type or "").partition(";")[0].strip().lower()
    if given.content_type and not _MEDIA_TYPE.fullmatch(kind):
        findings.add(f"{field}.content_type", INVALID, "is not a media type such as image/png")
    elif kind.startswith(_COMPOSITE):
        findings.add(f"{field}.content_type", NOT_ALLOWED, "is not the type of a file")
    content_id = (given.content_id or given.inline_content_id or "").strip("<>")
    if content_id and not _CONTENT_ID.fullmatch(content_id):
        findings.add(f"{field}.content_id", INVALID, "has other characters than letters and digits")
    return File(name, content or b"", kind, content_id)


def _read_octets(given: str | list[int] | BufferJson) -> bytes | None:
    try:
        if isinstance(given, str):
            return base64.b64decode("".join(given.split()), validate=True)
        return bytes(given.data if isinstance(given, BufferJson) else given)
    except (ValueError, binascii.Error):
        return None


def check_size(files: Sequence[File], bodies: Sequence[str | None], findings: Findings) -> None:
    """Note an email that is larger than large receivers take, encoded as base64 (RFC 2045 §6.8)."""
    octets = sum(len(one.content) for one in files)
    octets += sum(len(body.encode("utf-8", "replace")) for body in bodies if body)
    if octets * 78 // 57 > SENDING_EMAIL_MAX_BYTES:
        field = "attachments" if files else "html"
        findings.add(
            field, TOO_LONG, f"makes the email larger than {SENDING_EMAIL_MAX_BYTES >> 20} MiB"
        )


def read_tags(given: Sequence[Tag] | None, findings: Findings) -> dict[str, str]:
    tags: dict[str, str] = {}
    if len(given or ()) > SENDING_TAGS_MAX:
        findings.add("tags", TOO_MANY, f"has more than {SENDING_TAGS_MAX} tags")
        return {}
    for at, tag in enumerate(given or ()):
        if not _TAG.fullmatch(tag.name) or (tag.value and not _TAG.fullmatch(tag.value)):
            findings.add(
                f"tags[{at}]",
                INVALID,
                f"has other characters than letters, digits, _ and -, or over {SENDING_TAG_MAX}",
            )
        elif tag.name in tags:
            findings.add(f"tags[{at}]", INVALID, "has the name of a tag before it")
        else:
            tags[tag.name] = tag.value
    return tags


def read_metadata(
    given: Mapping[str, str] | None, findings: Findings, field: str = "metadata"
) -> dict[str, str]:
    metadata = dict(given or {})
    if len(metadata) > SENDING_METADATA_MAX:
        findings.add(field, TOO_MANY, f"has more than {SENDING_METADATA_MAX} members")
    elif any(len(name) > SENDING_METADATA_NAME_MAX for name in metadata):
        findings.add(field, TOO_LONG, f"has a name of over {SENDING_METADATA_NAME_MAX} characters")
    elif any(len(value) > SENDING_METADATA_VALUE_MAX for value in metadata.values()):
        findings.add(
            field, TOO_LONG, f"has a value of over {SENDING_METADATA_VALUE_MAX} characters"
        )
    return metadata


def read_schedule(text: str | None, findings: Findings, *, now_ms: int) -> int:
    """Return when an email is to be sent, 0 for at once."""
    if text is None:
        return 0
    try:
        at_ms = parse_send_time(text, now_ms=now_ms)
    except ParseError:
        findings.add("scheduled_at", INVALID, "is not a time such as 2026-11-28T09:30:00Z")
        return 0
    if at_ms < now_ms - SENDING_LATE_MS:
        findings.add("scheduled_at", INVALID, "is in the past; leave it out to send at once")
    elif at_ms > now_ms + SENDING_AHEAD_MS:
        findings.add("scheduled_at", INVALID, "is more than 30 days ahead")
    return at_ms if at_ms > now_ms else 0


def read_expiry(text: str | None, findings: Findings, *, after_ms: int) -> int:
    """Return after when an email is not to be delivered, 0 for no such time."""
    if text is None:
        return 0
    try:
        at_ms = parse_time(text)
    except ParseError:
        findings.add("expires_at", INVALID, "is not a time such as 2026-11-28T09:30:00Z")
        return 0
    if at_ms <= after_ms:
        findings.add("expires_at", INVALID, "is not after the time the email is sent")
    return at_ms


def read_tracking(given: Tracking | None) -> dict[str, bool]:
    """Return what is said of `opens` and `clicks`."""
    said = {} if given is None else {"opens": given.opens, "clicks": given.clicks}
    return {name: value for name, value in said.items() if value is not None}
