"""What a process takes of the machine: memory, processor, descriptors, and how late it is."""

import os
import resource
from pathlib import Path
from typing import Final

from penfold.app.monitor.metrics import Counters
from penfold.spec.metrics import CPU_SECONDS, LOOP_DELAY, MAX_FILES, MEMORY, OPEN_FILES

_PAGE_BYTES: Final = resource.getpagesize()
_DESCRIPTORS: Final = Path("/proc/self/fd")


class Vitals:
    """Told to the counters of a process every few seconds; 0.1 ms with 100 descriptors."""

    def __init__(self, counters: Counters, role: str) -> None:
        self._counters = counters
        self._role = role
        self._used_s = 0.0

    def count(self) -> None:
        put = self._counters.put
        put(MEMORY, _resident_bytes(), self._role)
        put(OPEN_FILES, _count_descriptors(), self._role)
        put(MAX_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[0], self._role)
        times = os.times()
        used_s = times.user + times.system
        self._counters.add(CPU_SECONDS, used_s - self._used_s, self._role)
        self._used_s = used_s

    def note_delay(self, seconds: float) -> None:
        self._counters.observe(LOOP_DELAY, max(0.0, seconds), self._role)


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - read every two seconds
            return int(file.read().split()[1]) * _PAGE_BYTES
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _count_descriptors() -> int:
    """Return how many descriptors this process has; 0 where the system does not tell."""
    try:
        return sum(1 for _ in _DESCRIPTORS.iterdir()) - 1  # one of them is the folder itself
    except OSError:
        return 0
