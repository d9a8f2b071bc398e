"""Tell webhooks what waits for them, several at a time, each in threads of its own.

No receiver holds up another: a webhook has few threads and an account not many more, and those
that fail or are slow share a part of them, so that for those that answer some are always free.
The threads are daemons: a receiver that does not answer never holds up the end of the process.
What they were about to send is sent again by the next start.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    WEBHOOK_REST_MS,
    WEBHOOK_THREADS,
    WEBHOOK_THREADS_ACCOUNT,
    WEBHOOK_THREADS_EACH,
    WEBHOOK_THREADS_LIMITED,
)
from penfold.domain.sending.webhook_notice import OwnerNotices
from penfold.domain.sending.webhook_sender import Sent, WebhookSender
from penfold.front.worker.tasks import Report
from penfold.ports.sending.book import SendingBook
from penfold.ports.sending.records import Webhook

_NOTHING: Final = Report()


class _Running(Struct, frozen=True):
    """A thread, for whom it runs; limited: it counts among those that fail or are slow."""

    thread: threading.Thread
    webhook_id: str
    account_id: str
    limited: bool


class WebhookRounds:
    """failed: told of what nobody expected. turned_off: told of a webhook, and why."""

    def __init__(
        self,
        sender: WebhookSender,
        notices: OwnerNotices,
        book: SendingBook,
        *,
        clock: Clock,
        failed: Callable[[Exception], None],
        turned_off: Callable[[Webhook], None] = lambda _: None,
    ) -> None:
        self._sender = sender
        self._notices = notices
        self._book = book
        self._clock = clock
        self._failed = failed
        self._turned_off = turned_off
        self._lock = threading.Lock()
        self._running: list[_Running] = []
        self._slow: set[str] = set()
        #: webhook -> until when (epoch ms) nothing is tried
        self._resting: dict[str, int] = {}
        self._started = False

    def run(self, stopping: threading.Event) -> Report:
        """Start a thread for each webhook that has something due, as far as it may have one."""
        now_ms = self._clock.now_ms()
        if not self._started:
            self._book.change(lambda writer: writer.release_deliveries(now_ms=now_ms))
            self._started = True
        due = self._book.read(
            lambda book: [
                book.find_unowned(Webhook, name) or Webhook(name, "", "", 0)
                for name in book.list_webhooks_due(now_ms=now_ms)
            ]
        )
        for webhook in due:
            with self._lock:
                if stopping.is_set():
                    break
                if not 0 < self._resting.get(webhook.id, 0) - now_ms <= WEBHOOK_REST_MS:
                    self._resting.pop(webhook.id, None)
                    self._start(webhook, stopping)
        return _NOTHING

    def tell_owners(self, _: threading.Event) -> Report:
        """Tell owners of webhooks that were turned off and who were not told."""
        return Report(changed=self._notices.sweep())

    def close(self, *, timeout_s: float) -> None:
        """Wait for the threads, all together no longer than that."""
        until = time.monotonic() + timeout_s
        with self._lock:
            threads = [each.thread for each in self._running]
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _start(self, webhook: Webhook, stopping: threading.Event) -> None:
        """Start a thread unless there are enough; called with the lock."""
        limited = bool(webhook.failing_ms) or webhook.id in self._slow
        own = sum(each.webhook_id == webhook.id for each in self._running)
        account = sum(each.account_id == webhook.account_id for each in self._running)
        held = sum(each.limited for each in self._running)
        if (
            len(self._running) >= WEBHOOK_THREADS
            or own >= (1 if limited else WEBHOOK_THREADS_EACH)
            or account >= WEBHOOK_THREADS_ACCOUNT
            or (limited and held >= WEBHOOK_THREADS_LIMITED)
        ):
            return
        thread = threading.Thread(
            target=self._send, args=(webhook.id, stopping), name="penfold-webhook", daemon=True
        )
        thread.start()  # it waits for the lock before it takes itself off the list
        self._running.append(_Running(thread, webhook.id, webhook.account_id, limited))

    def _send(self, webhook_id: str, stopping: threading.Event) -> None:
        try:
            more = True
            while more and not stopping.is_set():
                sent = self._sender.send(webhook_id)
                more = sent.more and not sent.slow
                self._note(webhook_id, sent)
        except UnavailableError:
            pass  # busy: the next round looks again
        except Exception as error:  # noqa: BLE001 - the top of a thread: it will be tried again
            self._failed(error)
        finally:
            me = threading.current_thread()
            with self._lock:
                self._running = [each for each in self._running if each.thread is not me]

    def _note(self, webhook_id: str, sent: Sent) -> None:
        if sent.tried:
            with self._lock:
                (self._slow.add if sent.slow else self._slow.discard)(webhook_id)
                if sent.rest_ms:
                    self._resting[webhook_id] = self._clock.now_ms() + sent.rest_ms
        if sent.turned_off:
            webhook = self._book.read(lambda book: book.find_unowned(Webhook, webhook_id))
            if webhook is not None:
                self._turned_off(webhook)
            self._notices.tell(webhook_id)
