"""Any process may be killed at any moment: what was acknowledged is there, exactly once."""

import base64
import http.client
import json
import os
import random
import signal
import smtplib
import subprocess
import sys
import threading
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from penfold.testing.server import start

KILLS = int(os.environ.get("PENFOLD_KILLS", "5"))
SEED = int(os.environ.get("PENFOLD_SEED", "20261123"))
SENDERS = 3


class Ledger:
    """What was offered and what was acknowledged, by a mark that stands in each message."""

    def __init__(self):
        self._lock = threading.Lock()
        self._count = 0
        self.acknowledged = set()

    def next_mark(self):
        with self._lock:
            self._count += 1
            return f"mark{self._count:07d}"

    def acknowledge(self, mark):
        with self._lock:
            self.acknowledged.add(mark)


def message_with(mark):
    text = f"Message-ID: <{mark}@ledger.example>\r\nSubject: {mark}\r\nTo: alice@penfold.test\r\n"
    return f"{text}From: writer@ledger.example\r\n\r\n{'words ' * 200}\r\n".encode()


def send_by_smtp(server, ledger, stop):
    """Keep sending; a mail whose reply was lost is offered again until it is answered."""
    host, port = server.smtp.split(":")
    while not stop.is_set():
        mark = ledger.next_mark()
        while not stop.is_set():
            try:
                with smtplib.SMTP(host, int(port), timeout=10) as smtp:
                    smtp.sendmail("w@ledger.example", ["alice@penfold.test"], message_with(mark))
                    ledger.acknowledge(mark)
                    break
            except (OSError, smtplib.SMTPException):
                stop.wait(0.01)


def insert_by_api(server, ledger, stop):
    address = urlsplit(server.http)
    headers = {"Authorization": f"Bearer {server.load_document('alice')['token']}"}
    headers["Content-Type"] = "application/json"
    while not stop.is_set():
        mark = ledger.next_mark()
        body = json.dumps({"raw": base64.urlsafe_b64encode(message_with(mark)).decode()})
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        with closing(connection):
            try:
                connection.request("POST", "/gmail/v1/users/me/messages", body, headers)
                if connection.getresponse().status == 200:
                    ledger.acknowledge(mark)
            except (OSError, http.client.HTTPException):
                stop.wait(0.01)


def processes_of(server):
    """Return the pids of the supervisor and its children."""
    listing = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(server.process.pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return [server.process.pid, *map(int, listing.stdout.split())]


def marks_in(server):
    """Return how often each mark is found, reading through the API."""
    address = urlsplit(server.http)
    headers = {"Authorization": f"Bearer {server.load_document('alice')['token']}"}
    counts = {}
    with closing(
        http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    ) as connection:

        def get(path):
            connection.request("GET", f"/gmail/v1/users/me/{path}", headers=headers)
            return json.loads(connection.getresponse().read())

        token = ""
        while token is not None:
            page = get(f"messages?maxResults=500&pageToken={token}")
            for entry in page.get("messages", ()):
                message = get(f"messages/{entry['id']}?format=metadata&metadataHeaders=Subject")
                mark = message["payload"]["headers"][0]["value"]
                counts[mark] = counts.get(mark, 0) + 1
            token = page.get("nextPageToken")
    return counts


@pytest.mark.timeout(300 + 20 * KILLS)
def test_killing_any_process_under_load_loses_and_doubles_nothing(tmp_path):
    chance = random.Random(SEED)
    print(f"seed {SEED}, {KILLS} kills")
    ledger = Ledger()
    data = tmp_path / "data"
    kills = 0
    while kills < KILLS:
        server = start(data, log=tmp_path / "log")
        stop = threading.Event()
        targets = [send_by_smtp] * SENDERS + [insert_by_api] * SENDERS
        threads = [threading.Thread(target=t, args=(server, ledger, stop)) for t in targets]
        for thread in threads:
            thread.start()
        try:
            kills += kill_until_supervisor_dies(server, chance, stop, limit=KILLS - kills)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            if server.process.poll() is None:
                assert server.stop() == 0
    server = start(data, log=tmp_path / "log")
    try:
        counts = marks_in(server)
    finally:
        assert server.stop() == 0
    assert ledger.acknowledged, "no mail went in at all"
    assert ledger.acknowledged - set(counts) == set()
    assert [mark for mark in ledger.acknowledged if counts[mark] != 1] == []
    assert max(counts.values()) == 1
    verify = subprocess.run(
        [sys.executable, "-m", "penfold.app.main", "data", "verify", "--data", str(data)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert verify.returncode == 0, verify.stdout + verify.stderr


def kill_until_supervisor_dies(server, chance, stop, *, limit):
    """Kill one process after another, at odd moments; return how many."""
    kills = 0
    while kills < limit:
        stop.wait(chance.uniform(0.05, 0.4))
        pids = processes_of(server)
        victim = chance.choice(pids)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue
        kills += 1
        if victim == server.process.pid:
            server.process.wait(10)
            return kills
    return kills
