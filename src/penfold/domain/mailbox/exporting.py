"""Export mail to one mbox file that an import brings back as it was.

Written as Takeout writes it (X-GM-THRID and X-Gmail-Labels before each message) in mboxrd form,
with a field of our own for what that cannot hold: the exact internalDate and length. Newest
first. Messages are read in steps, each of its own snapshot, so that a long export holds nothing
up: what arrives meanwhile is not in it, what is deleted meanwhile may be missing, and labels are
those of the moment a message is read.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from penfold.base.errors import MailboxDamagedError
from penfold.base.ids import format_message_id
from penfold.base.labels import DRAFT, FIRST_USER_LABEL
from penfold.base.limits import EXPORT_STEP, EXPORT_STEP_BYTES
from penfold.domain.mailbox.messages import make_query
from penfold.domain.settings.senders import make_sender
from penfold.ports.directory import Account
from penfold.ports.mailbox import Mailboxes, MailboxReader, MessageRow, Query
from penfold.ports.moving import Sink
from penfold.proto.mbox import format_entry
from penfold.proto.takeout import format_marks

#: Takeout's postmarks name the message by its number, at this host.
_HOST: Final = "xxx"


class Exported(Struct):
    """What an export did. total: how many there are to write, None when that is not known.

    drafts: how many of the messages are. damaged: ids of messages that cannot be read.
    """

    messages: int = 0
    drafts: int = 0
    octets: int = 0
    total: int | None = None
    damaged: list[str] = []
    finished: bool = False


class Exporter:
    def __init__(self, mailboxes: Mailboxes, *, now_ms: Callable[[], int]) -> None:
        self._mailboxes = mailboxes
        self._now_ms = now_ms

    def run(
        self,
        account: Account,
        sink: Sink,
        *,
        q: str = "",
        aliases: Sequence[str] = (),
        include_spam_trash: bool = False,
        tell: Callable[[Exported], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Exported:
        """Write all messages that match. aliases: of the account, for from:me in q. stop: asked
        whether to end here.
        """
        exported = Exported()
        with self._mailboxes.open_reader(account.id) as box:
            query = make_query(
                box,
                q=q,
                include_spam_trash=include_spam_trash,
                max_results=EXPORT_STEP,
                now_ms=self._now_ms(),
                me=make_sender(box, account, aliases).addresses if q else (),
            )
            if not q and include_spam_trash:
                exported.total = box.get_totals().messages
        before: int | None = None
        while not stop():
            tell(exported)
            with self._mailboxes.open_reader(account.id) as box:
                entries, before = _read_step(box, structs.replace(query, before=before), exported)
            for entry in entries:
                sink.write(entry)
            if before is None:
                exported.finished = True
                break
        return exported


def _read_step(
    box: MailboxReader, query: Query, exported: Exported
) -> tuple[list[bytes], int | None]:
    """Return the next entries, and the id behind which to go on; None: that is all."""
    names = {row.number: row.name for row in box.list_labels()}
    entries: list[bytes] = []
    octets = 0
    before = None
    for message_id, _ in box.list_messages(query):
        before = message_id
        row = box.find_message(message_id)
        assert row is not None, "it was listed in this snapshot"
        try:
            raw = box.get_raw(message_id)
        except MailboxDamagedError:
            exported.damaged.append(format_message_id(message_id))
            continue
        entries.append(_make_entry(row, raw, names))
        exported.messages += 1
        exported.drafts += DRAFT in row.labels
        exported.octets += len(raw)
        octets += len(raw)
        if octets > EXPORT_STEP_BYTES:
            break
    return entries, before


def _make_entry(row: MessageRow, raw: bytes, names: Mapping[int, str]) -> bytes:
    user = sorted(number for number in row.labels if number >= FIRST_USER_LABEL)
    marks = format_marks(
        row.labels,
        [names[number] for number in user],
        thread_id=row.thread_id,
        internal_ms=row.internal_ms,
        octets=len(raw),
    )
    return format_entry(marks + raw, sender=f"{row.id}@{_HOST}", date_ms=row.internal_ms)
