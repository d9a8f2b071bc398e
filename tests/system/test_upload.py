"""A large message over bad connections and through a killed server, into a small process.

PENFOLD_UPLOAD_MIB says how large (100).
"""

import hashlib
import http.client
import os
import random
import signal
from base64 import urlsafe_b64decode
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from penfold.testing.server import start

MIB = 1 << 20
SIZE = int(os.environ.get("PENFOLD_UPLOAD_MIB", "100")) * MIB
CHUNK = 8 * MIB
GROWTH_MAX = 40 * MIB
HEAD = (
    b"To: alice@penfold.test\r\nSubject: Large\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: application/octet-stream; name=large.bin\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n"
)


def make_mail():
    line = random.Random(7).randbytes(57 * 1024).hex().encode()[:76]
    lines = (SIZE - len(HEAD)) // 78
    return HEAD + (line + b"\r\n") * lines


def children(pid):
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in path.read_text().split()]


def worker_of(server):
    """Return the process id of the HTTP worker."""
    for pid in children(server.process.pid):
        if b"http" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return pid
    raise AssertionError("no HTTP worker")


def resident(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


class Uploader:
    """A client that keeps to the protocol; addresses are of the server that runs now."""

    def __init__(self, server):
        self.server = server
        self.token = server.load_document("alice")["token"]

    def begin(self):
        answer = httpx.post(
            f"{self.server.http}/upload/gmail/v1/users/me/messages/import",
            params={"uploadType": "resumable"},
            headers={
                "Authorization": f"Bearer {self.token}",
                "X-Upload-Content-Type": "message/rfc822",
                "X-Upload-Content-Length": str(SIZE),
            },
            json={"labelIds": ["INBOX"]},
        )
        parts = urlsplit(answer.headers["location"])
        self.target = f"{parts.path}?{parts.query}"

    def put(self, data, span, *, cut=None):
        """Send a chunk; cut: hang up after so many octets."""
        connection = http.client.HTTPConnection(urlsplit(self.server.http).netloc, timeout=120)
        connection.putrequest("PUT", self.target)
        connection.putheader("Content-Range", f"bytes {span}")
        connection.putheader("Content-Length", str(len(data)))
        connection.endheaders()
        connection.send(data if cut is None else data[:cut])
        if cut is not None:
            connection.close()
            return None
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.getheader("range"), body

    def ask(self):
        """Return how many octets the server has."""
        status, span, _ = self.put(b"", f"*/{SIZE}")
        assert status == 308
        return int(span.rpartition("-")[2]) + 1 if span else 0


@pytest.mark.timeout(300)
def test_a_large_upload_survives_cuts_and_a_kill_and_arrives_whole(tmp_path):
    mail = make_mail()
    mail += b"A" * (SIZE - len(mail) - 2) + b"\r\n"
    assert len(mail) == SIZE
    uploader = Uploader(start(tmp_path / "data", log=tmp_path / "log"))
    try:
        upload(uploader, mail, tmp_path)
    finally:
        uploader.server.stop()


def upload(uploader, mail, tmp_path):
    server = uploader.server
    uploader.begin()
    at, cuts, killed = 0, 0, False
    httpx.get(f"{server.http}/healthz")
    before = resident(worker_of(server))
    growth = 0
    while at < SIZE:
        end = min(at + CHUNK, SIZE)
        cut = CHUNK // 3 if cuts < 3 and at >= (cuts + 1) * SIZE // 8 else None
        reply = uploader.put(mail[at:end], f"{at}-{end - 1}/{SIZE}", cut=cut)
        if reply is None:
            cuts += 1
            found = uploader.ask()
            assert at <= found <= at + CHUNK // 3
            at = found
            continue
        at = end
        if not killed and at > SIZE // 2:
            growth = max(growth, resident(worker_of(server)) - before)
            killed = True
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            server = uploader.server = start(tmp_path / "data", log=tmp_path / "log")
            httpx.get(f"{server.http}/healthz")
            before = resident(worker_of(server))
            assert uploader.ask() == at
    status, _, body = reply
    growth = max(growth, resident(worker_of(server)) - before)
    assert (status, cuts, killed) == (200, 3, True)
    assert uploader.put(b"", f"*/{SIZE}")[2] == body
    assert growth < GROWTH_MAX, f"the worker grew by {growth / MIB:.0f} MiB"
    message_id = httpx.Response(200, content=body).json()["id"]
    found = httpx.get(
        f"{server.http}/gmail/v1/users/me/messages/{message_id}?format=raw",
        headers={"Authorization": f"Bearer {uploader.token}"},
        timeout=120,
    ).json()
    raw = urlsafe_b64decode(found["raw"])
    assert hashlib.sha256(raw).digest() == hashlib.sha256(mail).digest()
    assert len(httpx.get(
        f"{server.http}/gmail/v1/users/me/messages",
        headers={"Authorization": f"Bearer {uploader.token}"},
    ).json()["messages"]) == 1  # fmt: skip
