"""Mail out by SMTP: Penfold against Postfix, a full queue to Postfix's own `smtp-sink`, in turn.

Both begin with MESSAGES of 4 kB in their queue for one domain, and are timed from the moment these
may go until none is left. Penfold keeps every attempt with its conversation meanwhile. No TLS:
smtp-sink has none.
"""

import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import postfix
from penfold.ports.queue import NewQueueRow, QueueState
from penfold.proto.dns import Exchange
from penfold.store.sqlite.queue import SqliteQueue
from penfold.testing.dns import DnsServer
from penfold.testing.mail import MailGenerator
from penfold.testing.server import configure, serve

MESSAGES = 2_000
ROUNDS = 5
BYTES = 4_096
#: Seconds for filling the queue, before its rows are due.
FILLING_S = 4.0
ZONES = {
    "sink.example": {"MX": [Exchange(10, "mx.sink.example")]},
    "mx.sink.example": {"A": ["127.0.0.1"]},
}


@contextmanager
def run_sink() -> Iterator[int]:
    """Run smtp-sink and yield its port."""
    port = postfix.find_free_port()
    sink = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"])
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield port
    finally:
        sink.kill()
        sink.wait()


def measure() -> Iterator[tuple[str, str, str, str]]:
    """Yield rows: what, ours, the peer's, ratio (median, least, most)."""
    if not postfix.is_installed():
        yield ("SMTP out", "-", "Postfix is not installed, or this is not root", "-")
        return
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name, run_sink() as port:
        folder = Path(name)
        settings = {"relayhost": f"[127.0.0.1]:{port}", "defer_transports": "smtp"}
        with (
            DnsServer(ZONES) as dns,
            serve(_configure(folder / "penfold", dns, port)) as penfold,
            postfix.run(folder / "postfix", settings=settings) as (peer, _),
        ):
            ours, theirs = [], []
            for number in range(ROUNDS + 1):
                ours.append(_send_ours(penfold.data, number))
                theirs.append(_send_theirs(folder / "postfix", peer))
    ratios = [a / b for a, b in zip(ours[1:], theirs[1:], strict=True)]
    yield (
        "SMTP out, one domain, from a full queue",
        f"{statistics.median(ours[1:]):,.0f}/s",
        f"Postfix {statistics.median(theirs[1:]):,.0f}/s",
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
    )


def _configure(data: Path, dns: DnsServer, port: int) -> Path:
    return configure(
        data,
        domains=["home.example"],
        hostname="mail.home.example",
        dns_servers=[f"{dns.host}:{dns.port}"],
        delivery_reach="loopback",
        delivery_port=port,
    )


def _send_ours(data: Path, number: int) -> float:
    """Return messages per second."""
    queue = SqliteQueue(data / "queue.db", create=False)
    due_ms = time.time_ns() // 1_000_000 + round(1000 * FILLING_S)
    mails = MailGenerator(number).messages(MESSAGES)
    queue.add(
        [
            NewQueueRow(
                origin=f"bench{number}",
                number=n,
                sender="al@home.example",
                recipient=f"r{n}@sink.example",
                subject="bench",
                raw=raw[:BYTES].ljust(BYTES, b"x").replace(b"\n", b"\r\n").replace(b"\r\r", b"\r"),
                created_ms=due_ms,
            )
            for n, raw in enumerate(mails)
        ],
        state=QueueState.QUEUED,
    )
    time.sleep(max(0.0, due_ms / 1000 - time.time()))
    started = time.perf_counter()
    while queue.find_next_due() is not None:
        time.sleep(0.01)
    elapsed = time.perf_counter() - started
    queue.close()
    return MESSAGES / elapsed


def _send_theirs(folder: Path, address: str) -> float:
    """Return messages per second."""
    config = str(folder / "config")

    def defer(transports: str) -> None:
        setting = f"defer_transports={transports}"
        subprocess.run(["postconf", "-c", config, "-e", setting], check=True)
        subprocess.run(["postfix", "-c", config, "reload"], check=True, capture_output=True)

    defer("smtp")
    command = ["smtp-source", "-s", "20", "-m", str(MESSAGES), "-l", str(BYTES), "-d"]
    command += ["-f", "al@home.example", "-t", "kim@sink.example", address]
    subprocess.run(command, check=True)
    while _count(folder, "deferred") < MESSAGES:
        time.sleep(0.05)
    defer("")
    started = time.perf_counter()
    subprocess.run(["postqueue", "-c", config, "-f"], check=True)
    while any(_count(folder, name) for name in ("deferred", "active", "incoming")):
        time.sleep(0.01)
    return MESSAGES / (time.perf_counter() - started)


def _count(folder: Path, name: str) -> int:
    return sum(1 for path in (folder / "queue" / name).rglob("*") if path.is_file())
