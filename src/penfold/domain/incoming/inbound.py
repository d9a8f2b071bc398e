"""Mail that comes in: who it is for, and into which mailboxes it goes.

One transaction of SMTP becomes one change per mailbox, with trace headers of its own in front of
the octets that came; below them nothing is altered. `done` is called when every mailbox has its
copy on disk. When one of them fails the whole transaction is answered with its error and the
client offers it again: the mailboxes that have it know it by its receipt and keep one copy.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from threading import Lock
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.addresses import canonical_address
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError, PenfoldError, UnavailableError
from penfold.base.ids import format_message_id
from penfold.base.labels import SPAM
from penfold.base.limits import PARSE_INLINE_MAX_BYTES
from penfold.domain.access.aliases import find_targets
from penfold.domain.envelope import Done, Envelope, Recipient, make_wishes
from penfold.domain.incoming.arriving import Arriving
from penfold.domain.incoming.judging import Judged, choose_labels
from penfold.domain.mailbox.messages import Letter, read_letter
from penfold.domain.mailbox.threading import find_thread
from penfold.domain.outgoing.delivered import Delivered, make_delivered
from penfold.domain.outgoing.return_paths import NoAnswerError, ReturnPaths, is_answer
from penfold.domain.outgoing.returning import NOTHING, find_returning
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxWriter
from penfold.ports.queue import QueueRow
from penfold.proto.mime.compose import prepend_headers, received_header


def find_recipient(directory: Directory, address: str) -> Account | None:
    """Return the account whose own address this is, unless it is suspended."""
    account = directory.find_account(address)
    return None if account is None or account.suspended else account


def judge_recipient(directory: Directory, mailboxes: Mailboxes, address: str) -> Recipient:
    if not directory.is_local_domain(address.rpartition("@")[2]):
        return Recipient.REMOTE
    return judge_accounts(mailboxes, find_targets(directory, address))


def judge_accounts(mailboxes: Mailboxes, accounts: Sequence[Account]) -> Recipient:
    """Return what an address is that leads to these accounts."""
    if not accounts:
        return Recipient.UNKNOWN
    try:
        for account in accounts:
            mailboxes.check(account.id)
    except (UnavailableError, NotFoundError):
        # NotFoundError: the account is being made or removed at this moment.
        return Recipient.UNAVAILABLE
    return Recipient.LOCAL


class Grouped(Struct, frozen=True):
    """accounts: the recipients each answers to; it gets one message, by however many addresses it
    is meant. answers: by account, the row of the queue whose return address is one of them, the
    first of several. unknown: those nobody here answers to.
    """

    accounts: dict[Account, list[str]]
    answers: dict[Account, QueueRow]
    unknown: list[str]


def group_by_account(
    directory: Directory, recipients: Sequence[str], returns: ReturnPaths | None = None
) -> Grouped:
    """Return who gets mail for these recipients. returns: reads return addresses, if they count."""
    grouped = Grouped({}, {}, [])
    for recipient in dict.fromkeys(recipients):
        returned = returns.find(recipient) if returns else None
        accounts = [returned.account] if returned else find_targets(directory, recipient)
        if returned:
            grouped.answers.setdefault(returned.account, returned.row)
        if not accounts:
            grouped.unknown.append(recipient)
        for account in accounts:
            grouped.accounts.setdefault(account, []).append(recipient)
    return grouped


class Arrived(Struct, frozen=True, gc=False):
    """What one mailbox gets. sender: the envelope's.

    keys: by which it is known again. judged: None for mail from here. delivered: whom to tell of
    it, if anybody asked. answers: the row of the queue whose return address it came to.
    """

    letter: Letter
    sender: str
    keys: Sequence[bytes]
    now_ms: int
    judged: Judged | None = None
    delivered: Delivered | None = None
    answers: QueueRow | None = None


def deliver_local(
    box: MailboxWriter, mailbox_id: str, arrived: Arrived, *, arriving: Arriving
) -> int:
    """Put an incoming message into a mailbox and return its id.

    Safe to repeat: once all keys are known, the first id comes back and nothing changes or is
    sent.
    """
    letter, sender, now_ms = arrived.letter, arrived.sender, arrived.now_ms
    known = [box.find_receipt(key) for key in arrived.keys]
    if known and known[0] is not None and None not in known:
        return known[0]
    about = find_returning(
        box, mailbox_id, letter, sender=sender, row=arrived.answers, now_ms=now_ms
    )
    labels = choose_labels(box, letter, arrived.judged, reports=about.proven)
    if SPAM in labels:
        about = NOTHING
    thread_id, note = about.thread_id, about.note
    row = arriving.take(
        box,
        mailbox_id,
        letter,
        sender=sender,
        labels=labels,
        thread_id=find_thread(box, letter.summary) if thread_id is None else thread_id,
        now_ms=now_ms,
    )
    for key in arrived.keys:
        box.add_receipt(key, row.id, now_ms=now_ms)
    if arrived.delivered is not None:
        arriving.report(box, mailbox_id, arrived.delivered, now_ms=now_ms)
    if note is not None:
        box.after_commit(lambda: arriving.note(mailbox_id, note))
    return row.id


class Tally:
    """Waits for several changes and then calls `done` once: all their ids, or the first error."""

    def __init__(self, count: int, done: Done) -> None:
        self._lock = Lock()
        self._left = count
        self._ids: list[str] = [""] * count
        self._error: BaseException | None = None
        self._done = done

    def counter(self, place: int) -> Callable[[int | None, BaseException | None], None]:
        """Return the callback for one change."""

        def settle(message_id: int | None, error: BaseException | None) -> None:
            with self._lock:
                self._left -= 1
                self._error = self._error or error
                if message_id is not None:
                    self._ids[place] = format_message_id(message_id)
                if self._left:
                    return
            if self._error is None:
                self._done(tuple(self._ids), None)
            else:
                self._done(None, self._error)

        return settle


class ReportSink(Protocol):
    """Takes what others report, for addresses that are no account's."""

    def is_for(self, address: str) -> bool: ...
    def submit(
        self,
        envelope: Envelope,
        data: bytes,
        done: Callable[[int | None, BaseException | None], None],
    ) -> None:
        """Keep what is in a message; `done` is called once, when that is durable."""
        ...


