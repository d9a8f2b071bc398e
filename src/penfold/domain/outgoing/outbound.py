"""Mail that goes out: one path for messages.send, drafts.send and submission.

The sender's copy and the outbox row for everybody else are one change of one mailbox; mail to
oneself is that same copy, under INBOX and UNREAD as well. The hand-over (domain.handover)
follows on the courier's thread once the change is durable. A row that could not be moved stays:
sweep() tries it again, and after a restart recover() does.
"""

import hashlib
import logging
from typing import Final

from msgspec import UnsetType
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import UnavailableError
from penfold.base.ids import format_message_id
from penfold.base.labels import INBOX, SENT, UNREAD
from penfold.base.limits import SEND_MAX_BYTES
from penfold.domain.access.aliases import find_targets, list_own_aliases
from penfold.domain.envelope import NO_WISHES, Done, Envelope, Recipient, Wishes, make_wishes
from penfold.domain.incoming.arriving import Arriving
from penfold.domain.incoming.inbound import judge_recipient
from penfold.domain.mailbox.composing import (
    Outgoing,
    Sender,
    compose_for_api,
    compose_for_submission,
)
from penfold.domain.mailbox.messages import Letter, add_letter, check_raw, read_letter
from penfold.domain.mailbox.threading import find_requested_thread, find_thread
from penfold.domain.outgoing.bounces import Note, find_no_row
from penfold.domain.outgoing.carrying import Carrier
from penfold.domain.outgoing.courier import Courier, Moved
from penfold.domain.outgoing.delivered import Delivered, make_delivered
from penfold.domain.outgoing.handover import HandOver
from penfold.domain.outgoing.notices import Notices
from penfold.domain.outgoing.sending_limits import SendingLimits, charge_sending
from penfold.domain.settings.senders import make_sender, same_mailbox
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxReader, MailboxWriter, MessageRow
from penfold.ports.queue import Queue
from penfold.proto.address import domain_of
from penfold.proto.mime.compose import header_values
from penfold.proto.mime.model import Address

_log: Final = logging.getLogger(__name__)
_SENT_LABELS: Final = frozenset({SENT})
_TO_SELF_LABELS: Final = frozenset({SENT, INBOX, UNREAD})


