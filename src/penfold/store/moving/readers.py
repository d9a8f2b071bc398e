"""Several reading processes, used as one: lots go in and what came of them comes out in order.

Each process has a thread that writes a lot and then waits for the answer, so neither side ever
waits for the other with both pipes full. A process that dies (out of memory on a hostile
message, say) is started anew, and the messages of its lot are read one by one: the one that kills
it again is skipped and told of, the others are not lost.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    IMPORT_COMMIT_BYTES,
    IMPORT_COMMIT_MAX,
    READ_AHEAD_MAX_S,
    READ_AHEAD_MESSAGES,
)
from penfold.ports.moving import Ready, Skipped
from penfold.store.moving.found import Found
from penfold.store.moving.reader import HELLO, decode_lot, encode, read_frame, write_frame

Outcome = Ready | Skipped

#: Lots per process that are read ahead at least: one in hand, one that waits, one that is done.
_AHEAD: Final = 3
#: And at most, of all processes, as long as they are small: what one transaction takes, so that
#: reading goes on while it is written.
_AHEAD_MAX: Final = IMPORT_COMMIT_MAX // READ_AHEAD_MESSAGES
#: Processes at most: one writer keeps up with about three, whatever the machine has.
_PROCESSES_MAX: Final = 4


class Readers:
    def __init__(self, blobs: Path, *, count: int = 0) -> None:
        """count: processes; by default one for each processor."""
        self._count = count or min(os.cpu_count() or 1, _PROCESSES_MAX)
        self._idle: SimpleQueue[_Process] = SimpleQueue()
        for _ in range(self._count):
            self._idle.put(_Process(blobs))
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="mail-reader")

    def map(self, lots: Iterable[list[Found | Skipped]]) -> Iterator[Outcome]:
        """Yield what comes of every lot, in order."""
        waiting: deque[tuple[int, Future[list[Outcome]]]] = deque()
        ahead = 0
        for lot in lots:
            octets = sum(len(each.raw) for each in lot if isinstance(each, Found))
            waiting.append((octets, self._threads.submit(self._read, lot)))
            ahead += octets
            room = _AHEAD_MAX if ahead < IMPORT_COMMIT_BYTES else self._count * _AHEAD
            while len(waiting) > room:
                octets, first = waiting.popleft()
                ahead -= octets
                yield from first.result()
        for _, each in waiting:
            yield from each.result()

    def close(self) -> None:
        """End the processes; safe to call twice."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        while not self._idle.empty():
            self._idle.get().close()

    def _read(self, lot: list[Found | Skipped]) -> list[Outcome]:
        process = self._idle.get()
        try:
            found = [each for each in lot if isinstance(each, Found)]
            answers = iter(self._read_each(process, found))
            return [next(answers) if isinstance(each, Found) else each for each in lot]
        finally:
            self._idle.put(process)

    def _read_each(self, process: "_Process", found: list[Found]) -> list[Outcome]:
        if not found:
            return []
        answers = process.ask(found)
        if answers is not None:
            return answers
        outcomes: list[Outcome] = []
        for each in found:
            one = process.ask([each])
            outcomes.append(one[0] if one else Skipped(each.place, each.where, "cannot be read"))
        return outcomes


class _Process:
    """One reading process, started when it is first needed."""

    def __init__(self, blobs: Path) -> None:
        self._command = [sys.executable, "-m", "penfold.store.moving.reader", str(blobs)]
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, found: list[Found]) -> list[Outcome] | None:
        """Return what came of these, None when the process died of them."""
        process = self._process = self._process or self._start()
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None, "asked for at the start"
        assert stdout is not None, "asked for at the start"
        timer = threading.Timer(READ_AHEAD_MAX_S, process.kill)
        timer.daemon = True
        timer.start()
        try:
            write_frame(stdin, encode(found))
            answer = read_frame(stdout)
        except OSError:
            answer = b""
        finally:
            timer.cancel()
        if not answer:
            self.close()
            return None
        lot = decode_lot(answer)
        merged: dict[int, Outcome] = {**dict(lot.ready), **dict(lot.skipped)}
        return [merged[number] for number in range(len(found))]

    def _start(self) -> subprocess.Popen[bytes]:
        """Start the process; UnavailableError when it does not get as far as to say so."""
        # A group of its own: Ctrl-C is for the command, which then ends its readers.
        process = self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
        )
        assert process.stdout is not None, "asked for above"
        if read_frame(process.stdout) != HELLO:
            self.close()
            raise UnavailableError("the process that reads messages does not start")
        return process

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        process.wait()