class Inbound:
    """The decisions of the mail exchanger (see front.smtp.decisions.Decisions).

    sinks: set in the process that takes mail from outside, for addresses that are no account's.
    """

    sinks: tuple[ReportSink, ...] = ()

    def __init__(
        self,
        *,
        directory: Directory,
        mailboxes: Mailboxes,
        clock: Clock,
        arriving: Arriving,
        hostname: str,
    ) -> None:
        self._directory = directory
        self._mailboxes = mailboxes
        self._clock = clock
        self._arriving = arriving
        self._hostname = hostname

    def check_recipient(self, address: str) -> Recipient:
        if any(sink.is_for(address) for sink in self.sinks):
            return Recipient.LOCAL
        returns = self._arriving.returns
        returned = returns.find(address) if returns else None
        if returned is not None:
            return judge_accounts(self._mailboxes, [returned.account])
        return judge_recipient(self._directory, self._mailboxes, address)

    def accept(
        self, envelope: Envelope, data: bytes, done: Done, judged: Judged | None = None
    ) -> None:
        """Deliver to every recipient's mailbox; `done` is called when that is durable.

        data: as it came, by which a repeat is known. judged: what was found of it, if anybody
        looked.
        """
        sinks = [sink for sink in self.sinks if any(map(sink.is_for, envelope.recipients))]
        others = [
            each for each in envelope.recipients if not any(sink.is_for(each) for sink in sinks)
        ]
        try:
            grouped = group_by_account(self._directory, others, self._arriving.returns)
            _check_grouped(grouped, envelope.sender, data, for_sinks=bool(sinks))
        except PenfoldError as error:
            done(None, error)
            return
        accounts = grouped.accounts
        tally = Tally(len(accounts) + len(sinks), done)
        for place, sink in enumerate(sinks, len(accounts)):
            sink.submit(envelope, data, tally.counter(place))
        now_ms = self._clock.now_ms()
        for place, account in enumerate(accounts):
            change = self._make_change(account, envelope, data, grouped, now_ms, judged=judged)
            self._mailboxes.submit(account.id, change, tally.counter(place))

    def _make_change(
        self,
        account: Account,
        envelope: Envelope,
        data: bytes,
        grouped: Grouped,
        now_ms: int,
        *,
        judged: Judged | None,
    ) -> Callable[[MailboxWriter], int]:
        """Return the change that delivers to one account's mailbox.

        A short message is read here: that takes less time than handing it to a thread, and
        leaves the writer's thread to writing. A long one is read there, so that the event loop
        this runs on goes on serving others. What came is let go of before its copy is stored.
        """
        recipients = grouped.accounts[account]

        @cache
        def trace() -> tuple[bytes, list[bytes]]:
            """Return the copy with its keys, and let go of what came."""
            nonlocal data, judged
            shown, found = (judged.data, judged.fields) if judged else (data, b"")
            raw = self._add_trace(envelope, shown, recipients, account, now_ms, found=found)
            keys = _receipt_keys(envelope, data, recipients)
            judged = judged and replace(judged, data=b"")
            data = b""
            return raw, keys

        @cache
        def prepare() -> tuple[Letter, list[bytes]]:
            raw, keys = trace()
            letter = read_letter(raw, require_tls=envelope.options.require_tls)
            return letter, keys if letter.summary.message_id else []

        delivered = self._find_told(envelope, data, recipients, judged)
        if len(data) <= PARSE_INLINE_MAX_BYTES:
            prepare()

        def change(box: MailboxWriter) -> int:
            letter, keys = prepare()
            answers = grouped.answers.get(account)
            arrived = Arrived(letter, envelope.sender, keys, now_ms, judged, delivered, answers)
            return deliver_local(box, account.id, arrived, arriving=self._arriving)

        return change

    def _find_told(
        self, envelope: Envelope, data: bytes, recipients: list[str], judged: Judged | None
    ) -> Delivered | None:
        """Return what the sender is told of, if it is the sender: else a stranger would get news
        of mail it did not send.
        """
        if judged is not None and (judged.spam or not judged.vouched):
            return None
        return make_delivered(
            data,
            sender=envelope.sender,
            recipients=recipients,
            wishes=make_wishes(envelope.options, envelope.recipients, envelope.reports),
            hostname=self._hostname,
        )

    def _add_trace(
        self,
        envelope: Envelope,
        data: bytes,
        recipients: list[str],
        account: Account,
        now_ms: int,
        *,
        found: bytes,
    ) -> bytes:
        """Return the message as it is stored, headers in Gmail's order in front of it."""
        received = received_header(
            helo=envelope.helo,
            peer=envelope.client,
            by=self._hostname,
            protocol=envelope.protocol,
            identity=envelope.session,
            epoch_ms=now_ms,
            # RFC 5321 §4.4: the clause names one address; none when there are several.
            recipient=recipients[0] if len(recipients) == 1 else "",
        )
        return add_trace(
            data,
            recipients,
            own=account.address,
            sender=envelope.sender,
            received=received,
            found=found,
        )


