"""Emails before they are sent: check."""

from penfold.domain.sending.preflight.showing import show_review
from penfold.front.http.sending.call import Call
from penfold.spec.sending.check_schemas import EmailCheck


def emails_check(call: Call) -> EmailCheck:
    """What would be refused is refused, in the same words; the rest is told."""
    return show_review(call.preflight.check(call.body, call.caller))
