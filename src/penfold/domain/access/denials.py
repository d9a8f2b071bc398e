"""Who was turned away, in the audit log: calls a known caller may not make, failed sign-ins.

Who tries what is worth knowing, and entries stay for ever: the log itself says how many there are
already, so the bounds hold over processes and restarts, and where no limit holds who signs in
(local mode). A caller of the administration API without a token that is good leaves none;
strangers would fill the disk.
"""

from contextlib import suppress
from typing import Final

from penfold.base.acting import Actor, act
from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    AUDIT_PAGE_MAX,
    DENIED_ENTRIES_MAX,
    DENIED_ENTRIES_S,
    DENIED_SAME_S,
    FAILED_ENTRIES_MAX,
    FAILED_ENTRIES_S,
)
from penfold.ports.audit import Entry, Event
from penfold.ports.identity import IdentityBook

DENIED: Final = "deny"
FAILED: Final = "fail"


def note_denied(book: IdentityBook, actor: Actor, call: str, lack: str, *, now_ms: int) -> bool:
    """Write down that the account `actor.who` was denied a call because of what it lacks.

    Return whether there is an entry of it now: none for the same call of the same client within
    DENIED_SAME_S, nor above DENIED_ENTRIES_MAX of an account within DENIED_ENTRIES_S, nor when
    the directory takes no changes.
    """
    shown = book.list_audit(account_id=actor.who, most=DENIED_ENTRIES_MAX)
    last = [one.entry for one in shown if one.entry.action == DENIED]
    recent = _within(last, DENIED_ENTRIES_S, now_ms)
    same = _within(recent, DENIED_SAME_S, now_ms)
    known = any((one.kind, one.client) == (call, actor.client) for one in same)
    if known or len(recent) >= DENIED_ENTRIES_MAX:
        return False
    event = Event(DENIED, call, account_id=actor.who, values={"lack": lack})
    with suppress(UnavailableError), act(actor):
        book.change(lambda writer: writer.note(event))
        return True
    return False


def note_failed_sign_in(book: IdentityBook, account_id: str, *, now_ms: int) -> bool:
    """Write down that somebody did not get in to an account, "" for one that is not here.

    Return whether there is a new entry: none above FAILED_ENTRIES_MAX of an account, or of all
    that are not here together, within FAILED_ENTRIES_S.
    """
    shown = book.list_audit(account_id=account_id, most=AUDIT_PAGE_MAX)
    last = [each.entry for each in shown if each.entry.action == FAILED]
    of_this = [one for one in last if one.account_id == account_id]
    if len(_within(of_this, FAILED_ENTRIES_S, now_ms)) >= FAILED_ENTRIES_MAX:
        return False
    event = Event(FAILED, "session", account_id=account_id)
    book.change(lambda writer: writer.note(event))
    return True


def _within(entries: list[Entry], period_s: int, now_ms: int) -> list[Entry]:
    return [one for one in entries if now_ms - one.time_ms < 1000 * period_s]
