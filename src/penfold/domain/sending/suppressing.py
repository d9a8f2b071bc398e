"""Suppressions somebody sets and lifts by hand. A complaint is lifted by nobody but by its id."""

from collections.abc import Sequence

from penfold.base.chance import Chance
from penfold.base.errors import ParseError
from penfold.base.limits import SENDING_NAME_MAX, SENDING_PAGE_MAX
from penfold.domain.sending.accept import make_id
from penfold.domain.sending.findings import INVALID, NOT_ALLOWED, Findings
from penfold.domain.sending.parts import read_expiry
from penfold.ports.sending.book import SendingBook, SendingReader, SendingWriter
from penfold.ports.sending.suppressions import Reason, Scope, Suppression
from penfold.proto.address import canonical, parse_domain, parse_mailbox
from penfold.spec.sending.schemas import NewSuppression

#: Characters of a remark.
_NOTE_MAX = 4 * SENDING_NAME_MAX


def read_suppression(
    given: NewSuppression, account_id: str, findings: Findings, *, now_ms: int, chance: Chance
) -> Suppression | None:
    """Return what is to be stored; None when something is wrong with it."""
    address = _read_address(given.email, findings)
    scope, value = _read_scope(given, findings)
    reason = next((one for one in Reason if one.value == given.reason), None)
    if reason is None:
        findings.add("reason", INVALID, f"is one of {', '.join(Reason)}")
    findings.check_text("note", given.note, _NOTE_MAX)
    expires_ms = read_expiry(given.expires_at, findings, after_ms=now_ms)
    if findings or scope is None or reason is None:
        return None
    return Suppression(
        make_id(chance), account_id, address, scope, value, reason, now_ms, expires_ms,
        note=given.note,
    )  # fmt: skip


def put_all(book: SendingBook, suppressions: Sequence[Suppression]) -> list[Suppression]:
    """Store all in one transaction and return what stands there now."""
    return book.change(lambda writer: [writer.put_suppression(one) for one in suppressions])


def find_one(book: SendingReader, account_id: str, name: str) -> Suppression | None:
    """Return a suppression by its id, or the newest of an address."""
    if "@" not in name:
        return book.find_suppression(name, account_id)
    found = book.list_suppressions(account_id, address=canonical(name), limit=1)
    return found[0] if found else None


def lift(writer: SendingWriter, account_id: str, name: str) -> str:
    """Remove a suppression by its id, or all of an address but complaints; return the id of one.

    "": there was none.
    """
    if "@" not in name:
        return name if writer.delete_suppression(name, account_id) else ""
    found = writer.list_suppressions(account_id, address=canonical(name), limit=SENDING_PAGE_MAX)
    gone = [one for one in found if one.reason is not Reason.COMPLAINT]
    for one in gone:
        writer.delete_suppression(one.id, account_id)
    return gone[0].id if gone else ""


def _read_address(text: str, findings: Findings) -> str:
    try:
        return canonical(parse_mailbox(text.strip()))
    except ParseError:
        findings.add("email", INVALID, "is not an address such as kim@example.org")
        return ""


def _read_scope(given: NewSuppression, findings: Findings) -> tuple[Scope | None, str]:
    scope = next((one for one in Scope if one.value == given.scope), None)
    if scope is None:
        findings.add("scope", INVALID, f"is one of {', '.join(Scope)}")
        return None, ""
    if scope is Scope.ACCOUNT:
        if given.value:
            findings.add("value", NOT_ALLOWED, "is for the scopes domain and stream")
        return scope, ""
    if scope is Scope.STREAM:
        if not given.value or not findings.check_text("value", given.value, SENDING_NAME_MAX):
            findings.add("value", INVALID, "has to be the name of a stream")
        return scope, given.value
    try:
        return scope, parse_domain(given.value)
    except ParseError:
        findings.add("value", INVALID, "has to be the domain of a sender")
        return scope, ""
