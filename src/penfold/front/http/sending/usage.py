"""Usage: get."""

from penfold.domain.sending.findings import Findings
from penfold.domain.sending.usage import read_period, sum_usage
from penfold.front.http.sending.call import Call
from penfold.spec.sending import schemas


def usage_get(call: Call) -> schemas.Usage:
    findings = Findings()
    first, last = read_period(call.query.start, call.query.end, findings, now_ms=call.now_ms)
    findings.raise_any()
    return call.book.read(lambda book: sum_usage(book, call.account_id, first, last, call.price))
