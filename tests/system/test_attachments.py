"""Attachments of strangers: whatever they hold, the server lives and the other mail is found."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import apsw
import httpx
import pytest
from tests.api.test_attachments_found import letter
from tests.files import HOSTILE, claims_2_gib

from penfold.store.sqlite.layout import iter_mailbox_ids, mailbox_path
from penfold.testing.server import serve, start

SECONDS = 120
KILLS = int(os.environ.get("PENFOLD_KILLS", "1"))
ATTACHMENTS = 'penfold_attachments_total{outcome="%s"}'


class Client:
    """Alice, who can be asked through the API and whose file can be looked into."""

    def __init__(self, server):
        self.server = server
        token = server.load_document("alice")["token"]
        self._http = httpx.Client(
            base_url=f"{server.http}/gmail/v1/users/me",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )

    def insert(self, *files, subject="files"):
        raw = base64.urlsafe_b64encode(letter(*files, subject=subject)).decode()
        answer = self._http.post("/messages", json={"raw": raw})
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def delete(self, message_id):
        assert self._http.delete(f"/messages/{message_id}").status_code == 204

    def found(self, query):
        answer = self._http.get("/messages", params={"q": query}).json()
        return [entry["id"] for entry in answer.get("messages", ())]

    def notes(self):
        """Return (message id, tries, problem) of all messages that wait or were given up."""
        rows = []
        for mailbox_id in iter_mailbox_ids(self.server.data):
            path = mailbox_path(self.server.data, mailbox_id)
            connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            rows += connection.execute("SELECT message_id, tries, problem FROM extraction")
            connection.close()
        return {f"{number:x}": (tries, problem) for number, tries, problem in rows}

    def waiting(self):
        return [note for note in self.notes().values() if not note[1]]

    def metric(self, line):
        page = httpx.get(f"{self.server.http}/metrics").text
        found = re.search(rf"^{re.escape(line)} (\S+)$", page, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def close(self):
        self._http.close()


def wait_until(is_true, what):
    pause = threading.Event()
    for _ in range(SECONDS * 20):
        if result := is_true():
            return result
        pause.wait(0.05)
    raise AssertionError(f"never came: {what}")


def find_child(pid, word):
    """Return the process id of the child whose command holds a word, None when there is none."""
    for child in children_of_all_threads(pid):
        try:
            if word in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                return child
        except OSError:
            continue
    return None


def children_of_all_threads(pid):
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        yield from map(int, path.read_text().split())


def mail_process(server):
    return find_child(server.process.pid, b"mail")


def reading_process(server):
    mail = mail_process(server)
    return mail and find_child(mail, b"penfold.app.process.extract_process")


def begin_reading(client, word):
    """Return the process that reads, after it has read something."""
    client.insert(("a.txt", "text/plain", word.encode()))
    wait_until(lambda: client.found(word), "something is read")
    return wait_until(lambda: reading_process(client.server), "a process that reads")


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("attachments") / "log"


@pytest.fixture(scope="module")
def client(log):
    with serve(log.parent / "data", log=log) as server:
        client = Client(server)
        yield client
        client.close()


@pytest.mark.timeout(300)
def test_hostile_files_are_given_up_and_named_and_all_else_is_found(client, log):
    failed, unreadable = ATTACHMENTS % "failed", ATTACHMENTS % "unreadable"
    before = client.metric(failed), client.metric(unreadable)
    kind = "application/octet-stream"
    ids = {name: client.insert((name, kind, make())) for name, make in HOSTILE.items()}
    claim = client.insert(("claim.docx", kind, claims_2_gib()))
    good = client.insert(("good.txt", "text/plain", b"wombatgood"))
    mixed = client.insert(
        ("locked.pdf", kind, HOSTILE["locked.pdf"]()), ("b.txt", "text/plain", b"wombatmixed")
    )
    wait_until(lambda: not client.waiting(), "everything is read or given up")
    notes = client.notes()
    assert notes.keys() == {*ids.values(), mixed}
    assert claim not in notes
    assert notes[ids["xml-bomb.docx"]] == (1, "has a document type")
    assert notes[ids["locked.pdf"]] == (1, "encrypted")
    assert notes[ids["zip-bomb.docx"]] == (1, "unpacks to too much")
    assert notes[ids["bomb.pdf"]] == (3, "ends the process that reads it")
    assert client.found("wombatgood") == [good]
    assert client.found("wombatmixed") == [mixed]
    assert client.metric(failed) - before[0] == 3
    assert client.metric(unreadable) - before[1] == len(ids)
    assert client.metric("penfold_attachments_waiting_messages") == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    told = [line["message"] for line in lines if line["event"] == "attachments_unread"]
    assert sorted(told) == sorted([*ids.values(), mixed])
    assert not [line for line in lines if line["event"] == "process_died"]


def test_killing_the_process_that_reads_delays_a_message_and_no_more(client):
    pid = begin_reading(client, "numbat")
    os.kill(pid, signal.SIGSTOP)
    second = client.insert(("b.txt", "text/plain", b"numbatsecond"))
    wait_until(client.waiting, "the second waits")
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: client.found("numbatsecond"), "it is found") == [second]
    assert second not in client.notes()


@pytest.mark.timeout(300)
def test_killing_the_mail_process_at_any_moment_loses_no_text_and_doubles_none(tmp_path):
    with serve(tmp_path / "data", log=tmp_path / "log") as server:
        client = Client(server)
        ids = [
            client.insert((f"{n}.txt", "text/plain", f"wombat{n}word shared".encode()))
            for n in range(20)
        ]
        pause = threading.Event()
        for _ in range(KILLS):
            before = len(client.waiting())
            wait_until(lambda n=before: len(client.waiting()) < n or not n, "some are read")
            pid = wait_until(lambda: mail_process(server), "a mail process")
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda old=pid: mail_process(server) not in (None, old), "another")
            pause.wait(0.01)
        wait_until(lambda: not client.waiting(), "all are read")
        assert [client.found(f"wombat{n}word") for n in range(20)] == [[each] for each in ids]
        assert client.found("shared") == ids[::-1]
        client.close()
    command = [sys.executable, "-m", "penfold.app.main", "data", "verify", "--data"]
    done = subprocess.run(
        [*command, str(tmp_path / "data")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_message_deleted_while_it_is_read_leaves_nothing(client):
    pid = begin_reading(client, "quoll")
    os.kill(pid, signal.SIGSTOP)
    gone = client.insert(("b.txt", "text/plain", b"quollgone"))
    last = client.insert(("c.txt", "text/plain", b"quolllast"))
    client.delete(gone)
    os.kill(pid, signal.SIGCONT)
    assert wait_until(lambda: client.found("quolllast"), "the last is found") == [last]
    wait_until(lambda: not client.waiting(), "nothing waits")
    assert client.found("quollgone") == []
    assert gone not in client.notes()


def test_reindexing_beside_the_server_brings_the_words_of_attachments_back(client):
    message_id = client.insert(("a.txt", "text/plain", b"wombatagain"))
    wait_until(lambda: client.found("wombatagain"), "it is found")
    done = subprocess.run(
        [sys.executable, "-m", "penfold.app.main", "data", "reindex", "--data",
         str(client.server.data)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert wait_until(lambda: client.found("wombatagain"), "it is found again") == [message_id]
    wait_until(lambda: not client.waiting(), "all is read again")


def test_attachments_not_to_be_read_wait_for_a_server_that_may_and_hold_up_no_stop(tmp_path):
    off = {"PENFOLD_SEARCH_ATTACHMENTS": "off"}
    with serve(tmp_path / "data", env=off) as server:
        client = Client(server)
        message_id = client.insert(("a.txt", "text/plain", b"wombatlater"))
        assert client.notes() == {message_id: (0, "")}
        assert reading_process(server) is None
        client.close()
    server = start(tmp_path / "data")
    try:
        client = Client(server)
        assert wait_until(lambda: client.found("wombatlater"), "it is found") == [message_id]
        os.kill(begin_reading(client, "bilby"), signal.SIGSTOP)
        client.insert(("b.txt", "text/plain", b"bilbysecond"))
        client.close()
    finally:
        assert server.stop() == 0
