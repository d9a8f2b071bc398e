"""The tasks of the mail process: what a crash left behind, and what goes by itself with time.

Each function does one round and returns what it did. A mailbox that fails is counted and
passed over, so one that is damaged does not stop the care for others.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from penfold.base.clock import Clock
from penfold.base.errors import (
    MailboxDamagedError,
    NotFoundError,
    PenfoldError,
    UnavailableError,
)
from penfold.base.limits import (
    AUDIT_STRANGERS_DAYS,
    ERASE_AFTER_MS,
    EXPIRE_GAP_S,
    EXPIRE_ROWS,
    IDEMPOTENCY_KEPT_MS,
    PUBSUB_BATCH_MAX,
    SENDING_BODY_KEPT_MS,
    SENDING_SWEEP_MAX,
    WEBHOOK_LOG_DAYS,
)
from penfold.domain.outgoing.expiry import MailDays, expire_mailbox
from penfold.domain.outgoing.outbound import Outbound
from penfold.front.worker.tasks import Report
from penfold.ports.identity import (
    AccessToken,
    Code,
    DeviceCode,
    HalfSignIn,
    IdentityBook,
    Removed,
    ServiceToken,
    Session,
    SpentChallenge,
)
from penfold.ports.mailbox import Mailboxes
from penfold.ports.pubsub import PubsubBook
from penfold.ports.queue import Queue
from penfold.ports.sending.book import SendingBook, SendingWriter

_DAY_MS: Final = 86_400_000
#: Records that have a time after which they mean nothing.
_EXPIRING = (AccessToken, Code, DeviceCode, HalfSignIn, ServiceToken, Session, SpentChallenge)


@dataclass(frozen=True, slots=True)
class Sweeps:
    """iter_changed(since_ms): mailboxes whose files changed since; iter_all: every mailbox.

    mail_days, queue_days, sending_days: after how many days things go; 0: never.
    load_mark, save_mark: when the last complete recovery began, across restarts.
    erase: leave nothing of a removed account.
    sweep_blobs(now_ms): remove large messages without a row.
    sweep_uploads(now_ms): remove uploads that are too old.
    """

    clock: Clock
    mailboxes: Mailboxes
    outbound: Outbound
    book: IdentityBook
    pubsub: PubsubBook
    sending: SendingBook
    queue: Queue
    mail_days: MailDays
    queue_days: int
    sending_days: int
    iter_all: Callable[[], Iterable[str]]
    iter_changed: Callable[[int], Iterable[str]]
    load_mark: Callable[[], int]
    save_mark: Callable[[int], None]
    erase: Callable[[Removed], object]
    close_idle: Callable[[], None]
    sweep_blobs: Callable[[int], int]
    sweep_uploads: Callable[[int], int]

    def recover_outboxes(self, stopping: threading.Event) -> Report:
        """Hand on what is in the outbox of every mailbox that changed since the last round."""
        began_ms = self.clock.now_ms()
        looked = found = failed = 0
        for mailbox_id in self.iter_changed(self.load_mark()):
            if stopping.is_set():
                return Report(looked, found, failed)
            looked += 1
            try:
                with self.mailboxes.open_reader(mailbox_id) as box:
                    waiting = bool(box.list_outbox(limit=1))
            except (MailboxDamagedError, NotFoundError):
                continue  # mended or restored, its file is newer and it comes up again
            except PenfoldError:
                failed += 1
                continue
            if waiting:
                found += 1
                self.outbound.recover(mailbox_id)
        self.outbound.sweep()
        if not failed:
            self.save_mark(began_ms)
        return Report(looked, found, failed)

    def tell_senders(self, stopping: threading.Event) -> Report:
        """Tell senders what ended and they have not been told of."""
        return Report(changed=self.outbound.notices.sweep(stopping))

    def expire_mail(self, stopping: threading.Event) -> Report:
        """Remove what was in TRASH or SPAM too long, and old history."""
        looked = removed = failed = 0
        for mailbox_id in self.iter_all():
            if stopping.is_set():
                break
            looked += 1
            try:
                removed += self._expire(mailbox_id, stopping)
            except PenfoldError:
                failed += 1
        return Report(looked, removed, failed)

    def _expire(self, mailbox_id: str, stopping: threading.Event) -> int:
        expired = expire_mailbox(
            self.mailboxes,
            mailbox_id,
            self.mail_days,
            now_ms=self.clock.now_ms(),
            go_on=lambda: not stopping.wait(EXPIRE_GAP_S),
        )
        return expired.messages

    def expire_queue(self, stopping: threading.Event) -> Report:
        """Remove rows of the queue that have been done for long, with their attempts."""
        if not self.queue_days:
            return Report()
        before_ms = self.clock.now_ms() - self.queue_days * _DAY_MS
        changed, step = 0, 1
        while step and not stopping.wait(EXPIRE_GAP_S):
            step = self.queue.expire(before_ms=before_ms, limit=EXPIRE_ROWS)
            changed += step
        return Report(changed=changed)

    def expire_records(self, _: threading.Event) -> Report:
        """Forget tokens, codes and sessions that have ended, and where strangers came from."""
        now_ms = self.clock.now_ms()
        gone = self.book.change(
            lambda writer: sum(writer.expire(kind, now_ms=now_ms) for kind in _EXPIRING)
        )
        old_ms = now_ms - AUDIT_STRANGERS_DAYS * _DAY_MS
        return Report(changed=gone + self.book.forget_strangers(before_ms=old_ms))

    def erase_removed(self, _: threading.Event) -> Report:
        """Erase what accounts left that were removed."""
        due_ms = self.clock.now_ms() - ERASE_AFTER_MS
        erased = 0
        for gone in self.book.list_by(Removed):
            if gone.removed_ms > due_ms:
                continue
            try:
                self.erase(gone)
            except OSError as error:
                raise UnavailableError("a mailbox cannot be erased", mailbox=gone.former) from error
            erased += 1
        return Report(mailboxes=erased, changed=erased)

    def remove_orphans(self, _: threading.Event) -> Report:
        """Remove large messages that a crash or a deletion left without a row."""
        return Report(changed=self.sweep_blobs(self.clock.now_ms()))

    def expire_messages(self, stopping: threading.Event) -> Report:
        """Drop messages nobody took in time and watches that ended; move on dead letters."""
        changed, step = 0, PUBSUB_BATCH_MAX
        while step >= PUBSUB_BATCH_MAX and not stopping.is_set():
            step = self.pubsub.expire(now_ms=self.clock.now_ms(), limit=PUBSUB_BATCH_MAX)
            changed += step
        return Report(changed=changed)

    def expire_sending(self, stopping: threading.Event) -> Report:
        """Forget answers, suppressions, deliveries, content and events that are over."""
        days = self.sending_days
        changed, step = 0, 1
        while step and not stopping.is_set():
            now_ms = self.clock.now_ms()
            step = self.sending.change(partial(_expire_sending, now_ms=now_ms, days=days))
            changed += step
        return Report(changed=changed)

    def remove_uploads(self, _: threading.Event) -> Report:
        """Remove uploads that nobody finished, and what is left of those that were."""
        return Report(changed=self.sweep_uploads(self.clock.now_ms()))

    def close_idle_files(self, _: threading.Event) -> Report:
        """Close mailbox files nobody used for a while."""
        self.close_idle()
        return Report()


def _expire_sending(writer: SendingWriter, *, now_ms: int, days: int) -> int:
    most = SENDING_SWEEP_MAX
    events = 0
    if days:
        events = writer.expire_events(before_ms=now_ms - days * _DAY_MS, limit=most)
    return (
        events
        + writer.expire_answers(before_ms=now_ms - IDEMPOTENCY_KEPT_MS, limit=most)
        + writer.expire_suppressions(now_ms=now_ms, limit=most)
        + writer.expire_deliveries(before_ms=now_ms - WEBHOOK_LOG_DAYS * _DAY_MS, limit=most)
        + writer.drop_bodies(before_ms=now_ms - SENDING_BODY_KEPT_MS, limit=most)
    )
