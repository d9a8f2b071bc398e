"""Find watched mailboxes that changed and tell their topics; push what waits for addresses.

Both are rounds that come several times a second in the mail process, so a round in which nothing
happened is cheap: a point read, and one look at a file per watched mailbox. HTTP workers commit
in other processes, so files are what tells; their times are coarse, so a mailbox counts as
looked at only once its file has been at rest. All that is told in a round is one transaction.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from penfold.base.clock import Clock
from penfold.base.errors import (
    BacklogFullError,
    MailboxDamagedError,
    NotFoundError,
    UnavailableError,
)
from penfold.base.limits import NOTIFY_ALL_S, NOTIFY_REST_MS, PUSH_THREADS
from penfold.domain.push.push import Pusher
from penfold.domain.push.watches import is_resting, look, may_tell
from penfold.front.worker.tasks import Report
from penfold.ports.directory import Directory
from penfold.ports.mailbox import Mailboxes
from penfold.ports.pubsub import PubsubBook, Telling, Watch

_NOTHING: Final = Report()


class FileState(NamedTuple):
    """What a mailbox's file looks like, in nanoseconds and octets; all 0 when it is gone.

    Two different states of the mailbox look the same only if both are of the same moment.
    """

    changed_ns: int
    size: int
    inode: int


class Notifier:
    """find_state: of a mailbox's file. count: told of notifications, and of those that wait."""

    def __init__(
        self,
        book: PubsubBook,
        mailboxes: Mailboxes,
        directory: Directory,
        *,
        clock: Clock,
        find_state: Callable[[str], FileState],
        count: Callable[[int, str], None] = lambda _number, _outcome: None,
    ) -> None:
        self._book = book
        self._mailboxes = mailboxes
        self._directory = directory
        self._clock = clock
        self._find_state = find_state
        self._count = count
        self._mark = -1
        self._watches: dict[str, list[Watch]] = {}
        #: mailbox -> the state in which everything was told
        self._settled: dict[str, FileState] = {}
        self._all_ms = 0

    def run(self, stopping: threading.Event) -> Report:
        """Do one round."""
        self._load()
        now_ms = self._clock.now_ms()
        everything = not 0 <= now_ms - self._all_ms < NOTIFY_ALL_S * 1000
        if everything:
            self._all_ms = now_ms
        tellings: list[Telling] = []
        settling: dict[str, FileState] = {}
        for mailbox in list(self._watches):
            if stopping.is_set():
                break
            state = self._find_state(mailbox)
            if not everything and self._settled.get(mailbox) == state:
                continue
            found, settled = self._look(mailbox, now_ms)
            tellings += found
            if settled and now_ms - state.changed_ns // 1_000_000 > NOTIFY_REST_MS:
                settling[mailbox] = state
        if self._tell(tellings, now_ms):
            self._settled |= settling
        return _NOTHING

    def _load(self) -> None:
        """Read the watches again when one was made or ended."""
        mark = self._book.get_watch_mark()
        if mark == self._mark:
            return
        self._watches = {}
        for watch in self._book.list_watches():
            self._watches.setdefault(watch.mailbox, []).append(watch)
        self._settled = {}
        self._mark = mark

    def _look(self, mailbox: str, now_ms: int) -> tuple[list[Telling], bool]:
        """Return what is to be told of a mailbox, and whether nothing is left to look for."""
        waiting = [
            watch
            for watch in self._watches[mailbox]
            if watch.expires_ms > now_ms and not is_resting(watch, now_ms=now_ms)
        ]
        settled = len(waiting) == len(self._watches[mailbox])
        try:
            self._directory.get_account(mailbox)
            with self._mailboxes.open_reader(mailbox) as box:
                found = [look(box, watch, now_ms=now_ms) for watch in waiting]
        except NotFoundError:
            self._forget(mailbox)
            return [], True
        except (MailboxDamagedError, UnavailableError):
            return [], False
        return [self._allowed(telling) for telling in found if telling], settled

    def _allowed(self, telling: Telling) -> Telling:
        if telling.data is None or may_tell(self._book, telling.watch):
            return telling
        return Telling(telling.watch, None)

    def _forget(self, mailbox: str) -> None:
        """End the watches of an account that is gone."""
        for watch in self._watches.pop(mailbox):
            self._book.delete_watch(watch.mailbox, watch.project)

    def _tell(self, tellings: Sequence[Telling], now_ms: int) -> bool:
        """Publish; returns whether that is done. While too much waits it is tried again."""
        if not tellings:
            return True
        try:
            told = self._book.tell(tellings, now_ms=now_ms)
        except BacklogFullError:
            self._count(len(tellings), "waiting")
            return False
        self._count(told, "told")
        for telling in tellings:
            new = telling.watch
            watches = self._watches[new.mailbox]
            self._watches[new.mailbox] = [
                new if watch.project == new.project else watch for watch in watches
            ]
        return True


class PushRounds:
    """Pushes for several subscriptions at a time, each in a thread of its own.

    The threads are daemons: a subscriber that does not answer never holds up the end of the
    process. What they were about to send is given out again by the next start.
    """

    def __init__(
        self, pusher: Pusher, book: PubsubBook, *, clock: Clock, failed: Callable[[Exception], None]
    ) -> None:
        self._pusher = pusher
        self._book = book
        self._clock = clock
        self._failed = failed
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Thread] = {}
        self._started = False

    def run(self, stopping: threading.Event) -> Report:
        """Start a thread for each subscription that has something due and none yet."""
        now_ms = self._clock.now_ms()
        if not self._started:
            self._book.release_pushes(now_ms=now_ms)
            self._started = True
        for name in self._book.list_push_due(now_ms=now_ms):
            with self._lock:
                if stopping.is_set() or name in self._busy or len(self._busy) >= PUSH_THREADS:
                    continue
                thread = threading.Thread(
                    target=self._push, args=(name, stopping), name="penfold-push", daemon=True
                )
                thread.start()  # it waits for the lock before it takes itself off the list
                self._busy[name] = thread
        return _NOTHING

    def close(self, *, timeout_s: float) -> None:
        """Wait for the threads, all together no longer than that."""
        until = time.monotonic() + timeout_s
        with self._lock:
            threads = list(self._busy.values())
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _push(self, name: str, stopping: threading.Event) -> None:
        try:
            # An address that accepts nothing gets one batch a round, however much waits for it.
            while not stopping.is_set() and self._pusher.push(name):
                pass
        except (NotFoundError, UnavailableError):
            pass  # removed meanwhile, or busy: the next round looks again
        except Exception as error:  # noqa: BLE001 - the top of a thread: it will be tried again
            self._failed(error)
        finally:
            with self._lock:
                del self._busy[name]
