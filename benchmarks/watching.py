"""What watching costs a `messages.get`: log line and counters, and traces, in the same run.

CPU time of the serving process per request over a kept connection, on answers that are made anew
and on one that is kept. Each way has a listener of its own; they take turns, round by round, so
that whatever else the machine does meets all of them.
"""

import asyncio
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import msgspec
import uvloop

from benchmarks.pipeline import QUERY, Known, fill, make_services
from benchmarks.stores import opened
from penfold.app.monitor.logs import LineLog, SystemClock
from penfold.app.monitor.metrics import Counters
from penfold.app.monitor.observe_http import HttpObserver
from penfold.app.monitor.trace_http import (
    TracedApp,
    TracingObserver,
    trace_handlers,
    trace_mailboxes,
)
from penfold.app.monitor.tracing import Tracer
from penfold.app.stores import Stores, known_schema, open_stores
from penfold.base.clock import FixedClock
from penfold.base.limits import LOG_GATHER_S
from penfold.front.http.app import ASGIApp
from penfold.front.http.listener import HttpListener
from penfold.front.http.pipeline import GmailApi, Observe
from penfold.front.http.registration import find_handlers
from penfold.proto.otlp import Span

ROUNDS = 80
REPEATS = 60


#: A client in a process of its own: for each line, so many requests to a port.
_CLIENT = """
import http.client, sys
path, fresh = sys.argv[1], sys.argv[2] == "1"
connections, number = {}, 0
for line in sys.stdin:
    port, count = map(int, line.split())
    if port not in connections:
        connections[port] = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(count):
        number += 1
        name = f"X-{number}" if fresh else "To"
        connections[port].request("GET", path + name, headers={"Authorization": "Bearer t"})
        answer = connections[port].getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    print("done", flush=True)
"""


class Dropped:
    """Where spans go here: sending them is another thread's work."""

    def add(self, span: Span) -> None:
        del span


def measure() -> Iterator[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        open_stores(folder, clock=FixedClock(), fatal=print, create=known_schema()).close()
        with (
            opened(folder) as stores,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop,
        ):
            path = f"/gmail/v1/users/me/messages/{fill(stores)}?{QUERY}&metadataHeaders="
            for kind, fresh in (("made anew", True), ("kept answer", False)):
                costs = loop.run(_time_ways(stores, folder, path, fresh=fresh))
                bare = costs["unwatched"]
                for way, cost in costs.items():
                    more = f"{(cost - bare) / bare:+.1%}" if way != "unwatched" else ""
                    yield (f"messages.get, {kind}, {way}", f"{cost:,.1f} us", "", more)


async def _time_ways(stores: Stores, folder: Path, path: str, *, fresh: bool) -> dict[str, float]:
    """Return the microseconds of each way: the lower quartile, as what disturbs only adds."""
    ways = await _make_ways(stores, folder)
    listeners = {way: _listen(app) for way, app in ways.items()}
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLIENT, path, str(int(fresh)),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    rounds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(ROUNDS + 1):
        for way, (_, port) in listeners.items():
            started = time.process_time()
            client.stdin.write(f"{port} {REPEATS}\n".encode())
            assert await client.stdout.readline() == b"done\n"
            if number:  # the first round makes connections and fills caches
                rounds[way].append((time.process_time() - started) / REPEATS * 1e6)
    client.stdin.close()
    await client.wait()
    for listener, _ in listeners.values():
        await listener.stop(grace_s=0)
    return {way: statistics.quantiles(costs, n=4)[0] for way, costs in rounds.items()}


def _listen(app: ASGIApp) -> tuple[HttpListener, int]:
    sock = socket.create_server(("127.0.0.1", 0), backlog=100)
    sock.setblocking(False)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # nobody asks for it here
    log = LineLog(2, form="json", process="bench", clock=SystemClock())
    listener = HttpListener(app, sock, tls, log=log, count_connections=lambda _: None)
    listener.start()
    return listener, sock.getsockname()[1]


async def _make_ways(stores: Stores, folder: Path) -> dict[str, ASGIApp]:
    descriptor = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    encode = msgspec.json.Encoder().encode
    log = LineLog(descriptor, form="json", process="http-0", clock=SystemClock(), encode=encode)
    log.gather(partial(asyncio.get_running_loop().call_later, LOG_GATHER_S))
    observe = HttpObserver(log, Counters(folder / "http-0.metrics"))
    return {
        "unwatched": _make_app(stores, None, None),
        "log and metrics": _make_app(stores, observe, None),
        "with traces, 1 in 100": _make_app(stores, observe, Tracer(Dropped(), Random(1), 0.01)),
        "with traces of all": _make_app(stores, observe, Tracer(Dropped(), Random(1), 1.0)),
    }


def _make_app(stores: Stores, observe: Observe | None, tracer: Tracer | None) -> ASGIApp:
    handlers, mailboxes = find_handlers(), stores.mailboxes
    if tracer and observe:
        observe = TracingObserver(observe, tracer)
        handlers = trace_handlers(handlers, tracer)
        mailboxes = trace_mailboxes(mailboxes, tracer)
    api = GmailApi(
        handlers=handlers,
        authenticator=Known(),
        mailboxes=mailboxes,
        services=make_services(stores, None),
        clock=stores.clock,
        observe=observe,
    )
    return TracedApp(api, tracer) if tracer else api
