"""Submission over TLS: Penfold with AUTH against Postfix without, in turn, same load.

The load is `submitter`: connections kept open over STARTTLS, 4 kB messages from one account to
another. Ours logs in with an app password and keeps a sent copy beside the recipient's. Postfix
has the same certificate and is not asked to check a password, which is another daemon's work (that
favours it by one login for each connection), and delivers to one Maildir. A run counts as done
when every message lies in the recipient's mailbox.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import postfix
from benchmarks.smtp import count_files
from benchmarks.stores import mailbox_of, opened
from benchmarks.submitter import RECIPIENT, SENDER, SESSIONS
from penfold.testing.server import serve

MESSAGES = 2_000
ROUNDS = 5


@dataclass(frozen=True)
class Peer:
    """A server to submit to. count: messages in the recipient's mailbox. login: for AUTH."""

    address: str
    count: Callable[[], int]
    login: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """rate: messages per second. client: processors the load took, 1 is all of one."""

    rate: float
    client: float


def measure() -> Iterator[tuple[str, str, str, str]]:
    """Yield rows: what, ours, the peer's, ratio (median, least, most); then what the load took."""
    if not postfix.is_installed():
        yield ("submission", "-", "Postfix is not installed, or this is not root", "-")
        return
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name, _peers(Path(name)) as (ours, theirs):
        pairs = [(_submit(ours), _submit(theirs)) for _ in range(ROUNDS + 1)][1:]
    ratios = [our.rate / their.rate for our, their in pairs]
    yield (
        f"submission, {SESSIONS} kept open, TLS (AUTH at ours alone)",
        f"{statistics.median(our.rate for our, _ in pairs):,.0f}/s",
        f"Postfix {statistics.median(their.rate for _, their in pairs):,.0f}/s",
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
    )
    yield (
        "submission, of one processor for the load itself",
        f"{statistics.median(our.client for our, _ in pairs):.0%}",
        f"Postfix {statistics.median(their.client for _, their in pairs):.0%}",
        "",
    )


@contextmanager
def _peers(folder: Path) -> Iterator[tuple[Peer, Peer]]:
    """Run both servers, with one certificate."""
    with serve(folder / "penfold") as penfold, opened(penfold.data) as stores:
        mailbox = mailbox_of(stores, RECIPIENT)

        def count() -> int:
            with stores.mailboxes.open_reader(mailbox) as reader:
                return reader.get_totals().messages

        password = penfold.load_document("passwords")[SENDER]["app_password"]
        tls = {
            "smtpd_tls_security_level": "may",
            "smtpd_tls_cert_file": str(penfold.data / "tls" / "server.pem"),
            "smtpd_tls_key_file": str(penfold.data / "tls" / "server.key"),
        }
        with postfix.run(folder / "postfix", settings=tls) as (address, maildir):
            yield (
                Peer(penfold.submission, count, (SENDER, password)),
                Peer(address, lambda: count_files(maildir)),
            )


def _submit(peer: Peer) -> Run:
    wanted = peer.count() + MESSAGES
    command = [sys.executable, "-m", "benchmarks.submitter", peer.address, str(MESSAGES)]
    before, started = _spent_by_children_s(), time.perf_counter()
    subprocess.run([*command, *peer.login], check=True)
    spent_s = _spent_by_children_s() - before
    while peer.count() < wanted:
        time.sleep(0.005)
    took_s = time.perf_counter() - started
    return Run(MESSAGES / took_s, spent_s / took_s)


def _spent_by_children_s() -> float:
    """Return the CPU time of the processes that ended: here those of the load."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
