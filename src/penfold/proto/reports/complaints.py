"""Complaints and authentication failures that providers report about single messages (RFC 5965).

A feedback report is a multipart/report whose second part has the fields and whose third is the
message or its header. Providers leave out or black out addresses; what is missing is "". RFC 6591
adds fields for messages that failed DKIM, SPF or DMARC, which DMARC's failure reports use.

Like a bounce, it proves nothing about itself. Never raises; linear in the message.
"""

from typing import Final

from msgspec import Struct

from penfold.base.limits import REPORT_RECIPIENTS_MAX
from penfold.proto.mime.dates import parse_date_ms
from penfold.proto.mime.model import Part
from penfold.proto.mime.scan import scan
from penfold.proto.reports.blocks import (
    Field,
    decode_start,
    find_by_type,
    find_message_id,
    find_value,
    read_blocks,
    read_returned,
)

_TYPES: Final = frozenset({"message/feedback-report"})
_COUNT_DIGITS_MAX: Final = 9


class FeedbackReport(Struct, frozen=True, gc=False):
    """What a feedback report says (RFC 5965 §3).

    kind: "abuse", "fraud", "virus", "not-spam", "opt-out", "auth-failure" or another, lower case.
    recipients: Original-Rcpt-To, often blacked out. incidents: how many, at least 1. auth_failure
    and delivery_result: of RFC 6591 §3. message_id: of the message it is about, "" if unknown;
    returned: its header. arrival_ms: epoch milliseconds.
    """

    kind: str
    user_agent: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    arrival_ms: int | None = None
    reporting_mta: str = ""
    source_ip: str = ""
    incidents: int = 1
    domains: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    authentication: tuple[str, ...] = ()
    auth_failure: str = ""
    delivery_result: str = ""
    envelope_id: str = ""
    message_id: str = ""
    returned: tuple[Field, ...] = ()

    def find_return_path(self) -> str:
        """Return the reverse-path the message came with, "" when neither place says it."""
        path = next((value for name, value in self.returned if name.lower() == "return-path"), "")
        return self.sender or _bare(path)


def find_feedback(raw: bytes, root: Part | None = None) -> FeedbackReport | None:
    """Return what a feedback report says; None when the message is none.

    root: the message's tree, when it is known already.
    """
    root = scan(raw) if root is None else root
    part = find_by_type(root, _TYPES)
    if part is None:
        return None
    # RFC 5965 §3.1 has one block; some write a blank line into it.
    fields = [field for block in read_blocks(decode_start(raw, part)) for field in block]
    kind = find_value(fields, "feedback-type").lower()
    if not kind:
        return None
    returned = read_returned(raw, root)
    return FeedbackReport(
        kind=kind,
        user_agent=find_value(fields, "user-agent"),
        sender=_bare(find_value(fields, "original-mail-from")),
        recipients=tuple(map(_bare, _list_values(fields, "original-rcpt-to"))),
        arrival_ms=_find_arrival(fields),
        reporting_mta=find_value(fields, "reporting-mta").rpartition(";")[2].strip(),
        source_ip=find_value(fields, "source-ip"),
        incidents=_read_count(find_value(fields, "incidents")),
        domains=_list_values(fields, "reported-domain"),
        uris=_list_values(fields, "reported-uri"),
        authentication=_list_values(fields, "authentication-results"),
        auth_failure=find_value(fields, "auth-failure").lower(),
        delivery_result=find_value(fields, "delivery-result").lower(),
        envelope_id=find_value(fields, "original-envelope-id"),
        message_id=find_message_id(returned, "message-id"),
        returned=returned,
    )


def _list_values(fields: list[Field], name: str) -> tuple[str, ...]:
    values = [value for key, value in fields if key == name]
    return tuple(values[:REPORT_RECIPIENTS_MAX])


def _find_arrival(fields: list[Field]) -> int | None:
    # RFC 5965 §3.2 names Arrival-Date; Received-Date is what its drafts called it.
    value = find_value(fields, "arrival-date") or find_value(fields, "received-date")
    return parse_date_ms(value)


def _bare(value: str) -> str:
    return value.strip().removeprefix("<").removesuffix(">")


def _read_count(value: str) -> int:
    digits = value.strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > _COUNT_DIGITS_MAX:
        return 1
    return max(int(digits), 1)
