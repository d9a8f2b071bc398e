"""From a whole message to an email ready to be accepted.

Its From says who sends; its To, Cc and Bcc who gets it, unless the call does. Bcc never leaves.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from penfold.base.errors import ParseError
from penfold.base.limits import SENDING_EMAIL_MAX_BYTES, SENDING_RECIPIENTS_MAX
from penfold.domain.mailbox.messages import read_letter
from penfold.domain.sending.addresses import Named, list_once, read_addresses
from penfold.domain.sending.caller import Caller
from penfold.domain.sending.checking import Draft, read_about
from penfold.domain.sending.content import Content, pack_content
from penfold.domain.sending.findings import INVALID, REQUIRED, TOO_LONG, TOO_MANY, Findings
from penfold.domain.sending.template_use import check_together, split
from penfold.ports.sending.emails import Email, NewEmail
from penfold.proto.address import domain_of, parse_address_list, parse_mailbox
from penfold.proto.mime.compose import (
    format_address,
    header_values,
    normalize_crlf,
    remove_headers,
)
from penfold.spec.sending.schemas import SendRaw

#: Never in what leaves: who else got it, and what says it was delivered before.
_DROPPED: Final = ("Bcc", "Resent-Bcc", "Return-Path", "Delivered-To")


def check_raw(body: SendRaw, caller: Caller, findings: Findings, *, now_ms: int) -> list[Draft]:
    """Return the email; [] when something is wrong."""
    email = read_about(body, caller, findings, now_ms=now_ms)
    raw = _decode(body.raw, findings)
    if raw is None:
        return []
    return check_message(
        raw, email, lambda: _read_recipients(body, raw, findings), caller, findings
    )


def check_message(
    raw: bytes,
    email: Email,
    read_groups: Callable[[], Mapping[str, Sequence[Named]]],
    caller: Caller,
    findings: Findings,
) -> list[Draft]:
    """Return an email that is a message and goes to the recipients of the groups."""
    sender = read_from(raw, findings)
    domain = domain_of(sender.address) if sender else ""
    if sender:
        caller.check_domain(domain, findings)
    groups = read_groups()
    addresses = list_once(dict(groups))
    if not addresses:
        findings.add("to", REQUIRED, "is missing, here and in the message; who gets it?")
    if len(addresses) > SENDING_RECIPIENTS_MAX:
        findings.add("to", TOO_MANY, f"has over {SENDING_RECIPIENTS_MAX} addresses")
    if findings or sender is None:
        return []
    summary = read_letter(raw).summary
    written = {kind: tuple(one.written for one in group) for kind, group in groups.items()}
    whole = replace(
        email,
        sender=sender.written,
        subject=summary.subject,
        to=written["to"],
        cc=written["cc"],
        bcc=written["bcc"],
        message_id=summary.message_id,
        raw=True,
        # What was written elsewhere is not changed inside.
        opens=False,
        clicks=False,
    )
    packed = pack_content(Content(raw=remove_headers(raw, _DROPPED)))
    some = split(whole, addresses)
    if not check_together(len(packed) * len(some), findings):
        return []
    return [Draft(NewEmail(whole, packed, each), domain) for each in some]


def _decode(text: str, findings: Findings) -> bytes | None:
    """Return the octets; RFC 4648 §5 with or without padding, as Gmail takes it."""
    plain = "".join(text.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        raw = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        findings.add("raw", INVALID, "is not base64url")
        return None
    if len(raw) > SENDING_EMAIL_MAX_BYTES:
        findings.add("raw", TOO_LONG, f"is larger than {SENDING_EMAIL_MAX_BYTES >> 20} MiB")
        return None
    if not raw.strip():
        findings.add("raw", REQUIRED, "is empty")
        return None
    return normalize_crlf(raw)


def read_from(raw: bytes, findings: Findings) -> Named | None:
    """Return the one author; RFC 5322 §3.6: exactly one From field. Nobody else may be named."""
    values = header_values(raw, "From")
    try:
        found = parse_address_list(values[0], strict=True) if len(values) == 1 else []
        if len(found) == 1:
            return Named(format_address(found[0]), parse_mailbox(found[0].address))
    except ParseError:
        pass
    findings.add("from", INVALID, "of the message has to be one field with one address")
    return None


def _read_recipients(body: SendRaw, raw: bytes, findings: Findings) -> dict[str, list[Named]]:
    if body.to is not None:
        found = read_addresses(body.to, "to", SENDING_RECIPIENTS_MAX, findings)
        return {"to": found, "cc": [], "bcc": []}
    return {kind: read_field(raw, kind, findings) for kind in ("to", "cc", "bcc")}


def read_field(raw: bytes, kind: str, findings: Findings) -> list[Named]:
    try:
        return [
            Named(format_address(one), parse_mailbox(one.address))
            for value in header_values(raw, kind)
            for one in parse_address_list(value, strict=True)
        ]
    except ParseError:
        findings.add(kind, INVALID, "of the message has something that is no address")
        return []
