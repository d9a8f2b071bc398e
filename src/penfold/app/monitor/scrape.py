"""Numbers that are found out when somebody asks for them: the queue, the disk, what runs."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from penfold.app.datadir import LOCK_NAME
from penfold.ports.queue import Queue, QueueState
from penfold.ports.sending.book import SendingBook
from penfold.ports.sending.emails import Backlog
from penfold.spec.metrics import (
    BUILD,
    DISK_FREE,
    DISK_SIZE,
    QUEUE,
    QUEUE_OLDEST,
    SENDING_BACKLOG,
    SENDING_OLDEST,
    SENDING_STREAMS,
    STARTED,
    WEBHOOKS_WAITING,
    Metric,
)

#: Numbers by metric and values of its labels.
Numbers = Mapping[Metric, Mapping[tuple[str, ...], float]]


def look(data: Path, queue: Queue, sending: SendingBook, now_ms: int) -> Numbers:
    """Return the series of spec.metrics.SCRAPED as they are now."""
    disk = os.statvfs(data)
    oldest = queue.find_oldest(QueueState.QUEUED)
    age_ms = max(0, now_ms - oldest.created_ms) if oldest else 0
    backlog, deliveries = sending.read(
        lambda book: (book.list_backlog(now_ms=now_ms), book.count_all_waiting())
    )
    since_ms = min((one.oldest_ms for one in backlog), default=now_ms)
    return {
        SENDING_BACKLOG: _sum_backlog(backlog),
        SENDING_OLDEST: {(): max(0, now_ms - since_ms) / 1000},
        WEBHOOKS_WAITING: {(): float(deliveries)},
        QUEUE: {(state.value,): float(n) for state, n in queue.count_by_state().items()},
        QUEUE_OLDEST: {(): age_ms / 1000},
        DISK_FREE: {(): float(disk.f_bavail * disk.f_frsize)},
        DISK_SIZE: {(): float(disk.f_blocks * disk.f_frsize)},
        # The supervisor writes its process id there when it starts.
        STARTED: {(): (data / LOCK_NAME).stat().st_mtime},
        BUILD: {BUILD.series()[0]: 1.0},
    }


def _sum_backlog(backlog: Iterable[Backlog]) -> dict[tuple[str, ...], float]:
    sums = dict.fromkeys(SENDING_BACKLOG.series(), 0.0)
    for one in backlog:
        stream = one.stream if one.stream in SENDING_STREAMS else SENDING_STREAMS[-1]
        sums[stream,] += one.emails
    return sums
