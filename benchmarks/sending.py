"""The sending API: what an email costs step by step, and how many a second get to `smtp-sink`.

Steps are CPU time of one thread for an HTML and text email of 4 kB to one recipient elsewhere, in
lots as the mail process makes them; commits count with the step they belong to. The rate is of a
server in production mode, two DKIM signatures each: from the first call of /v1/emails/batch to the
last `delivered` event, and, of a server that has a backlog, from its start.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
from msgspec.structs import replace

from benchmarks import postfix
from benchmarks.outbound import ZONES, run_sink
from benchmarks.stores import stop
from penfold.app.logs import SystemClock
from penfold.app.sending import make_keys
from penfold.app.stores import Stores, known_schema, make_domains, open_stores
from penfold.app.wiring import make_product
from penfold.base.limits import SENDING_LEASE_MS
from penfold.domain.sending.accept import accept
from penfold.domain.sending.checking import Draft
from penfold.domain.sending.composing import compose
from penfold.domain.sending.content import Content, pack_content
from penfold.domain.sending.handing import Handing
from penfold.domain.sending.metering import Price
from penfold.domain.sending.outcomes import Outcomes
from penfold.domain.signing_keys import SigningKeys
from penfold.ports.queue import Attempt, Queue, QueueState, Settlement
from penfold.ports.sending.book import SendingWriter
from penfold.ports.sending.emails import Email, EmailLease, NewEmail
from penfold.ports.sending.records import ApiKey
from penfold.testing.dns import DnsServer
from penfold.testing.server import RunningServer, configure, serve

MAILS = int(os.environ.get("PENFOLD_BENCH_MAILS", "2000"))
BACKLOG = int(os.environ.get("PENFOLD_BENCH_BACKLOG", "3000"))
LOT = 200
ROUNDS = 5
BATCH = 500
#: Emails that are put into the backlog in one transaction.
FILLED = 2_000
#: Seconds until a run counts as failed.
PATIENCE_S = 600.0
HTML = "<p>Your order 4711 is on its way. Thank you for shopping with us.</p>\n" * 30
TEXT = "Your order 4711 is on its way. Thank you for shopping with us.\n" * 30
CONTENT = Content(HTML, TEXT)


def measure() -> Iterator[tuple[str, str, str, str]]:
    """Yield rows: what, ours, beside it, ratio."""
    costs = list(_measure_steps())
    for name, cost in costs:
        yield (f"one email out, {name}", f"{cost:,.0f} us", "", "")
    yield ("one email out, all steps", f"{sum(cost for _, cost in costs):,.0f} us", "", "")
    if not postfix.is_installed():
        yield ("emails out", "-", "Postfix is not installed, or this is not root", "-")
        return
    yield from _measure_rates()


# --- steps -----------------------------------------------------------------------------------


def _make_email(number: int, now_ms: int) -> Email:
    return Email(
        number,
        f"{random.Random(number).getrandbits(128):032x}",
        "account",
        "key",
        "Shop <al@home.example>",
        "Your order is on its way",
        now_ms,
        to=(f"r{number}@sink.example",),
        message_id=f"{number}@home.example",
    )


def _measure_steps() -> Iterator[tuple[str, float]]:
    email = _make_email(1, 1_790_000_000_000)
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as name,
        opened_now(Path(name), create=known_schema()) as stores,
    ):
        leases: list[EmailLease] = []
        accepted = _Cost(lambda: _accept(stores))
        product = make_product(stores, hostname="mail.home.example", local=False)
        handing = Handing(stores.sending, product.outbound.carrier, stores.clock, stores.chance)
        outcomes = Outcomes(stores.sending, stores.queue, stores.clock, stores.chance)
        taken = _Cost(lambda: leases.extend(_take(stores)))
        handed = _Cost(lambda: handing.hand_over(leases))
        told = _Cost(lambda: outcomes.note(_settle(stores.queue)))
        for _ in range(ROUNDS):
            leases.clear()
            for step in (accepted, taken, handed, told):
                step.run()
        composed = _time(lambda: compose(email, CONTENT))
        signed = _time(_make_signer(stores, compose(email, CONTENT)))
    yield "accepted: stored, charged, queued", accepted.median
    yield "taken under a lease", taken.median
    yield "composed", composed
    yield "handed over: sorted, queue row, events", handed.median - composed
    yield "signed: RSA and Ed25519", signed
    yield "settled and told as an event", told.median


class _Cost:
    """CPU per email of a step that does LOT of them."""

    def __init__(self, step: Callable[[], object]) -> None:
        self._step = step
        self._rounds: list[float] = []

    def run(self) -> None:
        started = time.process_time()
        self._step()
        self._rounds.append((time.process_time() - started) / LOT * 1e6)

    @property
    def median(self) -> float:
        return statistics.median(self._rounds)


def _time(step: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(LOT):
        step()
    return (time.process_time() - started) / LOT * 1e6


def _accept(stores: Stores) -> None:
    now_ms = stores.clock.now_ms()
    packed = pack_content(CONTENT)
    drafts = [
        Draft(
            NewEmail(_make_email(0, now_ms), packed, ((f"r{n}@sink.example", "to"),)),
            "home.example",
        )
        for n in range(LOT)
    ]
    accept(
        stores.sending,
        ApiKey("key", "account", "bench", now_ms),
        drafts,
        keyed=None,
        price=Price(280, "USD"),
        now_ms=now_ms,
        chance=stores.chance,
        make_body=lambda _: b"",
    )


def _take(stores: Stores) -> list[EmailLease]:
    now_ms = stores.clock.now_ms()
    return stores.sending.change(
        lambda writer: writer.take_emails(now_ms=now_ms, lease_ms=SENDING_LEASE_MS, limit=LOT)
    )


def _settle(queue: Queue) -> list[Settlement]:
    now_ms = time.time_ns() // 1_000_000
    leases = queue.take(now_ms=now_ms, lease_ms=60_000, limit=LOT)
    attempt = Attempt(now_ms, "250 2.0.0 ok", "C: …\nS: …\n" * 8, "accepted")
    settlements = [Settlement(lease, attempt, QueueState.SENT) for lease in leases]
    queue.settle(settlements)
    return settlements


def _make_signer(stores: Stores, raw: bytes) -> Callable[[], object]:
    domains = make_domains(stores)
    domains.activate(domains.add("home.example"))
    keys = SigningKeys(stores.directory, stores.sealer, stores.clock)
    return lambda: keys.sign(raw, "home.example", 1_790_000_000)


# --- rates -----------------------------------------------------------------------------------


def _measure_rates() -> Iterator[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name, ExitStack() as stack:
        port = stack.enter_context(run_sink())
        dns = stack.enter_context(DnsServer(ZONES))
        data = configure(
            Path(name) / "data",
            domains=["home.example"],
            hostname="mail.home.example",
            dns_servers=[f"{dns.host}:{dns.port}"],
            delivery_reach="loopback",
            delivery_port=port,
        )
        with serve(data) as server, opened_now(data) as stores:
            account_id = _set_up(server, stores)
            began = time.perf_counter()
            _post(server, stores, account_id)
            accepted_s = time.perf_counter() - began
            _wait(stores, account_id, MAILS)
            rate = MAILS / (time.perf_counter() - began)
        yield ("emails accepted over HTTP, 500 a call", f"{MAILS / accepted_s:,.0f}/s", "", "")
        yield ("emails accepted, composed, signed, delivered, told", f"{rate:,.0f}/s", "", "")
        with opened_now(data) as stores:
            _fill(stores, account_id)
            with serve(data) as server:
                began = time.perf_counter()
                _wait(stores, account_id, MAILS + BACKLOG)
                rate = BACKLOG / (time.perf_counter() - began)
                most = max(map(_find_peak, _list_children(server.process.pid)))
        beside = f"largest process {most >> 10:,} MiB"
        yield (
            f"a backlog of {BACKLOG:,} emails, until the last is told",
            f"{rate:,.0f}/s",
            beside,
            "",
        )


def _set_up(server: RunningServer, stores: Stores) -> str:
    server.run("user", "add", "al@home.example")
    server.run("domain", "activate", "home.example", "--json")
    account = stores.directory.find_account("al@home.example")
    if account is None:
        raise LookupError("the account is not there")
    return account.id


def _post(server: RunningServer, stores: Stores, account_id: str) -> None:
    key = ApiKey("", account_id, "bench", 0, scopes=("emails:send",))
    secret = make_keys(stores).add(key).secret
    with httpx.Client(base_url=server.http, timeout=60) as http:
        for start in range(0, MAILS, BATCH):
            mails = [
                {
                    "from": "Shop <al@home.example>",
                    "to": f"r{number}@sink.example",
                    "subject": "Your order is on its way",
                    "html": HTML,
                    "text": TEXT,
                }
                for number in range(start, min(start + BATCH, MAILS))
            ]
            headers = {"authorization": f"Bearer {secret}"}
            http.post("/v1/emails/batch", json=mails, headers=headers).raise_for_status()


def _fill(stores: Stores, account_id: str) -> None:
    """Store BACKLOG emails that are due, as their acceptance would."""
    now_ms = stores.clock.now_ms()
    packed = pack_content(CONTENT)

    def add(writer: SendingWriter, start: int) -> None:
        for number in range(start, min(start + FILLED, BACKLOG)):
            email = replace(_make_email(number, now_ms), id=f"b{number}", account_id=account_id)
            writer.add_email(NewEmail(email, packed, ((f"r{number}@sink.example", "to"),)))

    for start in range(0, BACKLOG, FILLED):
        stores.sending.change(partial(add, start=start))


def _wait(stores: Stores, account_id: str, count: int) -> None:
    """Wait until so many emails were told to be delivered."""
    ends = time.monotonic() + PATIENCE_S
    while _count_delivered(stores, account_id) < count:
        if time.monotonic() > ends:
            raise TimeoutError("the emails are not delivered")
        time.sleep(0.05)


def _count_delivered(stores: Stores, account_id: str) -> int:
    counts = stores.sending.read(
        lambda book: book.list_counts(account_id, by=(), first="2020-01-01", last="2099-12-31")
    )
    return sum(one.count for one in counts if one.kind == "delivered")


def _list_children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _find_peak(pid: int) -> int:
    """Return the most memory a process had (KiB)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@contextmanager
def opened_now(data: Path, create: Collection[str] = ()) -> Iterator[Stores]:
    stores = open_stores(data, clock=SystemClock(), fatal=stop, create=create)
    try:
        yield stores
    finally:
        stores.close()
