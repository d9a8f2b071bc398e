"""What a noisy neighbour costs others: reads of one account, alone and while another one floods.

The other asks with THREADS threads at once, for lists, searches and uploads, as fast as it is
answered; then strangers do, for tokens, the sign-in page and the discovery document. Nothing is
counted (calls from this machine are not, by network), and the flood shares our processors.
"""

import http.client
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from penfold.testing.server import RunningServer, serve

READS = 300
THREADS = 100
FILLED = 300
_MAIL = b"From: a@x.example\r\nSubject: word %d\r\n\r\nsome words of a message\r\n"
_UPLOAD = "/upload/gmail/v1/users/me/messages?uploadType=media"
_KINDS = {
    "lists": ("GET", "/gmail/v1/users/me/messages?maxResults=100", b""),
    "searches": ("GET", "/gmail/v1/users/me/messages?q=word+-nothing", b""),
    "uploads": ("POST", _UPLOAD, _MAIL % 0),
    "tokens": ("POST", "/token", b"grant_type=refresh_token&client_id=x&refresh_token=y"),
    "sign-in": ("GET", "/signin", b""),
    "discovery": ("GET", "/$discovery/rest?version=v1", b""),
}


def measure() -> Iterator[tuple[str, str, str, str]]:
    """Yield rows: what, beside the flood, alone, ratio."""
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as name,
        serve(Path(name) / "data", quota="off") as server,
    ):
        yield from _measure(server)


def _measure(server: RunningServer) -> Iterator[tuple[str, str, str, str]]:
    for person in ("alice", "bob"):
        for number in range(FILLED):
            _ask(server.http, _token_of(server, person), "POST", _UPLOAD, _MAIL % number)
    alone = _read(server)
    for kind in _KINDS:
        command = [sys.executable, "-m", "benchmarks.neighbours", server.http, kind]
        flood = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if flood.stdin is None or flood.stdout is None:
            raise RuntimeError("the flood has no pipes")
        flood.stdin.write(_token_of(server, "alice") + "\n")
        flood.stdin.flush()
        flood.stdout.readline()
        beside = _read(server)
        counts, _ = flood.communicate("stop\n")
        for share in (0.5, 0.99):
            ours, quiet = _quantile(beside, share), _quantile(alone, share)
            yield (
                f"a read beside {kind}, p{share * 100:.0f}",
                f"{ours:.1f} ms",
                f"alone {quiet:.1f} ms; the flood got {counts.strip()}",
                f"{ours / quiet:.1f}",
            )


def _token_of(server: RunningServer, person: str) -> str:
    return str(server.load_document(person)["token"])


def _quantile(seconds: list[float], share: float) -> float:
    return 1000 * sorted(seconds)[int(share * (len(seconds) - 1))]


def _read(server: RunningServer) -> list[float]:
    token, took = _token_of(server, "bob"), []
    address = urlsplit(server.http)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}"}
    for _ in range(READS):
        began = time.perf_counter()
        connection.request("GET", "/gmail/v1/users/me/profile", headers=headers)
        connection.getresponse().read()
        took.append(time.perf_counter() - began)
    connection.close()
    return took


def _ask(base: str, token: str, verb: str, path: str, body: bytes) -> int:
    address = urlsplit(base)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    kind = "message/rfc822" if path == _UPLOAD else "application/x-www-form-urlencoded"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    connection.request(verb, path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def _flood(base: str, kind: str) -> None:
    """Ask until a line comes; print when it began, and how often each status came in a second."""
    token, stop = sys.stdin.readline().strip(), threading.Event()
    counts: dict[int, int] = {}
    began = time.perf_counter()

    def work() -> None:
        while not stop.is_set():
            try:
                status = _ask(base, token, *_KINDS[kind])
            except OSError:
                status = 0
            counts[status] = counts.get(status, 0) + 1

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    time.sleep(1)  # a part of a burst that is let through is over
    sys.stdout.write("flooding\n")
    sys.stdout.flush()
    sys.stdin.readline()
    stop.set()
    for thread in threads:
        thread.join()
    passed = time.perf_counter() - began
    sys.stdout.write(", ".join(f"{n / passed:.0f}/s of {s}" for s, n in sorted(counts.items())))


if __name__ == "__main__":
    _flood(*sys.argv[1:])
