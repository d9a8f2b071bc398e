"""Numbers that are found out when somebody asks for them: the queue, the disk, what runs."""

import os
from collections.abc import Mapping
from pathlib import Path

from penfold.app.datadir import LOCK_NAME
from penfold.ports.queue import Queue, QueueState
from penfold.spec.metrics import (
    BUILD,
    DISK_FREE,
    DISK_SIZE,
    QUEUE,
    QUEUE_OLDEST,
    STARTED,
    Metric,
)

#: Numbers by metric and values of its labels.
Numbers = Mapping[Metric, Mapping[tuple[str, ...], float]]


def look(data: Path, queue: Queue, now_ms: int) -> Numbers:
    """Return the series of spec.metrics.SCRAPED as they are now."""
    disk = os.statvfs(data)
    oldest = queue.find_oldest(QueueState.QUEUED)
    age_ms = max(0, now_ms - oldest.created_ms) if oldest else 0
    return {
        QUEUE: {(state.value,): float(n) for state, n in queue.count_by_state().items()},
        QUEUE_OLDEST: {(): age_ms / 1000},
        DISK_FREE: {(): float(disk.f_bavail * disk.f_frsize)},
        DISK_SIZE: {(): float(disk.f_blocks * disk.f_frsize)},
        # The supervisor writes its process id there when it starts.
        STARTED: {(): (data / LOCK_NAME).stat().st_mtime},
        BUILD: {BUILD.series()[0]: 1.0},
    }
