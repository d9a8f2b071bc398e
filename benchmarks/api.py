"""Reads over the API against a bare ASGI app that returns the same octets on the same server.

The load is `wrk` when it is installed (eight connections kept open, one thread), else a small
client of our own; both servers get the same in turn.
"""

import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from penfold.testing.mail import MailGenerator
from penfold.testing.server import RunningServer, serve

ROUNDS = 5
SECONDS = 2
CONNECTIONS = 8
MAILBOX = 100_000
BYTES = 4_096


def measure() -> Iterator[tuple[str, str, str, str]]:
    if not shutil.which("wrk"):
        yield ("HTTP", "-", "wrk is not installed", "-")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serve(folder / "data", args=["--quota", "off"]) as server:
            client = Client(server)
            message_id = client.insert(_message())
            yield _compare(
                client, folder, f"messages/{message_id}?format=metadata", "get, metadata"
            )
            yield _compare(client, folder, f"messages/{message_id}", "get, full, 4 kB")
        fill(folder / "data")
        with serve(folder / "data", args=["--quota", "off"]) as server:
            client = Client(server)
            what = f"list 100 of {MAILBOX:,}"
            yield _compare(client, folder, "messages?maxResults=100", what)
            inbox = "messages?maxResults=100&labelIds=INBOX"
            yield _compare(client, folder, inbox, f"{what}, by label")


class Client:
    def __init__(self, server: RunningServer) -> None:
        self.root = f"{server.http}/gmail/v1/users/me/"
        self.token = server.load_document("alice")["token"]

    def call(self, path: str, body: object = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.root + path, data)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request) as response:
            answer: bytes = response.read()
        return answer

    def insert(self, raw: bytes) -> str:
        body = {"raw": urlsafe_b64encode(raw).decode(), "labelIds": ["INBOX"]}
        message_id: str = json.loads(self.call("messages", body))["id"]
        return message_id


def _message() -> bytes:
    for message in MailGenerator(3).messages(1_000):
        if BYTES * 0.95 < len(message) < BYTES * 1.05:
            return message
    raise LookupError("no message of the wanted size")


def fill(data: Path) -> None:
    """Put MAILBOX messages into alice's mailbox without going through a door."""
    command = [sys.executable, "-m", "benchmarks.fill", str(data), str(MAILBOX)]
    subprocess.run(command, check=True)


def _compare(client: Client, folder: Path, path: str, name: str) -> tuple[str, str, str, str]:
    body = folder / "body"
    body.write_bytes(client.call(path))
    with _bare(body) as bare:
        ours, theirs = [], []
        for _ in range(ROUNDS + 1):
            ours.append(_load(client.root + path, client.token))
            theirs.append(_load(bare, client.token))
    ratios = [a / b for a, b in zip(ours[1:], theirs[1:], strict=True)]
    return (
        f"messages.{name} ({body.stat().st_size:,} octets)",
        f"{statistics.median(ours[1:]):,.0f}/s",
        f"bare ASGI {statistics.median(theirs[1:]):,.0f}/s",
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
    )


def _load(url: str, token: str) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s"]
    command += ["-H", f"Authorization: Bearer {token}", url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output:
        raise RuntimeError(output)
    match = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    if not match:
        raise RuntimeError(output)
    return float(match[1])


@contextmanager
def _bare(body: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "benchmarks.bare", str(body), str(listener.fileno())]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()])
        url = f"http://127.0.0.1:{port}/"
        _wait(url)
        try:
            yield url
        finally:
            process.terminate()
            process.wait()


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(url)
