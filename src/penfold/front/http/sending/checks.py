"""Emails before they are sent: check."""

from penfold.domain.sending.checking import check_email
from penfold.domain.sending.content import unpack_content
from penfold.domain.sending.findings import Findings
from penfold.domain.sending.preflight import list_links, measure, review
from penfold.front.http.sending.call import Call
from penfold.spec.sending import schemas


def emails_check(call: Call) -> schemas.EmailCheck:
    """What would be refused is refused, in the same words; the rest is told."""
    findings = Findings()
    drafts = check_email(call.body, call.caller, findings, now_ms=call.now_ms)
    findings.raise_any()
    content = unpack_content(drafts[0].new.content)
    warnings = review(drafts[0], call.caller.find_stream(call.body.stream))
    return schemas.EmailCheck(
        object="check",
        size=measure(content),
        recipients=sum(len(one.new.addresses) for one in drafts),
        links=list_links(content),
        warnings=[
            schemas.EmailWarning(code=one.code, message=one.message, part=one.where)
            for one in warnings
        ],
    )
