"""A batch of 100 calls against the same 100 calls one after another on one connection.

Elapsed time as a client sees it, on a connection that is kept open; both in turn.
"""

import http.client
import json
import statistics
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.smtp import realistic_text
from penfold.testing.server import RunningServer, serve

ROUNDS = 9
PARTS = 100
USER = "/gmail/v1/users/me"

#: verb, target, JSON body or None
Ask = tuple[str, str, object]


def measure() -> Iterator[tuple[str, str, str, str]]:
    with (
        tempfile.TemporaryDirectory() as name,
        serve(Path(name) / "data", args=["--quota", "off"]) as server,
    ):
        client = Client(server)
        ids = client.fill()
        gets: list[Ask] = [("GET", f"{USER}/messages/{each}", None) for each in ids]
        yield _compare("gets, full", client, lambda _: gets)
        yield _compare("writes (modify), one mailbox", client, lambda turn: _modify(ids, turn))


def _modify(ids: list[str], turn: int) -> list[Ask]:
    change = {("addLabelIds", "removeLabelIds")[turn % 2]: ["STARRED"]}
    return [("POST", f"{USER}/messages/{each}/modify", change) for each in ids]


class Client:
    def __init__(self, server: RunningServer) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(server.http).netloc)
        self._headers = {"Authorization": f"Bearer {server.load_document('alice')['token']}"}

    def fill(self) -> list[str]:
        """Add PARTS messages and return their ids."""
        headers = {**self._headers, "Content-Type": "application/json"}
        ids = []
        for number in range(PARTS):
            raw = realistic_text().replace(b"\n", b"\r\n") + b"%d\r\n" % number
            target = f"{USER}/messages?fields=id"
            body = json.dumps({"raw": urlsafe_b64encode(raw).decode(), "labelIds": ["INBOX"]})
            ids.append(json.loads(self._send("POST", target, body, headers))["id"])
        return ids

    def one(self, ask: Ask) -> None:
        verb, target, value = ask
        headers = {**self._headers, "Content-Type": "application/json"}
        self._send(verb, target, None if value is None else json.dumps(value), headers)

    def batch(self, asks: list[Ask]) -> None:
        text = "".join(_part(*ask) for ask in asks) + "--B--"
        headers = {**self._headers, "Content-Type": "multipart/mixed; boundary=B"}
        answer = self._send("POST", "/batch/gmail/v1", text, headers)
        if answer.count(b"HTTP/1.1 200 OK") != len(asks):
            raise RuntimeError(answer[:2_000].decode())

    def _send(self, verb: str, target: str, body: str | None, headers: dict[str, str]) -> bytes:
        self._connection.request(verb, target, body, headers)
        reply = self._connection.getresponse()
        answer = reply.read()
        if reply.status != 200:
            raise RuntimeError(answer.decode())
        return answer


def _part(verb: str, target: str, value: object) -> str:
    body = "" if value is None else json.dumps(value)
    return (
        f"--B\r\nContent-Type: application/http\r\n\r\n{verb} {target} HTTP/1.1\r\n"
        f"Content-Type: application/json\r\n\r\n{body}\r\n"
    )


def _compare(
    name: str, client: Client, make: Callable[[int], list[Ask]]
) -> tuple[str, str, str, str]:
    singles, batches = [], []
    for turn in range(ROUNDS + 1):
        started = time.perf_counter()
        for ask in make(2 * turn):
            client.one(ask)
        middle = time.perf_counter()
        client.batch(make(2 * turn + 1))
        singles.append(middle - started)
        batches.append(time.perf_counter() - middle)
    ratios = [a / b for a, b in zip(singles[1:], batches[1:], strict=True)]
    return (
        f"batch of {PARTS} {name}",
        f"{statistics.median(batches[1:]) * 1000:.1f} ms",
        f"one by one {statistics.median(singles[1:]) * 1000:.1f} ms",
        f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})",
    )
