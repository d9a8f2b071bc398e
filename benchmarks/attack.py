"""What an attack costs others: transactions of an honest client, alone and beside attackers.

Server, client and attackers are hosts of their own (network namespaces), so that limits per address
count. The attackers open connections and say nothing, guess passwords, try recipients, send data
that never ends, and smuggle; all at once, for as long as the honest client is measured.
"""

import contextlib
import json
import re
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import lab
from penfold.testing.server import RunningServer, serve

#: Twice as many stay below the connections one address may open in a minute.
TRANSACTIONS = 250
IDLE = 2_000
#: Addresses from which each kind of attack comes.
ATTACKERS = 3


def measure() -> Iterator[tuple[str, str, str, str]]:
    """Yield rows: what, under attack, alone, ratio."""
    if not lab.is_possible():
        yield ("SMTP under attack", "-", "network namespaces cannot be made here", "-")
        return
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name, lab.Network({}) as network:
        folder = Path(name)
        home, honest = network.add_host(), network.add_host()
        attackers = [network.add_host() for _ in range(ATTACKERS)]
        listen = [
            word
            for listener in ("--http", "--smtp", "--submission", "--submissions")
            for word in (listener, f"{home.address}:0")
        ]
        log = folder / "log"
        with serve(folder / "data", args=listen, via=home.via, log=log) as server:
            pid = _find_mail_process(log)
            quiet = _run_client(honest, server)
            before = _resident(pid)
            with _attack(attackers, server):
                loud = _run_client(honest, server)
                peak = _resident(pid)
    for what, share in (("p50", 0.5), ("p95", 0.95)):
        ours, alone = _quantile(loud, share), _quantile(quiet, share)
        yield (
            f"SMTP in under attack, {what} of an honest client",
            f"{ours:.1f} ms",
            f"alone {alone:.1f} ms",
            f"{ours / alone:.2f}",
        )
    grown = (peak - before) / 1024
    yield ("SMTP in under attack, memory", f"{grown:+.0f} MiB", f"before {before // 1024} MiB", "-")


def _quantile(seconds: list[float], share: float) -> float:
    return 1000 * statistics.quantiles(seconds, n=100)[round(100 * share) - 1]


def _find_mail_process(log: Path) -> int:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [
        int(line["child"])
        for line in lines
        if line["event"] == "process_started" and line["role"] == "mail"
    ][-1]


def _resident(pid: int) -> int:
    """Return KiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


# --- in a host of their own ------------------------------------------------------------


def _start(host: lab.Host, job: str, server: RunningServer) -> subprocess.Popen[str]:
    """Run a function of this module on a host.

    Attackers get what processors the others leave, as if they were on machines of their own.
    """
    nice = [] if job == "honest" else ["nice", "-n", "19"]
    command = [*nice, *host.via, sys.executable, "-m", "benchmarks.attack", job]
    return subprocess.Popen(
        [*command, server.smtp, server.submissions], stdout=subprocess.PIPE, text=True
    )


def _run_client(host: lab.Host, server: RunningServer) -> list[float]:
    """Return the seconds each transaction of an honest client took."""
    said, _ = _start(host, "honest", server).communicate()
    seconds: list[float] = json.loads(said)
    return seconds


@contextlib.contextmanager
def _attack(hosts: list[lab.Host], server: RunningServer) -> Iterator[None]:
    jobs = [_start(host, job, server) for host in hosts for job in JOBS if job != "honest"]
    try:
        time.sleep(3)  # until they are in full swing
        yield
    finally:
        for job in jobs:
            job.kill()
            job.wait()


def _honest(smtp: str, _: str) -> None:
    host, _, port = smtp.rpartition(":")
    seconds = []
    text = "Subject: hello\r\n\r\n" + "words\r\n" * 500
    for _ in range(TRANSACTIONS):
        began = time.perf_counter()
        with smtplib.SMTP(host, int(port), timeout=30) as client:
            client.sendmail("w@sender.example", ["alice@penfold.test"], text)
        seconds.append(time.perf_counter() - began)
    print(json.dumps(seconds))


def _connect(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def _sit(smtp: str, _: str) -> None:
    """Open connections and say nothing."""
    kept: list[socket.socket] = []
    while True:
        with contextlib.suppress(OSError):
            kept.append(_connect(smtp))
        if len(kept) > IDLE:
            kept.pop(0).close()


def _flood(smtp: str, _: str) -> None:
    """Try one recipient after the other."""
    while True:
        with contextlib.suppress(OSError), _connect(smtp) as sock:
            sock.recv(512)
            sock.sendall(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n")
            for number in range(10_000):
                sock.sendall(b"RCPT TO:<u%d@penfold.test>\r\n" % number)


def _endless(smtp: str, _: str) -> None:
    """Send data without an end."""
    while True:
        with contextlib.suppress(OSError), _connect(smtp) as sock:
            sock.recv(512)
            sock.sendall(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@penfold.test>\r\n")
            sock.sendall(b"DATA\r\n")
            while True:
                sock.sendall(b"x" * 70 + b"\r\n")


def _smuggle(smtp: str, _: str) -> None:
    """Hide a second message behind an end that others take for one."""
    while True:
        with contextlib.suppress(OSError), _connect(smtp) as sock:
            sock.recv(512)
            sock.sendall(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@penfold.test>\r\n")
            sock.sendall(b"DATA\r\nhello\n.\r\nMAIL FROM:<c@d.example>\r\n\r\n.\r\nQUIT\r\n")
            while sock.recv(4_096):
                pass


def _guess(_: str, submissions: str) -> None:
    """Guess passwords."""
    host, _, port = submissions.rpartition(":")
    while True:
        with (
            contextlib.suppress(OSError, smtplib.SMTPException),
            smtplib.SMTP_SSL(host, int(port), timeout=5) as client,
        ):
            client.login("alice@penfold.test", "wrong")


JOBS: dict[str, Callable[[str, str], None]] = {
    "honest": _honest,
    "sit": _sit,
    "flood": _flood,
    "endless": _endless,
    "smuggle": _smuggle,
    "guess": _guess,
}

if __name__ == "__main__":
    JOBS[sys.argv[1]](*sys.argv[2:])
