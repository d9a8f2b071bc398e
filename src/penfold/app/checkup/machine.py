"""The machine: descriptors, memory, the clock; and what the server counted against itself."""

import ctypes
import re
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from penfold.app.checkup.patient import Patient
from penfold.app.monitor.metrics import load_totals, read_total
from penfold.base.limits import (
    CLOCK_AHEAD_MS,
    DESCRIPTORS_WANTED,
    MEMORY_LOW_BYTES,
)
from penfold.domain.health import Finding, error, fine, warning
from penfold.spec.events import EVENTS, Severity
from penfold.spec.metrics import STARTS, TROUBLE

#: adjtimex(2) returns it while no time service keeps the clock.
_TIME_ERROR: Final = 5
#: Octets of its struct timex are fewer, on every Linux.
_TIMEX_BYTES: Final = 512
_ERRORS: Final = {event.name for event in EVENTS if event.severity is Severity.ERROR}


def check_descriptors(patient: Patient) -> Iterator[Finding]:
    """There may be enough open files and connections."""
    del patient
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS_WANTED:
        yield warning(
            "limits",
            f"A process may have {hard} open files.",
            why="Each open mailbox takes three, each client one; then clients are turned away.",
            mend="LimitNOFILE=65536 in the unit file, or `ulimit -n` before `penfold serve`",
        )
    else:
        yield fine("limits", "A process may have enough open files.")


def check_memory(patient: Patient) -> Iterator[Finding]:
    """There is memory left."""
    del patient
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return  # no Linux
    found = {name: int(kib) * 1024 for name, kib in re.findall(r"(\w+):\s+(\d+) kB", text)}
    left = found.get("MemAvailable", 0)
    what = f"{left / 1e9:.1f} GB of memory are available."
    if left < MEMORY_LOW_BYTES:
        yield warning(
            "memory",
            what,
            why="The system ends a process when none is left; mail is not lost, but waits.",
            mend="ps aux --sort=-rss | head tells who has it",
        )
    else:
        yield fine("memory", what)


def check_clock(patient: Patient) -> Iterator[Finding]:
    """The clock is right, as far as this machine can tell."""
    newest = max((path.stat().st_mtime for path in patient.data.glob("*.db")), default=0.0)
    if newest * 1000 > patient.now_ms + CLOCK_AHEAD_MS:
        yield error(
            "clock",
            "The clock is behind: files in the data directory are from the future.",
            why="Tokens, certificates and DKIM signatures are judged by it.",
            mend="timedatectl set-ntp true",
        )
        return
    if patient.settings.is_production and _is_unkept():
        yield warning(
            "clock",
            "No time service keeps the clock, as far as the kernel knows.",
            why="Tokens, certificates, DKIM signatures and second factors go by it.",
            mend="timedatectl set-ntp true, or chrony",
        )
    else:
        yield fine("clock", "Nothing speaks against the clock.")


def _is_unkept() -> bool:
    """Return whether the kernel says that nobody keeps its clock."""
    try:
        ask = ctypes.CDLL(None).adjtimex
    except (AttributeError, OSError):
        return False
    # All zero: nothing is set, the state is returned.
    return bool(ask(ctypes.create_string_buffer(_TIMEX_BYTES)) == _TIME_ERROR)


def check_life(patient: Patient) -> Iterator[Finding]:
    """The running server replaced no process and met no error."""
    if not patient.running:
        yield fine("server", "No server runs on this data directory.")
        return
    totals = load_totals(patient.data / "run")
    # How many others are wanted may have been a flag, which is not known here.
    replaced = round(read_total(totals, STARTS, "mail")) - 1
    if replaced > 0:
        yield error(
            "server",
            f"The mail process was replaced {replaced} times since the server started.",
            why="Something ends it: an error, the system for want of memory, or a person.",
            mend="look for process_died and fatal in the log",
        )
    met = {
        name: round(read_total(totals, TROUBLE, name))
        for name in sorted(_ERRORS)
        if (name,) in TROUBLE.series()
    }
    for name, count in met.items():
        if count:
            yield warning(
                "server",
                f"The log has {count} lines {name} since the server started.",
                why=next(event.sentence for event in EVENTS if event.name == name),
                mend=f"search the log for {name}",
            )
    if not any(met.values()):
        yield fine("server", "It runs, and met no error since it was started.")
