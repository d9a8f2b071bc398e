"""The sending API: what an email costs step by step, and how many a second get to `smtp-sink`.

Emails are of a template in MJML with a layout, a partial and five lines of an order (5 kB of HTML),
to one recipient elsewhere. Steps are CPU time of one thread, in lots as the mail process makes
them; commits count with the step they belong to. The rate is of a server in production mode, two
DKIM signatures each: from the first call of /v1/emails/batch to the last `delivered` event, and, of
a server that has a backlog, from its start; beside it the CPU time all its processes took for each,
which other programs on the machine change less, and the load they were.
"""

import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import httpx
from msgspec.structs import replace
from tests.templates import LAYOUTS, ORDER, PARTIALS, VARIABLES

from benchmarks import postfix
from benchmarks.outbound import ZONES, run_sink
from benchmarks.stores import stop
from penfold.app.mail.sending import make_keys
from penfold.app.monitor.logs import SystemClock
from penfold.app.process.renderer import ProcessRenderer
from penfold.app.stores import Stores, known_schema, make_domains, open_stores
from penfold.app.wiring import make_product
from penfold.base.limits import SENDING_LEASE_MS
from penfold.domain.outgoing.signing_keys import SigningKeys
from penfold.domain.sending.accept import accept
from penfold.domain.sending.checking import Draft
from penfold.domain.sending.composing import compose
from penfold.domain.sending.content import Content, pack_content
from penfold.domain.sending.findings import Findings
from penfold.domain.sending.handing import Handing
from penfold.domain.sending.metering import Price
from penfold.domain.sending.outcomes import Outcomes
from penfold.domain.sending.rendering import NotRenderedError, Render, make_render
from penfold.domain.sending.template_parts import LAYOUT, PARTIAL, TemplateParts
from penfold.domain.sending.template_use import Known
from penfold.domain.sending.templates import Templates
from penfold.domain.sending.workshop import Workshop
from penfold.ports.queue import Attempt, Queue, QueueState, Settlement
from penfold.ports.sending.book import SendingWriter
from penfold.ports.sending.emails import Email, EmailLease, NewEmail
from penfold.ports.sending.records import ApiKey, TemplateVersion, version_id
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
#: Clock ticks a second of /proc/PID/stat.
TICKS = os.sysconf("SC_CLK_TCK")


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
        ExitStack() as stack,
    ):
        leases: list[EmailLease] = []
        renderer = stack.enter_context(closing(ProcessRenderer(1)))
        content = _add_template(stores, "account", renderer)
        render = make_render(stores.sending, renderer, threading.Event())
        known = Known(_get_version(stores, content))
        accepted = _Cost(lambda: _accept(stores, content))
        product = make_product(stores, hostname="mail.home.example", local=False)
        made = dict[str, Content | NotRenderedError]()
        handing = Handing(
            *(stores.sending, product.outbound.carrier, stores.clock, stores.chance),
            render=lambda wanted: [made[one.template_id] for _, one in wanted],
        )
        outcomes = Outcomes(stores.sending, stores.queue, stores.clock, stores.chance)
        taken = _Cost(lambda: leases.extend(_take(stores)))
        handed = _Cost(lambda: handing.hand_over(leases))
        told = _Cost(lambda: outcomes.note(_settle(stores.queue)))
        rendered = _Cost(lambda: _render(render, content, made), lambda: _cpu_s(renderer.pids))
        for _ in range(ROUNDS):
            leases.clear()
            rendered.run()
            for step in (accepted, taken, handed, told):
                step.run()
        ready = made[content.template_id]
        assert isinstance(ready, Content), ready
        checked = _time(lambda: known.check(VARIABLES, "variables", Findings()))
        composed = _time(lambda: compose(email, ready))
        signed = _time(_make_signer(stores, compose(email, ready)))
    yield "variables checked", checked
    yield "accepted: stored, charged, counted, queued", accepted.median
    yield "taken under a lease", taken.median
    yield "rendered, in a process of its own", rendered.median
    yield "composed", composed
    yield "handed over: sorted, queue row, events", handed.median - composed
    yield "signed: RSA and Ed25519", signed
    yield "settled and told as an event", told.median


