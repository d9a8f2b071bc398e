"""Notifications of others about mail that left here: what they say is noted with its queue row.

Another server took the message, so the row stays SENT; the note explains to whoever looks what
became of it. Anybody can write a notification. One is believed this far only when it names a
Message-ID that was sent from the very mailbox it arrives in, and then it can do no more than add
a line, BOUNCE_NOTES_MAX times.
"""

from typing import Final

from penfold.base.limits import BOUNCE_NOTES_MAX, DSN_DIAGNOSTIC_MAX
from penfold.ports.queue import Attempt, Facts, Queue, QueueRow, QueueState
from penfold.proto.address import canonical
from penfold.proto.reports.action import Action
from penfold.proto.reports.bounces import classify_recipient
from penfold.proto.reports.returned import BounceReport, RecipientStatus

_WORDS: Final = {
    Action.FAILED: "bounced later",
    Action.DELAYED: "delayed on its way",
    Action.DELIVERED: "reported as delivered",
    Action.RELAYED: "reported as passed on",
    Action.EXPANDED: "reported as passed on to a list",
}


def note_bounce(queue: Queue, mailbox_id: str, report: BounceReport, *, now_ms: int) -> int:
    """Note what a notification in a mailbox says; return how many rows it is about."""
    rows = queue.find_sent(mailbox_id, report.message_id)
    noted = 0
    for status in report.recipients[: len(rows)]:
        row = _find_row(rows, status)
        if row is None or len(queue.list_attempts(row.id)) >= BOUNCE_NOTES_MAX:
            continue
        note = _make_note(status, report.reporting_mta, now_ms)
        queue.add_attempt(row.id, note, state=QueueState.SENT)
        noted += 1
    return noted


def _find_row(rows: list[QueueRow], status: RecipientStatus) -> QueueRow | None:
    """Return the row of the recipient; one that was forwarded has no row under its new address."""
    named = {canonical(each) for each in (status.original, status.final) if each}
    for row in rows:
        original = row.report.find_original()
        known = {canonical(row.recipient)} | ({canonical(original.address)} if original else set())
        if known & named:
            return row
    return rows[0] if len(rows) == 1 else None


def _make_note(status: RecipientStatus, mta: str, now_ms: int) -> Attempt:
    said = status.diagnostic[:DSN_DIAGNOSTIC_MAX] or status.status
    words = f"{_WORDS[status.action]}: {said}".rstrip(": ")
    source = f"reported by {mta}" if mta else ""
    if status.action not in (Action.FAILED, Action.DELAYED):
        return Attempt(now_ms, words, source)
    found = classify_recipient(status)
    return Attempt(now_ms, words, source, found.kind, Facts(rule=found.rule, blame=found.blame))