class Outbound:
    """One way out. The courier's thread starts with the first hand-over, or with start()."""

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
        limits: SendingLimits | None = None,
    ) -> None:
        """captures: mail for other domains is kept as CAPTURED instead of QUEUED (local mode).

        limits: how much an account may send in a day; None: as much as it likes.
        """
        self._limits = limits
        self._directory = directory
        self._mailboxes = mailboxes
        self._clock = clock
        self._chance = chance
        self._hostname = hostname
        self._queue = queue
        self.arriving = Arriving(
            directory=directory,
            chance=chance,
            hand_over=self.hand_over,
            note=self._note,
        )
        self.notices = Notices(
            directory=directory,
            mailboxes=mailboxes,
            queue=queue,
            clock=clock,
            chance=chance,
            arriving=self.arriving,
            hostname=hostname,
        )
        self.carrier = Carrier(
            directory=directory,
            mailboxes=mailboxes,
            queue=queue,
            clock=clock,
            arriving=self.arriving,
            hostname=hostname,
            captures=captures,
        )
        hand_over = HandOver(
            self.carrier, mailboxes=mailboxes, queue=queue, clock=clock, notices=self.notices
        )
        self._courier = Courier(hand_over.move)

    # --- submission (see front.smtp.decisions.SubmissionDecisions) ---

    def check_sender(self, account: Account, address: str) -> bool:
        """Return whether the account may use this reverse-path; "" is for notices (RFC 8098 §3)."""
        if not address or same_mailbox(account, address):
            return True
        with self._mailboxes.open_reader(account.id) as box:
            return self._make_sender(box, account).find(address) is not None

    def check_recipient(self, address: str) -> Recipient:
        return judge_recipient(self._directory, self._mailboxes, address)

    def submit(self, account: Account, envelope: Envelope, data: bytes, done: Done) -> None:
        """Store the sent copy and the outbox row; done(ids, error) when that is durable."""
        now_ms = self._clock.now_ms()

        def change(box: MailboxWriter) -> int:
            return self._submit(box, account, envelope, data, now_ms)

        def finish(message_id: int | None, error: BaseException | None) -> None:
            done(None if message_id is None else (format_message_id(message_id),), error)

        self._mailboxes.submit(account.id, change, finish)

    def _submit(
        self, box: MailboxWriter, account: Account, envelope: Envelope, data: bytes, now_ms: int
    ) -> int:
        key = _submission_key(envelope, data)
        known = box.find_receipt(key) if key else None
        if known is not None:
            return known
        sender = self._make_sender(box, account)
        outgoing = compose_for_submission(
            data,
            sender,
            envelope,
            hostname=self._hostname,
            now_ms=now_ms,
            chance=self._chance,
        )
        letter = read_letter(outgoing.sent_copy())
        thread_id = find_thread(box, letter.summary)
        row = self._store(
            box,
            account,
            sender,
            outgoing,
            letter,
            thread_id=thread_id,
            now_ms=now_ms,
            wishes=make_wishes(envelope.options, envelope.recipients, envelope.reports),
        )
        if key:
            box.add_receipt(key, row.id, now_ms=now_ms)
        return row.id

    # --- the API ---

    def send(
        self,
        box: MailboxWriter,
        account: Account,
        raw: bytes | str | UnsetType,
        *,
        thread: str = "",
        thread_id: int | None = None,
        delegate: Account | None = None,
        now_ms: int,
    ) -> MessageRow:
        """Send a message inside the caller's transaction; the hand-over follows its commit.

        delegate: who sends for the account; None when it is the account itself.

        thread: what the request names, under the rules for that. thread_id: where it belongs
        whatever it says, as a draft does.
        """
        sender = self._make_sender(box, account)
        if delegate:
            sender = replace(sender, delegate=Address(delegate.name, delegate.address))
        outgoing = compose_for_api(
            check_raw(raw, limit=SEND_MAX_BYTES),
            sender,
            hostname=self._hostname,
            now_ms=now_ms,
            chance=self._chance,
        )
        letter = read_letter(outgoing.sent_copy())
        if thread_id is None:
            thread_id = find_requested_thread(box, thread, letter.summary)
        return self._store(
            box, account, sender, outgoing, letter, thread_id=thread_id, now_ms=now_ms
        )

    def notify(
        self, box: MailboxWriter, account: Account, recipient: str, raw: bytes, *, now_ms: int
    ) -> None:
        """Send a message of the product's own, which leaves no copy with the account.

        It goes out with the null reverse-path, as RFC 3834 §3.3 asks of what no person wrote.
        """
        box.add_outbox(sender="", recipients=[recipient], raw=raw, now_ms=now_ms)
        box.after_commit(lambda: self.hand_over(account.id))

    # --- both ---

    def _store(
        self,
        box: MailboxWriter,
        account: Account,
        sender: Sender,
        outgoing: Outgoing,
        letter: Letter,
        *,
        thread_id: int | None,
        now_ms: int,
        wishes: Wishes = NO_WISHES,
    ) -> MessageRow:
        """Store the sender's copy, and the outbox row when anybody else gets one."""
        if self._limits is not None:
            charge_sending(box, self._limits, len(outgoing.recipients), now_ms=now_ms)
        others = [each for each in outgoing.recipients if not self._is(account, sender, each)]
        if len(others) == len(outgoing.recipients):
            row = add_letter(
                box,
                letter,
                labels=_SENT_LABELS,
                thread_id=thread_id,
                internal_ms=now_ms,
                now_ms=now_ms,
                chance=self._chance,
            )
        else:
            row = self.arriving.take(
                box,
                account.id,
                letter,
                sender=outgoing.sender,
                labels=_TO_SELF_LABELS,
                thread_id=thread_id,
                now_ms=now_ms,
            )
            own = [each for each in outgoing.recipients if each not in others]
            delivered = self._report_own(outgoing, letter, wishes, own)
            if delivered is not None:
                self.arriving.report(box, account.id, delivered, now_ms=now_ms)
        if others:
            box.add_outbox(
                sender=outgoing.sender,
                recipients=others,
                raw=outgoing.public_copy(letter.raw),
                now_ms=now_ms,
                options=wishes.options,
                reports=wishes.list_reports(others),
            )
            box.after_commit(lambda: self.hand_over(account.id))
        return row

    def _report_own(
        self, outgoing: Outgoing, letter: Letter, wishes: Wishes, own: list[str]
    ) -> Delivered | None:
        """Return the news for the account, if it wants any, that mail to itself was delivered."""
        return make_delivered(
            outgoing.public_copy(letter.raw) if wishes.reports else b"",
            sender=outgoing.sender,
            recipients=own,
            wishes=wishes,
            hostname=self._hostname,
        )

    def _is(self, account: Account, sender: Sender, recipient: str) -> bool:
        """Return whether the recipient is the account alone: its own address, an alias that leads
        nowhere else, or one it sends as in a domain of ours that is nobody else's. Mail to an
        address elsewhere goes there.
        """
        found = find_targets(self._directory, recipient)
        if found or self._directory.find_account(recipient):
            return [each.id for each in found] == [account.id]
        return sender.find(recipient) is not None and self._directory.is_local_domain(
            domain_of(recipient)
        )

    def _make_sender(self, box: MailboxReader, account: Account) -> Sender:
        return make_sender(box, account, list_own_aliases(self._directory, account))

    # --- hand-over ---

    def hand_over(self, mailbox_id: str, done: Moved | None = None) -> None:
        """Move the mailbox's outbox on, on the courier's thread; never blocks.

        done(error) is called once, from that thread, when every row that was in the outbox
        before the call is gone, or cannot be moved now.
        """
        self._courier.send(mailbox_id, done)

    def _note(self, mailbox_id: str, write: Note) -> None:
        """Have noted what came in about mail that left, on the courier's thread; never blocks.

        A crash before loses the note, which only explains: the notification itself is stored.
        """
        returns = self.arriving.returns

        def note(_error: BaseException | None) -> None:
            try:
                write(self._queue, returns.find_row if returns else find_no_row)
            except UnavailableError as error:
                _log.warning("what a bounce in mailbox %s says is not noted: %s", mailbox_id, error)

        self.hand_over(mailbox_id, note)

    def recover(self, mailbox_id: str) -> None:
        """Move on what a crash left in the outbox; called for every mailbox at start-up."""
        self.hand_over(mailbox_id)

    def sweep(self) -> None:
        """Try again what could not be moved; called now and then."""
        self._courier.sweep()

    def start(self) -> None:
        self._courier.start()

    def close(self) -> None:
        """Finish the mailbox in hand and stop; what is left is found by recover(). Safe twice."""
        self._courier.close()


def _submission_key(envelope: Envelope, data: bytes) -> bytes:
    """Return the key under which the same submission is known again; b"" without Message-ID."""
    if not header_values(data, "Message-ID"):
        return b""
    parts = ["submission", envelope.sender, *envelope.recipients]
    digest = hashlib.sha256(data).digest()
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + digest).digest()