class _Cost:
    """CPU per email of a step that does LOT of them. others: seconds other processes had."""

    def __init__(
        self, step: Callable[[], object], others: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._step = step
        self._others = others
        self._rounds: list[float] = []

    def run(self) -> None:
        started = time.process_time() + self._others()
        self._step()
        self._rounds.append((time.process_time() + self._others() - started) / LOT * 1e6)

    @property
    def median(self) -> float:
        return statistics.median(self._rounds)


def _time(step: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(LOT):
        step()
    return (time.process_time() - started) / LOT * 1e6


def _add_template(stores: Stores, account_id: str, renderer: ProcessRenderer) -> Content:
    """Publish the order as a template of an account, and return what a mail of it asks for."""
    parts = TemplateParts(stores.sending, stores.clock, stores.chance, account_id)
    for name, layout in LAYOUTS.items():
        parts.put_part(LAYOUT, name, layout)
    for name, partial_ in PARTIALS.items():
        parts.put_part(PARTIAL, name, partial_)
    templates = Templates(
        stores.sending, Workshop(renderer), stores.clock, stores.chance, account_id
    )
    templates.add("Order", "order")
    templates.add_version("order", ORDER)
    template = templates.publish("order", ())
    return Content(
        template_id=template.id, template_version=template.published, variables=VARIABLES
    )


def _get_version(stores: Stores, content: Content) -> TemplateVersion:
    key = version_id(content.template_id, content.template_version)
    found = stores.sending.read(lambda book: book.find(TemplateVersion, key, "account"))
    assert found is not None, "the version was made"
    return found


def _render(render: Render, content: Content, made: dict[str, Content | NotRenderedError]) -> None:
    email = replace(_make_email(1, 1_790_000_000_000), template_id=content.template_id)
    made[content.template_id] = render([(email, content)] * LOT)[0]


def _accept(stores: Stores, content: Content) -> None:
    now_ms = stores.clock.now_ms()
    packed = pack_content(content)
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
        lambda: drafts,
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
            with closing(ProcessRenderer(1)) as renderer:
                content = _add_template(stores, account_id, renderer)
            watch = _Watch(server.process.pid)
            _post(server, stores, account_id)
            accepted_s = watch.seconds
            _wait(stores, account_id, MAILS)
            yield ("emails accepted over HTTP, 500 a call", f"{MAILS / accepted_s:,.0f}/s", "", "")
            yield ("emails accepted until told as delivered", *watch.tell(MAILS))
        with opened_now(data) as stores:
            _fill(stores, account_id, content)
            with serve(data) as server:
                watch = _Watch(server.process.pid)
                _wait(stores, account_id, MAILS + BACKLOG)
                most = max(map(_find_peak, _list_children(server.process.pid)))
                rate, beside, _ = watch.tell(BACKLOG)
        beside += f", largest process {most >> 10:,} MiB"
        yield (f"a backlog of {BACKLOG:,} emails, until the last is told", rate, beside, "")


class _Watch:
    """The time since it began, and the CPU time of a server and its processes."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._began_s = time.perf_counter()
        self._cpu_s = _cpu_s(_list_family(pid))

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began_s

    def tell(self, mails: int) -> tuple[str, str, str]:
        """Return mails per second, what each took and how busy the machine was, and nothing."""
        rate = mails / self.seconds
        each_ms = 1_000 * (_cpu_s(_list_family(self._pid)) - self._cpu_s) / mails
        return f"{rate:,.0f}/s", f"{each_ms:.1f} ms of CPU each, load {os.getloadavg()[0]:.1f}", ""


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
                    "template": {"alias": "order"},
                    "variables": VARIABLES,
                }
                for number in range(start, min(start + BATCH, MAILS))
            ]
            headers = {"authorization": f"Bearer {secret}"}
            http.post("/v1/emails/batch", json=mails, headers=headers).raise_for_status()


def _fill(stores: Stores, account_id: str, content: Content) -> None:
    """Store BACKLOG emails that are due, as their acceptance would."""
    now_ms = stores.clock.now_ms()
    packed = pack_content(content)

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


def _list_family(pid: int) -> list[int]:
    """Return a process and all below it."""
    return [pid, *(each for child in _list_children(pid) for each in _list_family(child))]


def _cpu_s(pids: Iterable[int]) -> float:
    """Return the seconds of CPU time processes had."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in stats) / TICKS


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
