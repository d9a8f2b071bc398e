"""Mail that goes out: sent copy, outbox, and the hand-over to mailboxes and queue."""

from collections.abc import Callable

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.domain.envelope import Done, Envelope, Recipient
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxWriter, MessageRow
from penfold.ports.queue import Queue


class Outbound:
    """One way out for messages.send, drafts.send and submission."""

    def __init__(
        self,
        *,
        directory: Directory,
        mailboxes: Mailboxes,
        queue: Queue,
        clock: Clock,
        chance: Chance,
        hostname: str,
        captures: bool,
    ) -> None:
        """captures: mail for other domains is kept as CAPTURED instead of QUEUED (local mode)."""

    def check_sender(self, account: Account, address: str) -> bool:
        raise NotImplementedError

    def check_recipient(self, address: str) -> Recipient:
        raise NotImplementedError

    def submit(self, account: Account, envelope: Envelope, data: bytes, done: Done) -> None:
        """Store the sent copy and the outbox row; done(ids, error) when that is durable."""
        raise NotImplementedError

    def send(
        self, box: MailboxWriter, account: Account, raw: bytes, *, thread: str, now_ms: int
    ) -> MessageRow:
        """Send a message of the API inside the caller's transaction; hand-over follows commit."""
        raise NotImplementedError

    def hand_over(
        self, mailbox_id: str, done: Callable[[BaseException | None], None] | None = None
    ) -> None:
        """Move the mailbox's outbox on, on the worker's thread.

        done(error) is called once, from the worker's thread, when every row that was in the
        outbox before the call is gone, or could not be moved now. Never blocks.
        """
        raise NotImplementedError

    def recover(self, mailbox_id: str) -> None:
        """Move on what a crash left in the outbox; for start-up and the periodic sweep."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the worker's thread."""
        raise NotImplementedError

    def close(self) -> None:
        """Finish the row in hand and stop; what is left is found by recover(). Safe twice."""
        raise NotImplementedError
