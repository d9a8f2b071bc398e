"""What one message costs on its way in, step by step: frame, trace, parse, index, commit.

CPU time of one thread, for a 4 kB message, median of several rounds. The steps are the product's
own functions, called as the mail process calls them; `index` and `commit` share a transaction
of twenty messages, as twenty busy sessions make them.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.smtp import realistic_text
from benchmarks.stores import opened
from penfold.app.stores import Stores, known_schema, open_stores
from penfold.base.clock import FixedClock
from penfold.domain.incoming.inbound import add_trace
from penfold.domain.incoming.judging import ARRIVAL_LABELS
from penfold.domain.mailbox.messages import Letter, add_letter, read_letter
from penfold.domain.mailbox.threading import find_thread
from penfold.ports.mailbox import MailboxWriter
from penfold.proto.mime.compose import received_header
from penfold.proto.smtp.events import Mail, Message, Rcpt
from penfold.proto.smtp.profile import make_mx_profile
from penfold.proto.smtp.replies import make_reply
from penfold.proto.smtp.server import Server

ROUNDS = 7
REPEATS = 200
GROUP = 20
MAILBOX = "m" + "0" * 20


def measure() -> Iterator[tuple[str, str, str, str]]:
    data = realistic_text().replace(b"\n", b"\r\n")
    rows = [
        ("frame: a session's commands and data", time_step(lambda: _converse(data))),
        ("trace: Received and its kin", time_step(lambda: _trace(data))),
        (
            "parse: tree, summary, words",
            time_step(lambda: read_letter(_trace(data))) - time_step(lambda: _trace(data)),
        ),
        *_store_steps(data),
    ]
    for name, cost in rows:
        yield (f"one message in, {name}", f"{cost:,.0f} us", "", "")
    yield ("one message in, all steps", f"{sum(cost for _, cost in rows):,.0f} us", "", "")


def time_step(step: Callable[[], object]) -> float:
    """Return microseconds of CPU per call."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(REPEATS):
            step()
        rounds.append((time.process_time() - started) / REPEATS * 1e6)
    return statistics.median(rounds)


_PROFILE = make_mx_profile(hostname="h.example", domain="h.example", starttls=False)


def _converse(data: bytes) -> None:
    """Run one SMTP session through the engine, answering what it asks."""
    server = Server(_PROFILE, tag="x")
    server.greet()
    for line in (
        b"EHLO c.example\r\n",
        b"MAIL FROM:<a@b.example>\r\n",
        b"RCPT TO:<c@d.example>\r\n",
    ):
        _feed(server, line)
    _feed(server, b"DATA\r\n")
    _feed(server, data + b"\r\n.\r\n")
    _feed(server, b"QUIT\r\n")


_OK = make_reply(250, "2.0.0 OK")


def _feed(server: Server, octets: bytes) -> None:
    server.receive(octets)
    while (event := server.next_event()) is not None:
        if isinstance(event, Mail | Rcpt | Message):
            server.answer(_OK)
    server.take_output()


def _trace(data: bytes) -> bytes:
    received = received_header(
        helo="c.example",
        peer="192.0.2.1",
        by="h.example",
        protocol="ESMTP",
        identity="x",
        epoch_ms=1_790_000_000_000,
        recipient="c@d.example",
    )
    return add_trace(
        data, ["c@d.example"], own="c@d.example", sender="a@b.example", received=received
    )


def _store_steps(data: bytes) -> Iterator[tuple[str, float]]:
    """Measure a group's transaction: what its changes cost, and the commit beside them."""
    letter = read_letter(_trace(data))
    with tempfile.TemporaryDirectory() as name, opened(_prepared(Path(name))) as stores:
        stores.mailboxes.create(MAILBOX)
        inside, whole = [], []
        for _ in range(ROUNDS * 10):
            spent = _group(stores, letter)
            inside.append(spent[0])
            whole.append(spent[1])
    add = statistics.median(inside)
    yield "index: thread, rows, postings, words", add
    yield "commit: flush of the index, log, sync (elapsed)", statistics.median(whole) - add


def _prepared(data: Path) -> Path:
    """Make the databases a data directory has."""
    open_stores(data, clock=FixedClock(), fatal=print, create=known_schema()).close()
    return data


def _group(stores: Stores, letter: Letter) -> tuple[float, float]:
    """Return microseconds per message inside the changes, and of the whole group."""
    spent = [0.0]
    chance = random.Random(time.perf_counter_ns())

    def change(box: MailboxWriter) -> None:
        started = time.perf_counter()
        for _ in range(GROUP):
            add_letter(
                box,
                letter,
                labels=ARRIVAL_LABELS,
                thread_id=find_thread(box, letter.summary),
                internal_ms=stores.clock.now_ms() + chance.getrandbits(20),
                now_ms=stores.clock.now_ms(),
                chance=chance,
            )
        spent[0] = time.perf_counter() - started

    started = time.perf_counter()
    stores.mailboxes.change(MAILBOX, change)
    return spent[0] / GROUP * 1e6, (time.perf_counter() - started) / GROUP * 1e6
