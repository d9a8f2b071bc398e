"""Statements: get."""

from penfold.domain.sending.findings import INVALID, Findings
from penfold.domain.sending.statement import make_statement, print_csv, print_page
from penfold.front.http.sending.call import Call, Reply, must

_CSV = "text/csv; charset=utf-8"
_PAGE = "text/html; charset=utf-8"


def statements_get(call: Call) -> Reply:
    """A month nobody used has a statement too: of nothing."""
    findings = Findings()
    if call.query.format not in ("csv", "html"):
        findings.add("format", INVALID, "is csv or html")
    findings.raise_any()
    account = must(call.keys.find_account(call.account_id))
    made = must(
        call.book.read(
            lambda book: make_statement(book, call.account_id, account.address, call.id, call.price)
        )
    )
    if call.query.format == "csv":
        return Reply(print_csv(made).encode(), content_type=_CSV)
    return Reply(print_page(made).encode(), content_type=_PAGE)
