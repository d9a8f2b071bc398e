"""A report of others in short, from the message that brought it: pure."""

import hashlib
from collections import Counter
from typing import Final

from penfold.base.limits import REPORT_FINDINGS_MAX, REPORT_SOURCES_MAX
from penfold.ports.reports import Finding, Report, ReportKind, Source
from penfold.proto.address import domain_of
from penfold.proto.mime.scan import scan
from penfold.proto.reports.complaints import FeedbackReport, find_feedback
from penfold.proto.reports.dmarc_report import DmarcRecord, DmarcReport
from penfold.proto.reports.statistics import find_statistics
from penfold.proto.reports.tls_report import TlsReport

#: What every reader of JSON holds exactly, and the year 2200: strangers write any number.
_COUNT_MAX: Final = 1 << 53
_LAST_MS: Final = 7_258_118_400_000
_PASS: Final = "pass"  # noqa: S105 - a result of DMARC


def find_report(raw: bytes) -> Report | None:
    """Return the report in a message in short; None when there is none that can be read."""
    root = scan(raw)
    found = find_statistics(raw, root) or find_feedback(raw, root)
    match found:
        case DmarcReport():
            return _sum_dmarc(found)
        case TlsReport():
            return _sum_tls(found)
        case FeedbackReport():
            return _sum_complaint(found, raw)
        case None:
            return None


def _sum_dmarc(found: DmarcReport) -> Report:
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for record in found.records:
        (passed if _has_passed(record) else failed)[record.source_ip] += record.count
    addresses = sorted({*passed, *failed}, key=lambda each: (-passed[each] - failed[each], each))
    shown = addresses[:REPORT_SOURCES_MAX]
    return Report(
        kind=ReportKind.DMARC,
        reporter=found.reporter,
        domain=found.policy.domain,
        report_id=found.report_id or f"{found.begin_s}-{found.end_s}",
        begin_ms=_bound_ms(1000 * found.begin_s),
        end_ms=_bound_ms(1000 * found.end_s),
        passed=_bound(passed.total()),
        failed=_bound(failed.total()),
        sources=tuple(Source(each, _bound(passed[each]), _bound(failed[each])) for each in shown),
        left_out=len(addresses) - len(shown) + found.damaged + found.omitted,
    )


def _has_passed(record: DmarcRecord) -> bool:
    """Return whether DMARC passed: one of the two is enough."""
    return _PASS in (record.dkim, record.spf)


def _sum_tls(found: TlsReport) -> Report:
    counts: Counter[tuple[str, str]] = Counter()
    for policy in found.policies:
        for each in policy.details:
            counts[each.result, each.receiving_mx] += each.sessions
    shown = counts.most_common(REPORT_FINDINGS_MAX)
    return Report(
        kind=ReportKind.TLS,
        reporter=found.reporter,
        domain=next((policy.domain for policy in found.policies if policy.domain), ""),
        report_id=found.report_id or f"{found.begin_s}-{found.end_s}",
        begin_ms=_bound_ms(1000 * found.begin_s),
        end_ms=_bound_ms(1000 * found.end_s),
        passed=_bound(sum(policy.successes for policy in found.policies)),
        failed=_bound(sum(policy.failures for policy in found.policies)),
        findings=tuple(Finding(what, _bound(count), where) for (what, where), count in shown),
        left_out=len(counts) - len(shown),
    )


def _sum_complaint(found: FeedbackReport, raw: bytes) -> Report:
    domain = found.domains[0].lower() if found.domains else domain_of(found.sender).lower()
    about = (
        ("type", found.kind),
        ("sender", found.find_return_path()),
        ("recipient", ", ".join(found.recipients[:REPORT_FINDINGS_MAX])),
        ("source", found.source_ip),
        ("message_id", found.message_id),
        ("auth_failure", found.auth_failure),
    )
    return Report(
        kind=ReportKind.COMPLAINT,
        reporter=found.reporting_mta or found.user_agent,
        domain=domain,
        # A complaint has no id, and what it is about may be blacked out.
        report_id=hashlib.sha256(raw).hexdigest(),
        begin_ms=_bound_ms(found.arrival_ms or 0),
        end_ms=_bound_ms(found.arrival_ms or 0),
        failed=found.incidents,
        about=tuple((name, value) for name, value in about if value),
    )


def _bound(count: int) -> int:
    return min(count, _COUNT_MAX)


def _bound_ms(at_ms: int) -> int:
    """Return a moment, 0 for one that cannot be meant."""
    return at_ms if 0 < at_ms < _LAST_MS else 0
