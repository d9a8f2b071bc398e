"""What the audit log tells about an account, without the names and addresses of who else acted."""

from collections.abc import Iterator

from msgspec import Raw

from penfold.base.acting import SYSTEM, VISITOR
from penfold.base.limits import AUDIT_PAGE_MAX
from penfold.ports.audit import AuditLog, Shown
from penfold.ports.directory import Account
from penfold.ports.pubsub import format_time
from penfold.spec.account_export import AuditEntry

_SELF = "self"
#: How the name of who typed commands on the machine begins (base.acting).
_OPERATOR = "operator"


def iter_audited(log: AuditLog, account: Account) -> Iterator[AuditEntry]:
    """Yield the entries about the account, the newest first."""
    before = 0
    while found := log.list_audit(before=before, account_id=account.id, most=AUDIT_PAGE_MAX):
        yield from (_show(each, account) for each in found)
        before = found[-1].entry.number


def _show(shown: Shown, account: Account) -> AuditEntry:
    entry, by = shown.entry, _who(shown.entry.actor, account)
    return AuditEntry(
        number=entry.number,
        time=format_time(entry.time_ms),
        by=by,
        source=shown.source or None if by in (_SELF, VISITOR) else None,
        action=entry.action,
        kind=entry.kind,
        before=_raw(entry.before),
        after=_raw(entry.after),
        personal=_raw(shown.personal),
    )


def _who(actor: str, account: Account) -> str:
    if actor == account.id:
        return _SELF
    kind = actor.partition(" ")[0]
    return kind if kind in (_OPERATOR, VISITOR, SYSTEM) else "administrator"


def _raw(document: str) -> Raw | None:
    return Raw(document.encode()) if document else None
