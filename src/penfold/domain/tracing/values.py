"""What is found of mail: copies in mailboxes, rows of outboxes and of the queue, notices."""

from msgspec import Struct

from penfold.ports.directory import Account
from penfold.ports.queue import Attempt, Destination, QueueRow
from penfold.proto.reports.returned import RecipientStatus


class Copy(Struct, frozen=True, gc=False):
    """A message in a mailbox.

    mailbox: the account's address. id, thread_id: as the API shows them. at_ms: when it was stored
    there. labels: ids of system labels, names of others. header_id: its Message-ID without
    brackets, "" when it has none. sender, to, subject: of the header. sent: it left from here.
    fields: trace and authentication, the newest first as in the message.
    """

    mailbox: str
    id: str
    thread_id: str
    at_ms: int
    size: int
    labels: tuple[str, ...]
    header_id: str
    sender: str
    to: str
    subject: str
    sent: bool
    fields: tuple[tuple[str, str], ...]


class Notice(Struct, frozen=True, gc=False):
    """A notification about a mail, in the mailbox it left from, and what it says of whom."""

    copy: Copy
    recipients: tuple[RecipientStatus, ...]


class Waiting(Struct, frozen=True, gc=False):
    """Mail in a mailbox's outbox: what its recipients are is not decided yet."""

    mailbox: str
    number: int
    recipients: tuple[str, ...]
    created_ms: int


class Sending(Struct, frozen=True, gc=False):
    """A row of the queue. attempts: the last ones, oldest first; tries: how many there were.

    destination: where it waits to go, None when it waits no longer.
    """

    row: QueueRow
    attempts: tuple[Attempt, ...]
    tries: int
    destination: Destination | None


class Coverage(Struct, frozen=True, gc=False):
    """Which mailboxes were looked into: how many of how many; which could not be read."""

    looked: int
    accounts: int
    unreadable: tuple[str, ...] = ()


class MailTrace(Struct, frozen=True, gc=False):
    """One mail's way. Everything is oldest first. more: there are copies that are not here."""

    header_id: str
    copies: tuple[Copy, ...]
    waiting: tuple[Waiting, ...]
    sendings: tuple[Sending, ...]
    notices: tuple[Notice, ...]
    coverage: Coverage
    more: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.copies or self.waiting or self.sendings)


class Entry(Struct, frozen=True, gc=False):
    """A mail from or to an address. copy: in a mailbox here, None when there is none any more.

    rows: of the queue, those to the address where it is somebody else's. waiting: it is still in
    the outbox of the copy's mailbox.
    """

    at_ms: int
    copy: Copy | None
    rows: tuple[QueueRow, ...]
    waiting: bool = False


class AddressTrace(Struct, frozen=True, gc=False):
    """The mail of an address, newest first.

    accounts: those here that get its mail; none when it is an address elsewhere, or nobody's.
    local: its domain is ours. destination: of its domain, where mail waits to go.
    """

    address: str
    local: bool
    accounts: tuple[Account, ...]
    entries: tuple[Entry, ...]
    destination: Destination | None
    coverage: Coverage
