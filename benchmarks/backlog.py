"""A queue in which much waits: what it costs to find the next row to deliver.

The file lies in memory: the synced commit that makes a lease durable depends on the disk, and one
serves a whole batch.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from penfold.ports.queue import NewQueueRow, QueueState
from penfold.store.sqlite.queue import SqliteQueue

ROWS = 200_000
DOMAINS = 500
TURNS = 500
WANTED_MS = 1.0
_NOW_MS = 1_790_000_000_000
_BATCH = 5_000


def measure() -> Iterator[tuple[str, str, str, str]]:
    """Yield rows: what, p50 and p95, what is wanted, of how many."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        queue = SqliteQueue(Path(name) / "queue.db", create=True)
        _fill(queue)
        yield _report("look for what is due", _time(queue.find_next_due))
        yield _report("choose and lease the next row", _time(lambda: _take(queue)))
        queue.close()


def _fill(queue: SqliteQueue) -> None:
    chance = random.Random(7)
    for first in range(0, ROWS, _BATCH):
        rows = [
            NewQueueRow(
                origin="bench",
                number=number,
                sender="al@home.example",
                recipient=f"r{number}@d{chance.randrange(DOMAINS)}.example",
                subject="bench",
                raw=b"Subject: bench\r\n\r\nhello\r\n",
                created_ms=_NOW_MS + chance.randrange(86_400_000),
            )
            for number in range(first, first + _BATCH)
        ]
        queue.add(rows, state=QueueState.QUEUED)


def _take(queue: SqliteQueue) -> None:
    queue.take(now_ms=_NOW_MS + 86_400_000, lease_ms=3_600_000, limit=1)


def _time(call: Callable[[], object]) -> list[float]:
    """Return milliseconds."""
    taken = []
    for _ in range(TURNS):
        began = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def _report(what: str, taken: list[float]) -> tuple[str, str, str, str]:
    p95 = statistics.quantiles(taken, n=20)[18]
    return (
        f"queue, {what}",
        f"{statistics.median(taken):.2f} ms, p95 {p95:.2f}",
        f"wanted: {WANTED_MS:.0f} ms",
        f"{ROWS:,} rows",
    )