def _check_grouped(grouped: Grouped, sender: str, data: bytes, *, for_sinks: bool) -> None:
    """Raise when a message cannot be stored for all of its recipients."""
    if grouped.unknown or not (grouped.accounts or for_sinks):
        raise NotFoundError("a recipient is gone since it was accepted")
    if grouped.answers and not is_answer(sender, data):
        raise NoAnswerError("mail to a return address that answers nothing")


def add_trace(
    data: bytes,
    recipients: Sequence[str],
    *,
    own: str,
    sender: str,
    received: str,
    found: bytes = b"",
) -> bytes:
    """Return a message for one mailbox with what RFC 5321 §4.4 wants in front at final delivery.

    own: the account's address. It stands in Delivered-To in place of an alias, which X-Original-To
    names; a plus tag of its own stays (Gmail: assumed; its routing calls the second field
    X-Gm-Original-To). found: the fields of what was found of it, below them.
    """
    aliases = [each for each in recipients if canonical_address(each) != own]
    mine = [each for each in recipients if each not in aliases] or [own]
    return prepend_headers(
        data,
        [
            *(("Delivered-To", recipient) for recipient in mine),
            *(("X-Original-To", recipient) for recipient in aliases),
            ("Return-Path", f"<{sender}>"),
            ("Received", received),
        ],
        written=found,
    )


def _receipt_keys(envelope: Envelope, data: bytes, recipients: Sequence[str]) -> list[bytes]:
    """Return a key per recipient under which the same octets are known again.

    The client's address and name are no part of it: who retries may come from another host.
    A message without Message-ID has no key, because two equal ones may be meant.
    """
    digest = hashlib.sha256(data).digest()
    return [
        hashlib.sha256(f"{envelope.sender}\0{recipient}\0".encode() + digest).digest()
        for recipient in recipients
    ]
