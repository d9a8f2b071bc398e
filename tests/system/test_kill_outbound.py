"""The mail process may be killed while it delivers, and the disk may be full: what was accepted
arrives, and once unless the reply to its final dot died with the process.
"""

import json
import os
import random
import signal
import smtplib
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from itertools import pairwise

import pytest
from tests.disk import small_disk
from tests.sink import Sink
from tests.until import until

from penfold.ports.queue import QueueState
from penfold.proto.dns import Exchange
from penfold.store.sqlite.queue import SqliteQueue
from penfold.testing.dns import DnsServer
from penfold.testing.server import configure, serve

KILLS = int(os.environ.get("PENFOLD_KILLS", "1"))
FILLS = int(os.environ.get("PENFOLD_FILLS", "1"))
BLOCK = bytes(1 << 20)
SEED = int(os.environ.get("PENFOLD_SEED", "20261128"))
SENDERS = 3
PATIENCE_S = 120
ZONES = {
    "sink.example": {"MX": [Exchange(10, "mx.sink.example")]},
    "mx.sink.example": {"A": ["127.0.0.1"]},
}


class Ledger:
    """Marks that were acknowledged at submission, and how often that failed."""

    def __init__(self):
        self.acknowledged = set()
        self.refused = 0
        self._lock = threading.Lock()
        self._count = 0

    def next_mark(self):
        with self._lock:
            self._count += 1
            return f"mark{self._count:06d}"


def submit(server, password, ledger, stop):
    """Keep submitting; what got no answer is not offered again, and may arrive or not."""
    context = ssl.create_default_context(cafile=server.data / "tls" / "ca.pem")
    host, _, port = server.submissions.rpartition(":")
    while not stop.is_set():
        try:
            with smtplib.SMTP_SSL(host, int(port), timeout=10, context=context) as smtp:
                smtp.login("al@home.example", password)
                while not stop.wait(0.005):
                    mark = ledger.next_mark()
                    head = f"From: al@home.example\r\nTo: kim@sink.example\r\nSubject: {mark}\r\n"
                    text = f"{head}\r\n{'words ' * 100}\r\n"
                    smtp.sendmail("al@home.example", ["kim@sink.example"], text)
                    ledger.acknowledged.add(mark)
        except (OSError, smtplib.SMTPException):
            ledger.refused += 1
            stop.wait(0.02)


def find_mail_process(log):
    """Return the pid of the mail process: of the supervisor's children the one told so."""
    lines = log.read_text().splitlines()
    started = [json.loads(line) for line in lines if '"process_started"' in line]
    return [each["child"] for each in started if each["role"] == "mail"][-1]


@contextmanager
def sending(folder, log):
    """Run a server whose submitters and deliveries are busy; yield their ledger and the sink.

    At the end everything that is queued is delivered and the server stopped.
    """
    ledger, sink, stop = Ledger(), Sink(), threading.Event()
    with sink.serve(), DnsServer(ZONES) as dns:
        data = configure(
            folder / "data",
            domains=["home.example"],
            hostname="mail.home.example",
            dns_servers=[f"127.0.0.1:{dns.port}"],
            delivery_reach="loopback",
            delivery_port=sink.port,
        )
        with serve(data, log=log) as server:
            server.run("user", "add", "al@home.example")
            made = server.run("app-password", "add", "al@home.example", "--json")
            password = json.loads(made)["password"]
            threads = [
                threading.Thread(target=submit, args=(server, password, ledger, stop))
                for _ in range(SENDERS)
            ]
            for thread in threads:
                thread.start()
            try:
                yield ledger, sink
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
            wait_until_sent(server)
            assert server.stop() == 0
        assert ledger.acknowledged - sink.taken.keys() == set()
        verify = subprocess.run(
            [*server.process.args[:3], "data", "verify", "--data", str(data)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert verify.returncode == 0, verify.stdout + verify.stderr


@pytest.mark.timeout(300 + 30 * KILLS)
def test_killing_the_mail_process_while_it_delivers_loses_nothing(tmp_path):
    chance, kills = random.Random(SEED), []
    with sending(tmp_path, tmp_path / "log") as (ledger, sink):
        kill(tmp_path / "log", chance, kills, sink)
    assert len(ledger.acknowledged) > 10 * KILLS, "hardly any mail went out at all"
    for mark, taken in sink.taken.items():
        for one, other in pairwise(taken):
            died_between = any(one.at < at < other.at for at in kills)
            assert died_between or not one.heard, f"{mark} was sent twice for nothing"


@pytest.mark.timeout(300 + 30 * FILLS)
def test_a_full_disk_while_mail_goes_out_loses_nothing_and_sends_nothing_twice(tmp_path):
    with (
        small_disk(tmp_path / "disk") as disk,
        sending(disk, tmp_path / "log") as (ledger, sink),
    ):
        for _ in range(FILLS):
            wait_for_more(sink)
            fill(disk / "filler")
            refused = ledger.refused
            until(lambda: ledger.refused > refused, what="a refusal")  # noqa: B023 - waits here
            (disk / "filler").unlink()
        wait_for_more(sink)
    assert [mark for mark, taken in sink.taken.items() if len(taken) > 1] == []


def fill(path):
    """Take the last octet of the disk, in passing what the server writes meanwhile."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(BLOCK):
            pass


def wait_for_more(sink):
    wanted = sink.count() + 5
    until(lambda: sink.count() >= wanted, within_s=PATIENCE_S, what="more delivery")


def kill(log, chance, kills, sink):
    """Kill the mail process at odd moments, each time after it delivered something."""
    for _ in range(KILLS):
        wait_for_more(sink)
        threading.Event().wait(chance.uniform(0, 0.2))
        os.kill(find_mail_process(log), signal.SIGKILL)
        kills.append(time.monotonic())


def wait_until_sent(server):
    queue = SqliteQueue(server.data / "queue.db", create=False)
    try:
        until(lambda: queue.find_next_due() is None, within_s=PATIENCE_S, what="an empty queue")
        assert queue.count_by_state()[QueueState.FAILED] == 0
    finally:
        queue.close()
