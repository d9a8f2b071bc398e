"""Time from command to ready, memory of all processes, and octets on disk per octet of mail."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.stores import add_all, mailbox_of, opened
from penfold.testing.mail import MailGenerator
from penfold.testing.server import RunningServer, serve, start

STARTS = 5
MESSAGES = 5_000


def measure() -> Iterator[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        first, later = _start_times(data)
        yield ("ready, first start", f"{first:.2f} s", "wanted: 1.5 s", "")
        yield ("ready, later starts (median)", f"{later:.2f} s", "wanted: 1.5 s", "")
        mail = _fill(data)
        with serve(data) as server:
            _load(server)
            rss, pss = _memory(server)
        yield ("memory, all processes, RSS summed", f"{rss:.0f} MB", "wanted: 250 MB", "")
        yield ("memory, shared pages counted once (PSS)", f"{pss:.0f} MB", "", "")
        disk = sum(p.stat().st_size for p in (data / "mailboxes").rglob("*") if p.is_file())
        yield ("disk per octet of mail", f"{disk / mail:.2f}", f"{MESSAGES:,} messages", "")


def _start_times(data: Path) -> tuple[float, float]:
    times = []
    for _ in range(STARTS + 1):
        started = time.perf_counter()
        server = start(data)
        times.append(time.perf_counter() - started)
        server.stop()
    return times[0], statistics.median(times[1:])


def _fill(data: Path) -> int:
    """Put mail into alice's mailbox and return its octets."""
    messages = list(MailGenerator(7).messages(MESSAGES))
    with opened(data) as stores:
        add_all(stores, mailbox_of(stores, "alice@penfold.test"), messages)
    return sum(map(len, messages))


def _load(server: RunningServer) -> None:
    """Let every process do some work, so that its memory is that of one in use."""
    token = server.load_document("alice")["token"]
    command = [sys.executable, "-m", "benchmarks.visit", server.http, token, server.smtp]
    subprocess.run(command, check=True)


def _memory(server: RunningServer) -> tuple[float, float]:
    """Return megabytes of the supervisor and its children: RSS and PSS."""
    listing = ["pgrep", "-P", str(server.process.pid)]
    children = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split()
    rss = pss = 0
    for pid in (str(server.process.pid), *children):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in ("Rss", "Pss"):
                kilobytes = int(rest.split()[0])
                rss += kilobytes if name == "Rss" else 0
                pss += kilobytes if name == "Pss" else 0
    return rss / 1024, pss / 1024
