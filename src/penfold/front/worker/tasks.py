"""Work that comes round again: each task in a thread, one run at a time, a failure never the end.

A task is a plain function; it runs `first_s` after the start and then `every_s` after the end of
its last run. Stopping waits for the runs in hand, whose functions look at `is_stopping` between
two steps.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from penfold.base.errors import OutcomeUnknownError
from penfold.ports.events import EventLog
from penfold.spec.events import SWEEP, TASK_FAILED


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, for the log; one that changed nothing is not logged."""

    mailboxes: int = 0
    changed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    run: Callable[[threading.Event], Report]
    first_s: float
    every_s: float


class Tasks:
    """The tasks of one process."""

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        log: EventLog,
        fatal: Callable[[BaseException], None],
    ) -> None:
        self._tasks = tasks
        self._log = log
        self._fatal = fatal
        self._stopping = threading.Event()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; call on the event loop."""
        loop = asyncio.get_running_loop()
        self._loops = [loop.create_task(self._repeat(task)) for task in self._tasks]

    async def stop(self) -> None:
        """Start nothing more and wait for what runs."""
        self._stopping.set()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    async def _repeat(self, task: Task) -> None:
        await asyncio.sleep(task.first_s)
        while True:
            # A cancelled wait does not end the thread; shield so that stop() waits for it.
            run = asyncio.ensure_future(asyncio.to_thread(self._run, task))
            try:
                await asyncio.shield(run)
            except asyncio.CancelledError:
                await run
                raise
            await asyncio.sleep(task.every_s)

    def _run(self, task: Task) -> None:
        began = time.monotonic()
        try:
            report = task.run(self._stopping)
        except OutcomeUnknownError as error:
            self._fatal(error)
        except Exception as error:  # noqa: BLE001 - the loop of a task: it will be tried again
            self._log.emit(
                TASK_FAILED, task=task.name, error=type(error).__name__, detail=str(error)
            )
        else:
            if report.changed or report.failed:
                self._log.emit(
                    SWEEP,
                    task=task.name,
                    mailboxes=report.mailboxes,
                    changed=report.changed,
                    failed=report.failed,
                    ms=round((time.monotonic() - began) * 1000),
                )
