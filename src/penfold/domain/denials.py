"""Calls of the administration API that a known caller may not make, in the audit log.

Who tries what is worth knowing, and entries stay for ever: the log itself says whether there is
one already, so the bounds hold over processes and restarts. A caller without a token that is good
leaves none; strangers would fill the disk.
"""

from contextlib import suppress
from typing import Final

from penfold.base.acting import Actor, act
from penfold.base.errors import UnavailableError
from penfold.base.limits import DENIED_ENTRIES_MAX, DENIED_ENTRIES_S, DENIED_SAME_S
from penfold.ports.audit import Event
from penfold.ports.identity import IdentityBook

DENIED: Final = "deny"


def note_denied(book: IdentityBook, actor: Actor, call: str, lack: str, *, now_ms: int) -> bool:
    """Write down that the account `actor.who` was denied a call because of what it lacks.

    Return whether there is an entry of it now: none for the same call of the same client within
    DENIED_SAME_S, nor above DENIED_ENTRIES_MAX of an account within DENIED_ENTRIES_S, nor when
    the directory takes no changes.
    """
    shown = book.list_audit(account_id=actor.who, most=DENIED_ENTRIES_MAX)
    last = [one.entry for one in shown if one.entry.action == DENIED]
    recent = [one for one in last if now_ms - one.time_ms < 1000 * DENIED_ENTRIES_S]
    same = [one for one in recent if now_ms - one.time_ms < 1000 * DENIED_SAME_S]
    known = any((one.kind, one.client) == (call, actor.client) for one in same)
    if known or len(recent) >= DENIED_ENTRIES_MAX:
        return False
    event = Event(DENIED, call, account_id=actor.who, values={"lack": lack})
    with suppress(UnavailableError), act(actor):
        book.change(lambda writer: writer.note(event))
        return True
    return False
