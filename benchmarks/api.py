"""Reads over the API against a bare ASGI app that returns the same octets on the same server.

The load is Debian's `wrk`: eight connections kept open, one thread. Both servers get the same in
turn. Each question is asked twice: the same again and again, as a poller does, which is answered
from memory while the mailbox stands still; and another one each time.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from penfold.base.limits import KEPT_ANSWERS_MAX
from penfold.testing.server import RunningServer, serve

ROUNDS = 5
SECONDS = 2
CONNECTIONS = 8
MAILBOX = 100_000
#: More than the server keeps answers of, so that in turn none is kept.
QUESTIONS = KEPT_ANSWERS_MAX + 100
BYTES = 4_096


def measure() -> Iterator[tuple[str, str, str, str]]:
    if not shutil.which("wrk"):
        yield ("HTTP", "-", "wrk is not installed", "-")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serve(folder / "data"):
            pass
        fill(folder / "data")
        with serve(folder / "data") as server:
            client = Client(server)
            for question, paths in _questions(client):
                yield _compare(client, folder, paths[:1], f"{question}, asked again")
                yield _compare(client, folder, paths, f"{question}, each time another")


def _questions(client: "Client") -> Iterator[tuple[str, list[str]]]:
    """Yield what is asked, as paths that differ: the first alone is what a poller asks."""
    ids, pages = client.walk(QUESTIONS)
    yield "get, metadata", [f"messages/{each}?format=metadata" for each in ids]
    yield "get, full", [f"messages/{each}" for each in ids]
    yield f"list 100 of {MAILBOX:,}", [f"messages?pageToken={each}" for each in pages]
    yield "list 100 of INBOX", [f"messages?labelIds=INBOX&pageToken={each}" for each in pages]


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

    def walk(self, count: int) -> tuple[list[str], list[str]]:
        """Return ids of messages of about BYTES each, and tokens of pages, `count` of both."""
        ids: list[str] = []
        tokens = [""]
        while len(tokens) < count:
            page = json.loads(self.call(f"messages?pageToken={tokens[-1]}"))
            if len(ids) < count:
                ids += [m["id"] for m in page["messages"] if self._is_typical(m["id"])]
            tokens.append(page["nextPageToken"])
        return ids[:count], tokens

    def _is_typical(self, message_id: str) -> bool:
        size: int = json.loads(self.call(f"messages/{message_id}?format=minimal"))["sizeEstimate"]
        return abs(size - BYTES) < BYTES / 4


def fill(data: Path) -> None:
    """Put MAILBOX messages into alice's mailbox without going through a door."""
    command = [sys.executable, "-m", "benchmarks.fill", str(data), str(MAILBOX)]
    subprocess.run(command, check=True)


def _compare(
    client: Client, folder: Path, paths: list[str], name: str
) -> tuple[str, str, str, str]:
    body, script = folder / "body", folder / "ask.lua"
    body.write_bytes(client.call(paths[0]))
    script.write_text(_script(urlsplit(client.root).path, paths, client.token))
    with _bare(body) as bare:
        ours, theirs = [], []
        for _ in range(ROUNDS + 1):
            ours.append(_load(client.root, script))
            theirs.append(_load(bare, script))
    ratios = [a / b for a, b in zip(ours[1:], theirs[1:], strict=True)]
    return (
        f"messages.{name} ({body.stat().st_size:,} octets)",
        f"{statistics.median(ours[1:]):,.0f}/s",
        f"bare ASGI {statistics.median(theirs[1:]):,.0f}/s",
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
    )


def _script(prefix: str, paths: list[str], token: str) -> str:
    """Return a script for wrk that asks for the paths in turn."""
    listed = ",\n".join(json.dumps(prefix + path) for path in paths)
    return f"""
local paths = {{ {listed} }}
local at = 0
wrk.headers["Authorization"] = "Bearer {token}"
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
"""


def _load(url: str, script: Path) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), url]
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
