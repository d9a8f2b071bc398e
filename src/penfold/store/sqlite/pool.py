"""Keep database handles open, and only as many as the process can afford.

Owns every handle of the mailbox files in this process. A handle is borrowed by one thread at a
time, which pins it; given back it stays open for the next borrower until it was idle too long
or its place is needed (least recently used first). Opening costs about 300 us, a kept handle
answers in 2 us, and each costs up to 3 descriptors: so neither no cache nor an unbounded one.

Invariants: at most `max_handles` are open; two borrowers never open the same file at the same
moment (the first open may migrate or recover it); nothing is used in a process that forked.
"""

import itertools
import os
import resource
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import apsw

from penfold.base.errors import MailboxBusyError, UnavailableError
from penfold.base.limits import SQLITE_HANDLES_MAX

#: Seconds to wait for a handle when all are pinned.
_WAIT_S: Final = 10.0
#: Descriptors of one handle: file, write-ahead log, shared memory.
_DESCRIPTORS: Final = 3


#: How many forks lie between this process and the one that loaded the module; asking for the
#: process number on each borrow would be a system call.
_forks = 0


def _count_fork() -> None:
    global _forks  # noqa: PLW0603 - the one thing a child process inherits and must change
    _forks += 1


os.register_at_fork(after_in_child=_count_fork)


class Handle:
    """One open connection.

    number: no other of this process has it. deadline: monotonic seconds at which a running
    statement is stopped.
    """

    __slots__ = (
        "connection", "deadline", "idle_since", "mailbox_id", "number", "wal_pages", "writable",
    )  # fmt: skip
    _numbers = itertools.count(1)

    def __init__(self, connection: apsw.Connection, mailbox_id: str, *, writable: bool) -> None:
        self.connection = connection
        self.number = next(self._numbers)
        self.mailbox_id = mailbox_id
        self.writable = writable
        self.idle_since = 0.0
        self.deadline = 0.0
        self.wal_pages = 0

    def close(self, *, broken: bool = False) -> None:
        """Close the connection; after an error without another attempt to write anything."""
        sound = not broken
        if sound and self.writable:
            # The last writable handle leaves a small log behind even when readers stay open.
            try:
                self.connection.set_busy_timeout(0)
                self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.BusyError:
                sound = True
            except apsw.Error:
                sound = False
        self.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(not sound))
        with suppress(apsw.Error):
            self.connection.close(force=True)


