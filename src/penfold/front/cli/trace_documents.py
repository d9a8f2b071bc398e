"""What `penfold trace --json` prints."""

from typing import Any

import msgspec

from penfold.domain.tracing.values import (
    AddressTrace,
    Copy,
    Coverage,
    Entry,
    MailTrace,
    Notice,
    Sending,
    Waiting,
)
from penfold.front.cli.output import show_time
from penfold.front.cli.trace_advice import advise_address, advise_mail
from penfold.ports.queue import Destination, QueueRow

Document = dict[str, Any]


def show_mail_trace(trace: MailTrace, now_ms: int) -> Document:
    return {
        "messageId": trace.header_id,
        "copies": [_show_copy(each) for each in trace.copies],
        "more": trace.more,
        "outbox": [_show_waiting(each) for each in trace.waiting],
        "queue": [_show_sending(each) for each in trace.sendings],
        "notices": [_show_notice(each) for each in trace.notices],
        "mailboxes": _show_coverage(trace.coverage),
        "next": advise_mail(trace, now_ms),
    }


def show_address_trace(trace: AddressTrace, now_ms: int) -> Document:
    return {
        "address": trace.address,
        "local": trace.local,
        "accounts": [account.address for account in trace.accounts],
        "mails": [_show_entry(each) for each in trace.entries],
        "destination": _show_destination(trace.destination),
        "mailboxes": _show_coverage(trace.coverage),
        "next": advise_address(trace, now_ms),
    }


def _show_copy(copy: Copy) -> Document:
    return {
        "mailbox": copy.mailbox,
        "id": copy.id,
        "threadId": copy.thread_id,
        "stored": show_time(copy.at_ms),
        "size": copy.size,
        "labels": list(copy.labels),
        "sent": copy.sent,
        "from": copy.sender,
        "to": copy.to,
        "subject": copy.subject,
        "messageId": copy.header_id,
        "fields": [{"name": name, "value": value} for name, value in copy.fields],
    }


def _show_waiting(waiting: Waiting) -> Document:
    return {
        "mailbox": waiting.mailbox,
        "number": waiting.number,
        "recipients": list(waiting.recipients),
        "since": show_time(waiting.created_ms),
    }


def _show_row(row: QueueRow) -> Document:
    return {
        "id": row.id,
        "state": row.state.value,
        "sender": row.sender,
        "recipient": row.recipient,
        "created": show_time(row.created_ms),
        "subject": row.subject,
    }


def _show_sending(sending: Sending) -> Document:
    return {
        **_show_row(sending.row),
        "nextAttempt": show_time(sending.row.next_attempt_ms) if sending.destination else None,
        "destination": _show_destination(sending.destination),
        "tries": sending.tries,
        "attempts": [
            {
                "at": show_time(each.at_ms),
                "kind": each.kind or None,
                "outcome": each.outcome,
                "facts": msgspec.to_builtins(each.facts),
            }
            for each in sending.attempts
        ],
    }


def _show_notice(notice: Notice) -> Document:
    return {
        **_show_copy(notice.copy),
        "recipients": [msgspec.to_builtins(each) for each in notice.recipients],
    }


def _show_entry(entry: Entry) -> Document:
    return {
        "at": show_time(entry.at_ms),
        "copy": _show_copy(entry.copy) if entry.copy else None,
        "outbox": entry.waiting,
        "queue": [_show_row(row) for row in entry.rows],
    }


def _show_destination(destination: Destination | None) -> Document | None:
    if destination is None:
        return None
    return {
        "domain": destination.domain,
        "due": show_time(destination.due_ms),
        "heldUntil": show_time(destination.held_ms) if destination.held_ms else None,
        "why": destination.why or None,
    }


def _show_coverage(coverage: Coverage) -> Document:
    return {
        "looked": coverage.looked,
        "of": coverage.accounts,
        "unreadable": list(coverage.unreadable),
    }
