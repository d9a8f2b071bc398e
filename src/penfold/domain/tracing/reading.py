"""Look into mailboxes, a bounded number of them, and read what a trace shows of a message."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from penfold.base.errors import NotFoundError, UnavailableError
from penfold.base.ids import format_message_id
from penfold.base.labels import FIRST_USER_LABEL, SENT, format_label_id
from penfold.base.limits import TRACE_FIELDS_MAX, TRACE_MAILBOXES_MAX
from penfold.domain.tracing.values import Copy, Coverage
from penfold.ports.directory import Account
from penfold.ports.mailbox import Mailboxes, MailboxReader, MessageRow
from penfold.proto.mime.compose import header_values
from penfold.proto.mime.model import Part
from penfold.proto.mime.summary import bare_message_id

T = TypeVar("T")

#: RFC 5321 §4.4, RFC 8601 and what servers add beside them.
_TRACE: Final = frozenset(
    {
        "delivered-to", "x-original-to", "return-path", "received", "x-received", "received-spf",
        "authentication-results", "x-forwarded-to", "x-forwarded-for",
    }
)  # fmt: skip


def look_into(
    mailboxes: Mailboxes,
    accounts: Sequence[Account],
    ask: Callable[[Account, MailboxReader], T],
    *,
    most: int = TRACE_MAILBOXES_MAX,
    enough: Callable[[], bool] = lambda: False,
) -> tuple[list[T], Coverage]:
    """Return what asking each of the first `most` mailboxes gave, and which were asked.

    enough: asked whether to stop.
    """
    answers: list[T] = []
    unreadable = []
    for account in accounts[:most]:
        if enough():
            break
        try:
            with mailboxes.open_reader(account.id) as box:
                answers.append(ask(account, box))
        except (UnavailableError, NotFoundError):
            unreadable.append(account.address)
    return answers, Coverage(len(answers), len(accounts), tuple(unreadable))


def read_copy(account: Account, box: MailboxReader, row: MessageRow) -> Copy:
    root = box.get_structure(row.id)
    values = {name.lower(): value for name, value in reversed(root.headers)}
    return Copy(
        mailbox=account.address,
        id=format_message_id(row.id),
        thread_id=format_message_id(row.thread_id),
        at_ms=row.internal_ms,
        size=row.size,
        labels=tuple(_name_label(box, number) for number in sorted(row.labels)),
        header_id=bare_message_id(values.get("message-id", "")),
        sender=values.get("from", ""),
        to=values.get("to", ""),
        subject=values.get("subject", ""),
        sent=SENT in row.labels,
        fields=_find_trace(root),
    )


def find_header_id(raw: bytes) -> str:
    """Return the Message-ID of a message that has not been read, "" when it has none."""
    values = header_values(raw, "Message-ID")
    return bare_message_id(values[0]) if values else ""


def _find_trace(root: Part) -> tuple[tuple[str, str], ...]:
    found = [(name, value) for name, value in root.headers if name.lower() in _TRACE]
    return tuple(found[:TRACE_FIELDS_MAX])


def _name_label(box: MailboxReader, number: int) -> str:
    if number < FIRST_USER_LABEL:
        return format_label_id(number)
    label = box.find_label(number)
    return label.name if label else format_label_id(number)