def affordable_handles() -> int:
    """Return how many handles fit in half of the descriptors this process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return SQLITE_HANDLES_MAX
    return max(4, min(SQLITE_HANDLES_MAX, soft // 2 // _DESCRIPTORS))


class Pool:
    """Handles by (mailbox, writable)."""

    def __init__(
        self,
        open_handle: Callable[[str, bool], Handle],
        *,
        max_handles: int,
        idle_close_s: float,
        wait_s: float = _WAIT_S,
    ) -> None:
        self._open_handle = open_handle
        self._max = max_handles
        self._idle_close_s = idle_close_s
        self._wait_s = wait_s
        self._changed = threading.Condition(threading.Lock())
        self._waiting = 0
        self._count = 0  # open or being opened
        self._opening: set[tuple[str, bool]] = set()
        self._idle: dict[tuple[str, bool], list[Handle]] = {}
        self._lru: OrderedDict[Handle, None] = OrderedDict()
        self._stale: set[Handle] = set()  # borrowed, to be closed when they come back
        self._borrowed: set[Handle] = set()
        self._closed = False
        self._forks = _forks

    def borrow(self, mailbox_id: str, *, writable: bool) -> Handle:
        """Return a handle nobody else has; opens one when none is idle.

        MailboxBusyError when all are pinned for too long; whatever opening raises.
        """
        key = (mailbox_id, writable)
        with self._changed:
            self._check_open()
            idle = self._idle.get(key)
            if idle:
                handle = idle[-1]
                self._forget(handle, closing=False)
                self._borrowed.add(handle)
                return handle
        return self._open(key)

    def give_back(self, handle: Handle, *, broken: bool = False) -> None:
        """End a borrow. A broken handle is closed, as is one that was dropped meanwhile."""
        now = time.monotonic()
        ending = False
        with self._changed:
            self._borrowed.discard(handle)
            if broken or self._closed or handle in self._stale:
                self._stale.discard(handle)
                self._count -= 1
                ending = True
            else:
                handle.idle_since = now
                self._lru[handle] = None
                self._idle.setdefault((handle.mailbox_id, handle.writable), []).append(handle)
            closing = self._take_idle(now - self._idle_close_s)
            if self._waiting:
                self._changed.notify_all()
        if ending:
            handle.close(broken=broken)
        for each in closing:
            each.close()

    def knows(self, mailbox_id: str) -> bool:
        """Say whether an idle reader of this mailbox is open, so that its file is there."""
        return (mailbox_id, False) in self._idle

    @property
    def size(self) -> int:
        """Handles that are open or being opened."""
        return self._count

    def close_idle(self) -> None:
        """Close what was idle too long; for a timer, as a quiet pool is never called."""
        with self._changed:
            closing = self._take_idle(time.monotonic() - self._idle_close_s)
        for handle in closing:
            handle.close()

    def drop(self, mailbox_id: str) -> None:
        """Close every handle of one mailbox, pinned ones when they come back."""
        with self._changed:
            mine = [each for each in self._lru if each.mailbox_id == mailbox_id]
            for handle in mine:
                self._forget(handle)
            self._stale |= {each for each in self._borrowed if each.mailbox_id == mailbox_id}
        for handle in mine:
            handle.close()

    def close(self) -> None:
        """Close all idle handles now and pinned ones when they come back; safe to call twice."""
        with self._changed:
            self._closed = True
            closing = list(self._lru)
            for handle in closing:
                self._forget(handle)
            self._changed.notify_all()
        for handle in closing:
            handle.close()

    def _open(self, key: tuple[str, bool]) -> Handle:
        handle, victim = self._reserve(key)
        if handle is not None:
            return handle
        try:
            if victim is not None:
                victim.close()
            handle = self._open_handle(*key)
        except BaseException:
            with self._changed:
                self._count -= 1
            raise
        finally:
            with self._changed:
                self._opening.discard(key)
                if handle is not None:
                    self._borrowed.add(handle)
                self._changed.notify_all()
        return handle

    def _reserve(self, key: tuple[str, bool]) -> tuple[Handle | None, Handle | None]:
        """Wait for an idle handle, or for the right to open one in place of a victim."""
        deadline = time.monotonic() + self._wait_s
        with self._changed:
            while True:
                self._check_open()
                if self._idle.get(key):
                    handle = self._idle[key][-1]
                    self._forget(handle, closing=False)
                    self._borrowed.add(handle)
                    return handle, None
                room = self._count < self._max
                if key not in self._opening and (room or self._lru):
                    victim = None if room else next(iter(self._lru))
                    if victim is not None:
                        self._forget(victim)
                    self._count += 1
                    self._opening.add(key)
                    return None, victim
                self._waiting += 1
                woken = self._changed.wait(deadline - time.monotonic())
                self._waiting -= 1
                if not woken:
                    raise MailboxBusyError("no database handle is free", mailbox=key[0])

    def _check_open(self) -> None:
        if self._forks != _forks:
            raise RuntimeError("database handles do not survive a fork")
        if self._closed:
            raise UnavailableError("the mailbox store is closed")

    def _take_idle(self, since: float) -> list[Handle]:
        taken = []
        while self._lru and (oldest := next(iter(self._lru))).idle_since < since:
            self._forget(oldest)
            taken.append(oldest)
        return taken

    def _forget(self, handle: Handle, *, closing: bool = True) -> None:
        del self._lru[handle]
        key = (handle.mailbox_id, handle.writable)
        self._idle[key].remove(handle)
        if not self._idle[key]:
            del self._idle[key]
        if closing:
            self._count -= 1
