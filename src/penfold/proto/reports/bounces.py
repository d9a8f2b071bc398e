"""Notifications that come back: which message, which recipients, and what happened to them.

Reads RFC 3464 (and RFC 6533 for addresses beyond ASCII) with the deviations of the field: blocks
that are not parted, fields that are missing or misspelt, addresses without type, statuses with
words behind them. Bounces that are no RFC 3464 are known by their texts (bounce_texts.py).

Anybody can write a bounce. What is read here says what somebody claims; whoever acts on it asks
for a return address that nobody can guess (proto/verp.py).

Never raises; linear in the message.
"""

import re
from collections.abc import Iterator
from typing import Final

from penfold.base.limits import REPORT_RECIPIENTS_MAX
from penfold.proto.mime.dates import parse_date_ms
from penfold.proto.mime.model import Part
from penfold.proto.mime.scan import scan
from penfold.proto.reports.action import Action
from penfold.proto.reports.blocks import (
    Field,
    decode_start,
    find_by_type,
    find_message_id,
    find_value,
    read_blocks,
    read_returned,
)
from penfold.proto.reports.bounce_texts import read_text_bounce
from penfold.proto.reports.returned import BounceReport, RecipientStatus
from penfold.proto.smtp.outcomes.classify import Outcome, classify, read_reply
from penfold.proto.smtp.stage import Stage

_STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_ACTIONS: Final = {
    "failed": Action.FAILED, "failure": Action.FAILED, "fail": Action.FAILED,
    "error": Action.FAILED, "undeliverable": Action.FAILED, "delayed": Action.DELAYED,
    "deferred": Action.DELAYED, "delay": Action.DELAYED, "delivered": Action.DELIVERED,
    "success": Action.DELIVERED, "deliverable": Action.DELIVERED, "relayed": Action.RELAYED,
    "expanded": Action.EXPANDED, "expand": Action.EXPANDED,
}  # fmt: skip
#: What the first digit of a status says when the action is missing or nobody knows the word.
_BY_DIGIT: Final = {"2": Action.DELIVERED, "4": Action.DELAYED, "5": Action.FAILED}
#: RFC 3464 §2.3: fields that only a block about a recipient has.
_ADDRESS_FIELDS: Final = frozenset({"final-recipient", "original-recipient", "x-actual-recipient"})
_RESULT_FIELDS: Final = frozenset({"action", "status", "diagnostic-code"})
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_COMMENT = re.compile(r"\(([^()]{1,500})\)")
_TYPED = re.compile(r"\s*([A-Za-z0-9-]{1,40})\s*;\s*(.*)", re.DOTALL)
_EMBEDDED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_WORD = re.compile(r"[a-z]+")


def find_bounce(raw: bytes, root: Part | None = None) -> BounceReport | None:
    """Return what a notification says; None when the message is none.

    root: the message's tree, when it is known already.
    """
    root = scan(raw) if root is None else root
    part = find_by_type(root, _STATUS_TYPES)
    if part is not None and (report := _read_status(raw, root, part)) is not None:
        return report
    return read_text_bounce(raw, root)


def classify_recipient(recipient: RecipientStatus, *, provider: str = "") -> Outcome:
    """Return what to do about a recipient, from the reply that a notification passes on."""
    said = read_reply(recipient.diagnostic)
    # A gateway says 5.0.0 of whatever it was told; the remote server said why.
    enhanced = said.enhanced or recipient.status
    return classify(Stage.REPORT, said.code, enhanced, recipient.diagnostic, provider=provider)


def _read_status(raw: bytes, root: Part, part: Part) -> BounceReport | None:
    message: list[Field] = []
    recipients: list[RecipientStatus] = []
    for fields in _iter_blocks(read_blocks(decode_start(raw, part))):
        if not any(name in _ADDRESS_FIELDS for name, _ in fields):
            message += fields
        elif len(recipients) < REPORT_RECIPIENTS_MAX:
            recipient = _read_recipient(fields)
            if recipient is not None:
                recipients.append(recipient)
            message += fields
    if not recipients:
        return None
    returned = read_returned(raw, root)
    return BounceReport(
        recipients=tuple(recipients),
        reporting_mta=_untyped(find_value(message, "reporting-mta")),
        envelope_id=find_value(message, "original-envelope-id"),
        arrival_ms=parse_date_ms(find_value(message, "arrival-date")),
        message_id=find_message_id(returned, "message-id")
        or find_message_id(message, "original-message-id", "x-original-message-id")
        or find_message_id(root.headers, "in-reply-to", "references"),
        returned=returned,
        source="rfc3464",
    )


def _iter_blocks(blocks: list[list[Field]]) -> Iterator[list[Field]]:
    """Yield a block for each recipient, and others; whatever blank lines there are or lack."""
    current: list[Field] = []
    for block in blocks:
        names = {name for name, _ in block}
        if not (current and names & _RESULT_FIELDS and not names & _ADDRESS_FIELDS):
            yield current
            current = []
        for name, value in block:
            if name == "final-recipient" and find_value(current, name):
                yield current
                current = []
            current.append((name, value))
    yield current


def _read_recipient(fields: list[Field]) -> RecipientStatus | None:
    final = _address(find_value(fields, "final-recipient"))
    original = _address(find_value(fields, "original-recipient"))
    actual = _address(find_value(fields, "x-actual-recipient"))
    if not (final or original or actual):
        return None
    kind, diagnostic = _split_type(find_value(fields, "diagnostic-code"))
    said = find_value(fields, "status")
    status = _STATUS.search(said) or _STATUS.search(diagnostic)
    if not diagnostic and (comment := _COMMENT.search(said)):
        diagnostic = comment[1]  # Status: 5.0.0 (recipient reached disk quota)
    number = status[1] if status else ""
    return RecipientStatus(
        final=final or actual or original,
        original=original,
        action=_read_action(find_value(fields, "action"), number),
        status=number,
        diagnostic=diagnostic,
        diagnostic_type=kind,
        remote_mta=_untyped(find_value(fields, "remote-mta")),
        last_attempt_ms=parse_date_ms(find_value(fields, "last-attempt-date")),
        retry_until_ms=parse_date_ms(find_value(fields, "will-retry-until")),
    )


def _read_action(text: str, status: str) -> Action:
    word = _WORD.match(text.lower())
    if word and word[0] in _ACTIONS:
        return _ACTIONS[word[0]]
    return _BY_DIGIT.get(status[:1], Action.FAILED)


def _split_type(value: str) -> tuple[str, str]:
    """Return the type in lower case and the rest; type "" when there is none."""
    match = _TYPED.fullmatch(value)
    if match is None:
        return "", value.strip()
    return match[1].lower(), match[2].strip()


def _untyped(value: str) -> str:
    return _split_type(value)[1]


def _address(value: str) -> str:
    """Return the address of a field: `rfc822; <a@b>`, `RFC822;a@b` and `a@b` are one."""
    kind, text = _split_type(value)
    if kind == "utf-8":
        text = _EMBEDDED.sub(_to_character, text)
    text = text.strip()
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    return text.strip()


def _to_character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    printable = number <= 0x10FFFF and chr(number).isprintable()
    return chr(number) if printable else match[0]
