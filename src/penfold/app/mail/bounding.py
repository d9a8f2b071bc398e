"""What a process does to itself before it works on what strangers made: limits the kernel keeps."""

import os
import resource
from typing import Final

#: On a busy machine a tenth of what an ordinary process gets.
_NICE: Final = 10


def bound_process(memory_bytes: int, *, nice: int = _NICE) -> None:
    """No more address space, nothing written to disk, no core dumps, little claim on the CPU."""
    os.nice(nice)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_cpu(seconds: int) -> None:
    """Let the process run so much longer; beyond it the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (until, hard))
