"""Mail in by SMTP: Penfold against Postfix delivering to a Maildir, in turn, same load.

The load is Postfix's own `smtp-source`: 20 sessions, 4 kB messages to one account, with a
connection for each mail and with connections kept open, once with its filler text and once with
realistic text. A run counts as done when every message lies in the mailbox.
"""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import postfix
from penfold.testing.mail import MailGenerator
from penfold.testing.server import serve

MESSAGES = 2_000
ROUNDS = 5
SESSIONS = 20
BYTES = 4_096


@dataclass(frozen=True)
class Load:
    name: str
    arguments: tuple[str, ...]


def loads(folder: Path) -> Iterator[Load]:
    text = folder / "realistic.txt"
    text.write_bytes(realistic_text())
    filler = ("-l", str(BYTES))
    yield Load("a connection each, filler", filler)
    yield Load("a connection each, realistic", ("-F", str(text)))
    yield Load("kept open, filler", (*filler, "-d"))
    yield Load("kept open, realistic", ("-F", str(text), "-d"))


def realistic_text() -> bytes:
    """Return one whole message of about BYTES octets, as smtp-source -F wants it.

    Without its Message-ID: the same octets with one would be known for a repeated offer of mail
    that is there already, and not be stored again.
    """
    for message in MailGenerator(3).messages(1_000):
        if BYTES * 0.95 < len(message) < BYTES * 1.05:
            kept = [line for line in message.split(b"\r\n") if not line.startswith(b"Message-ID:")]
            return b"\n".join(kept)
    raise LookupError("no message of the wanted size")


def send(load: Load, address: str) -> None:
    command = ["smtp-source", "-s", str(SESSIONS), "-m", str(MESSAGES), *load.arguments]
    command += ["-f", "w@sender.example", "-t", "alice@penfold.test", address]
    subprocess.run(command, check=True)


def rate(load: Load, address: str, is_done: Callable[[], bool]) -> float:
    """Return messages per second from the first connection until all are delivered."""
    started = time.perf_counter()
    send(load, address)
    while not is_done():
        time.sleep(0.005)
    return MESSAGES / (time.perf_counter() - started)


def measure() -> Iterator[tuple[str, str, str, str]]:
    """Yield rows: what, ours, the peer's, ratio (median, least, most)."""
    if not postfix.is_installed():
        yield ("SMTP in", "-", "Postfix is not installed, or this is not root", "-")
        return
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        with (
            serve(folder / "penfold") as penfold,
            postfix.run(folder / "postfix") as (peer, maildir),
        ):
            for load in loads(folder):
                yield _compare(load, penfold.smtp, peer, maildir)


def _compare(load: Load, ours: str, peer: str, maildir: Path) -> tuple[str, str, str, str]:
    our_rates, peer_rates = [], []
    for _ in range(ROUNDS + 1):
        our_rates.append(rate(load, ours, lambda: True))
        is_full = _fills(maildir, count_files(maildir) + MESSAGES)
        peer_rates.append(rate(load, peer, is_full))
    ratios = [a / b for a, b in zip(our_rates[1:], peer_rates[1:], strict=True)]
    return (
        f"SMTP in, {load.name}",
        f"{statistics.median(our_rates[1:]):,.0f}/s",
        f"Postfix {statistics.median(peer_rates[1:]):,.0f}/s",
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
    )


def _fills(maildir: Path, wanted: int) -> Callable[[], bool]:
    return lambda: count_files(maildir) >= wanted


def count_files(maildir: Path) -> int:
    new = maildir / "new"
    return len(os.listdir(new)) if new.exists() else 0  # noqa: PTH208 (counted while mail runs in)
