"""Stats: get."""

from penfold.domain.sending.findings import Findings
from penfold.domain.sending.stats import make_stats, read_question
from penfold.front.http.sending.call import Call
from penfold.spec.sending.stats import Stats


def stats_get(call: Call) -> Stats:
    findings = Findings()
    asked = read_question(call.query, findings, now_ms=call.now_ms)
    findings.raise_any()
    made = call.book.read(lambda book: make_stats(book, call.account_id, asked, findings))
    findings.raise_any()
    return made
