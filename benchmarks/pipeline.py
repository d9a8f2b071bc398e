"""What the pipeline adds to a call of the API, step by step, in microseconds of CPU.

The steps are the product's own functions on a real mailbox, called as front/http/pipeline.py calls
them; `handler` is what would be left without any of them. The last rows are whole calls through
the application, with quotas on and off.
"""

import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.smtp import realistic_text
from benchmarks.stores import opened
from penfold.app.stores import Stores, known_schema, open_stores
from penfold.base.clock import FixedClock
from penfold.domain.mailbox.messages import insert_message
from penfold.domain.quota import Quota, QuotaLimits
from penfold.front.http.call import Call, Services
from penfold.front.http.handlers import messages_get
from penfold.front.http.pipeline import GmailApi
from penfold.front.http.plan import Plan, encode
from penfold.front.http.registration import find_handlers
from penfold.front.http.system import parse_query, split_system
from penfold.ports.directory import Account
from penfold.ports.identity import Credential
from penfold.spec.quotas import GOOGLE_2026
from penfold.spec.registry import BY_ID
from penfold.spec.scopes import FULL
from penfold.store.usage import SharedUsage
from penfold.testing.uploads import MemoryUploads

ROUNDS = 9
REPEATS = 400
MAILBOX = "m" + "0" * 20
METHOD = BY_ID["gmail.users.messages.get"]
QUERY = "format=metadata&fields=id,labelIds,payload/headers&prettyPrint=false&alt=json"
ACCOUNT = Account(MAILBOX, "alice@penfold.test", "", 0)
CREDENTIAL = Credential(ACCOUNT, frozenset({FULL.url}), "app", "1")


class Known:
    """An authenticator that remembers the token, as the directory does for some seconds."""

    def __init__(self) -> None:
        self._known = {"t": CREDENTIAL}

    def find_credential(self, token: str) -> Credential | None:
        return self._known.get(token)

    def find_app_login(self, address: str, password: str) -> Account | None:
        raise NotImplementedError("no call here signs in with an app password")


def measure() -> Iterator[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        open_stores(folder, clock=FixedClock(), fatal=print, create=known_schema()).close()
        with opened(folder) as stores:
            message_id = fill(stores)
            usage = SharedUsage(folder, "http-0", ["http-0"])
            yield from _measure_steps(stores, message_id, _make_quota(usage))
            yield from _measure_whole(stores, message_id, usage)


def fill(stores: Stores) -> str:
    stores.mailboxes.create(MAILBOX)
    raw = realistic_text().replace(b"\n", b"\r\n")
    row = stores.mailboxes.change(
        MAILBOX,
        lambda box: insert_message(
            box, raw, label_ids=["INBOX"], thread="", date_source="receivedTime",
            now_ms=stores.clock.now_ms(), chance=stores.chance,
        ),
    )  # fmt: skip
    return f"{row.id:016x}"


def _make_quota(usage: SharedUsage) -> Quota:
    limits = QuotaLimits(GOOGLE_2026, 10**12, 10**12, 100)
    return Quota(limits, usage, FixedClock(), spent=lambda _: None, refused=lambda _: None)


def make_services(stores: Stores, quota: Quota | None) -> Services:
    nothing: Any = None
    return Services(
        stores.directory, nothing, stores.chance, stores.sealer, stores.pubsub, nothing, nothing,
        MemoryUploads(nothing), quota,
    )  # fmt: skip


def _measure_steps(
    stores: Stores, message_id: str, quota: Quota
) -> Iterator[tuple[str, str, str, str]]:
    plan = Plan(METHOD, messages_get)
    authenticator = Known()
    system, pairs, _ = split_system(parse_query(QUERY))
    params = plan.binder.bind(["me", message_id], pairs)
    mask = plan.find_mask(system.values["fields"])
    call: Call[Any, Any] = Call(
        METHOD, CREDENTIAL, ACCOUNT, params, None, 0, make_services(stores, quota)
    )

    def handle() -> Any:
        with stores.mailboxes.open_reader(MAILBOX) as box:
            return messages_get(call, box)

    result = handle()
    steps: list[tuple[str, Callable[[], object]]] = [
        ("query: split and decode", lambda: split_system(parse_query(QUERY))),
        ("auth: token to credential", lambda: plan.gate.get_credential(authenticator, "t")),
        ("parameters: bind and check", lambda: plan.binder.bind(["me", message_id], pairs)),
        (
            "scope, delegation",
            lambda: plan.gate.check(CREDENTIAL, params, pairs, lambda *_: None),
        ),
        ("quota: user and project", lambda: quota.charge(METHOD, CREDENTIAL)),
        ("mask: find it", lambda: plan.find_mask(system.values["fields"])),
        ("encode, without a mask", lambda: encode(METHOD, result, None, pretty=False)),
        ("encode, with the mask", lambda: encode(METHOD, result, mask, pretty=False)),
        ("handler: messages.get, metadata", handle),
    ]
    for name, step in steps:
        yield (f"a call, {name}", f"{_time(step):,.1f} us", "", "")


def _measure_whole(
    stores: Stores, message_id: str, usage: SharedUsage
) -> Iterator[tuple[str, str, str, str]]:
    """Measure calls through the application, each an answer made anew or one that is kept."""
    with asyncio.Runner() as loop:
        for name, quota in (("off", None), ("on", _make_quota(usage))):
            api = GmailApi(
                handlers=find_handlers(),
                authenticator=Known(),
                mailboxes=stores.mailboxes,
                services=make_services(stores, quota),
                clock=stores.clock,
            )
            for kind, fresh in (("kept answer", False), ("made anew", True)):
                cost = loop.run(_time_calls(api, message_id, fresh=fresh))
                yield (f"a whole call, {kind}, quotas {name}", f"{cost:,.1f} us", "", "")
            api.close()


def make_ask(app: Any, message_id: str, *, fresh: bool) -> Callable[[], Awaitable[None]]:
    """Return what makes one call through the application."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Any) -> None:
        return

    numbers = itertools.count()

    async def ask() -> None:
        # Another mask is another answer; the parameter costs the same.
        name = f"X-{next(numbers)}" if fresh else "To"
        path = f"/gmail/v1/users/me/messages/{message_id}"
        query = f"{QUERY}&metadataHeaders={name}"
        scope = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
            "query_string": query.encode(), "headers": [(b"authorization", b"Bearer t")],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1), "scheme": "http",
        }  # fmt: skip
        await app(scope, receive, send)

    return ask


async def _time_calls(api: GmailApi, message_id: str, *, fresh: bool) -> float:
    ask = make_ask(api, message_id, fresh=fresh)
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(REPEATS):
            await ask()
        rounds.append((time.process_time() - started) / REPEATS * 1e6)
    return statistics.median(rounds)


def _time(step: Callable[[], object]) -> float:
    """Return microseconds of CPU per call."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(REPEATS):
            step()
        rounds.append((time.process_time() - started) / REPEATS * 1e6)
    return statistics.median(rounds)
