"""A full disk and a damaged mailbox: nothing acknowledged is lost, others live on."""

import base64
import http.client
import json
import os
import smtplib
import subprocess
import sys
import threading
from urllib.parse import urlsplit

from tests.disk import small_disk

from penfold.base.limits import RESERVE_BYTES
from penfold.testing.server import serve


def call(server, account, verb, path, body=None):
    address = urlsplit(server.http)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    headers = {"Authorization": f"Bearer {server.load_document(account)['token']}"}
    headers["Content-Type"] = "application/json"
    try:
        connection.request(
            verb, f"/gmail/v1/users/me/{path}", json.dumps(body) if body else None, headers
        )
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    return response.status, json.loads(answer) if answer else None


def send(server, recipient, text=b"Subject: s\r\n\r\nhello\r\n"):
    """Return the reply to one mail: of RCPT when refused there, else of the data."""
    host, port = server.smtp.split(":")
    with smtplib.SMTP(host, int(port), timeout=60) as smtp:
        smtp.ehlo("probe.example")
        code, reply = smtp.mail("w@sender.example")
        if code != 250:
            return code, reply
        code, reply = smtp.rcpt(recipient)
        if code != 250:
            return code, reply
        return smtp.data(text)


def wait_until(is_true):
    """Ask again for up to ten seconds: how long a server may take to see that room was made."""
    pause = threading.Event()
    assert any(is_true() or pause.wait(0.05) for _ in range(200))


def test_full_disk_is_said_precisely_and_after_room_is_made_all_goes_on(tmp_path):
    raw = base64.urlsafe_b64encode(b"Subject: s\r\n\r\nhello\r\n").decode()
    with (
        small_disk(tmp_path / "disk") as disk,
        serve(disk / "data", log=tmp_path / "log") as server,
    ):
        assert send(server, "alice@penfold.test")[0] == 250
        filler = disk / "filler"
        filler.write_bytes(bytes(40 << 20))
        free = os.statvfs(disk)
        with filler.open("ab") as file:
            file.write(bytes(max(free.f_bavail * free.f_frsize - RESERVE_BYTES + (1 << 20), 0)))
        accepted = 1
        while (answer := send(server, "alice@penfold.test"))[0] == 250:  # until it is noticed
            accepted += 1
        assert (answer[0], answer[1][:5]) == (452, b"4.3.1")
        status, answer = call(server, "alice", "POST", "messages", {"raw": raw})
        assert (status, answer["error"]["status"]) == (507, "RESOURCE_EXHAUSTED")
        assert call(server, "alice", "GET", "messages")[0] == 200
        filler.unlink()
        wait_until(lambda: send(server, "alice@penfold.test")[0] == 250)
        # Another process, which looks at the disk in its own time.
        wait_until(lambda: call(server, "alice", "POST", "messages", {"raw": raw})[0] == 200)
        _, found = call(server, "alice", "GET", "messages?maxResults=500")
        assert len(found["messages"]) == accepted + 2


def test_damaged_mailbox_is_set_apart_and_its_mail_waits(tmp_path):
    data = tmp_path / "data"
    with serve(data, log=tmp_path / "log") as server:
        assert send(server, "bob@penfold.test")[0] == 250
        assert send(server, "alice@penfold.test")[0] == 250
        _, profile = call(server, "bob", "GET", "profile")
        assert profile["messagesTotal"] == 1
        path = mailbox_of(server, "bob@penfold.test")
    with path.open("r+b") as file:
        file.write(b"\xff" * 4096)
    with serve(data, log=tmp_path / "log") as server:
        code, reply = send(server, "bob@penfold.test")
        assert (code, reply[:2]) == (451, b"4.")
        status, answer = call(server, "bob", "GET", "messages")
        assert (status, answer["error"]["status"]) == (503, "UNAVAILABLE")
        assert send(server, "alice@penfold.test")[0] == 250
        assert len(call(server, "alice", "GET", "messages")[1]["messages"]) == 2


def mailbox_of(server, address):
    """Return the path of an account's mailbox file: the one whose profile is that account's."""
    command = [sys.executable, "-m", "penfold.app.main", "user", "list", "--json"]
    command += ["--data", str(server.data)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True)
    accounts = json.loads(listing.stdout)
    mailbox_id = next(a["id"] for a in accounts if a["address"] == address)
    (path,) = (server.data / "mailboxes").rglob(f"{mailbox_id}.db")
    return path
