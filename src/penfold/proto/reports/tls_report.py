"""Reports on TLS towards our mail servers (RFC 8460 §4.4): JSON, mostly in gzip.

Senders of such reports differ in what they make a list and what a text; both are read. Numbers
below zero and beyond 2**53 are 0.
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import REPORT_VALUE_MAX, TLS_FAILURES_MAX, TLS_POLICIES_MAX
from penfold.proto.mime.words import strip_controls
from penfold.proto.reports.unpack import unpack_report

_COUNT_MAX: Final = 1 << 53


class TlsFailure(Struct, frozen=True, gc=False):
    """Sessions that failed in one way (RFC 8460 §4.3): "certificate-expired", …"""

    result: str
    sessions: int
    sending_ip: str = ""
    receiving_mx: str = ""
    receiving_ip: str = ""
    receiving_helo: str = ""
    information: str = ""
    reason: str = ""


class TlsPolicy(Struct, frozen=True, gc=False):
    """What was asked of TLS, and how often it worked. kind: "sts", "tlsa" or "no-policy-found"."""

    kind: str
    domain: str
    lines: tuple[str, ...]
    mx_hosts: tuple[str, ...]
    successes: int
    failures: int
    details: tuple[TlsFailure, ...]


class TlsReport(Struct, frozen=True, gc=False):
    """A TLS report. begin_s, end_s: epoch seconds, 0 when unusable."""

    reporter: str
    contact: str
    report_id: str
    begin_s: int
    end_s: int
    policies: tuple[TlsPolicy, ...]


_Wire = dict[str, Any]


def parse_tls_report(data: bytes) -> TlsReport:
    """Return a report from JSON, plain or in gzip.

    ParseError when it is not one, is damaged or too large.
    """
    try:
        root = msgspec.json.decode(unpack_report(data), type=_Wire)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ParseError("no JSON object") from error
    policies = root.get("policies")
    if not isinstance(policies, list):
        raise ParseError("no TLS report")
    dates = _object(root, "date-range")
    left = TLS_FAILURES_MAX
    found = []
    for each in policies[:TLS_POLICIES_MAX]:
        policy = _read_policy(each, left)
        left -= len(policy.details)
        found.append(policy)
    return TlsReport(
        reporter=_text(root, "organization-name"),
        contact=_text(root, "contact-info"),
        report_id=_text(root, "report-id"),
        begin_s=_read_time(_text(dates, "start-datetime")),
        end_s=_read_time(_text(dates, "end-datetime")),
        policies=tuple(found),
    )


def _read_policy(entry: object, most: int) -> TlsPolicy:
    entry = entry if isinstance(entry, dict) else {}
    policy, summary = _object(entry, "policy"), _object(entry, "summary")
    details = entry.get("failure-details")
    return TlsPolicy(
        kind=_text(policy, "policy-type").lower(),
        domain=_text(policy, "policy-domain").lower().rstrip("."),
        lines=_texts(policy, "policy-string"),
        mx_hosts=_texts(policy, "mx-host") or _texts(policy, "mx-host-pattern"),
        successes=_count(summary, "total-successful-session-count"),
        failures=_count(summary, "total-failure-session-count"),
        details=tuple(
            _read_failure(each)
            for each in (details if isinstance(details, list) else [])[: max(most, 0)]
            if isinstance(each, dict)
        ),
    )


def _read_failure(entry: _Wire) -> TlsFailure:
    return TlsFailure(
        result=_text(entry, "result-type").lower(),
        sessions=_count(entry, "failed-session-count"),
        sending_ip=_text(entry, "sending-mta-ip"),
        receiving_mx=_text(entry, "receiving-mx-hostname").lower().rstrip("."),
        receiving_ip=_text(entry, "receiving-ip"),
        receiving_helo=_text(entry, "receiving-mx-helo"),
        # RFC 8460 §4.4 says additional-information; its example writes -info.
        information=_text(entry, "additional-information") or _text(entry, "additional-info"),
        reason=_text(entry, "failure-reason-code"),
    )


def _object(entry: _Wire, name: str) -> _Wire:
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def _text(entry: _Wire, name: str) -> str:
    value = entry.get(name)
    return _clean(value) if isinstance(value, str) else ""


def _texts(entry: _Wire, name: str) -> tuple[str, ...]:
    value = entry.get(name)
    values = value if isinstance(value, list) else [value]
    return tuple(_clean(each) for each in values[:TLS_POLICIES_MAX] if isinstance(each, str))


def _clean(text: str) -> str:
    return " ".join(strip_controls(text[:REPORT_VALUE_MAX]).split())


def _count(entry: _Wire, name: str) -> int:
    value = entry.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 17:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 <= value <= _COUNT_MAX else 0


def _read_time(text: str) -> int:
    """Return epoch seconds of an RFC 3339 time, 0 when it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return max(int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()), 0)
    except (ValueError, OverflowError):
        return 0
