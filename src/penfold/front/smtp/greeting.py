"""Greylisting at RCPT: asks the greylist, and SPF when that does not know the triplet.

The reply waits for both, in a bounded time; whatever fails lets the recipient in, for a greylist
is no wall. The book is asked in a thread of its own, because it writes to a disk: a flood of
strangers waits for that, and keeps no thread from others.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.base.errors import PenfoldError
from penfold.base.limits import GREYLIST_S
from penfold.domain.incoming.greylisting import Greeting, find_known, greet, triplet_key
from penfold.front.smtp.facts import GreylistFacts, Observe
from penfold.ports.greylist import GreylistBook
from penfold.proto.mailauth.spf import SpfResult
from penfold.proto.mailauth.spf_record import Result
from penfold.proto.smtp import replies
from penfold.proto.smtp.replies import Reply

P = ParamSpec("P")
R = TypeVar("R")


class Visit(Struct, frozen=True, gc=False):
    """Who is at the door, with a transaction begun; as in the envelope."""

    session: str
    client: str
    helo: str
    sender: str


class SenderCheck(Protocol):
    async def check_sender(self, *, client: str, helo: str, sender: str) -> SpfResult: ...


class Greeter:
    """For one event loop."""

    def __init__(
        self,
        book: GreylistBook,
        senders: SenderCheck,
        *,
        clock: Clock,
        observe: Observe,
        total_s: float = GREYLIST_S,
    ) -> None:
        self._book = book
        self._senders = senders
        self._clock = clock
        self._observe = observe
        self._total_s = total_s
        self._is_closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="greylist")

    def close(self) -> None:
        """Wait for what is being noted; afterwards everybody is let in."""
        self._is_closed = True
        self._thread.shutdown(cancel_futures=True)

    async def greet(self, visit: Visit, recipient: str) -> Reply:
        """Return the reply to RCPT for a recipient that exists."""
        if self._is_closed:
            return replies.RECIPIENT_OK
        try:
            async with asyncio.timeout(self._total_s):
                greeting = await self._ask(visit, recipient)
        except (PenfoldError, TimeoutError):
            greeting = Greeting("failed")
        self._observe(
            GreylistFacts(
                session=visit.session,
                client=visit.client,
                sender=visit.sender,
                recipient=recipient,
                outcome=greeting.outcome,
            )
        )
        return replies.make_greylisted(greeting.wait_s) if greeting.wait_s else replies.RECIPIENT_OK

    async def _ask(self, visit: Visit, recipient: str) -> Greeting:
        now_ms = self._clock.now_ms()
        key = triplet_key(client=visit.client, sender=visit.sender, recipient=recipient)
        if await self._call(find_known, self._book, key, now_ms=now_ms):
            return Greeting("known")
        spf = await self._senders.check_sender(
            client=visit.client, helo=visit.helo, sender=visit.sender
        )
        domain = spf.domain if spf.result is Result.PASS else ""
        return await self._call(greet, self._book, key, domain=domain, now_ms=now_ms)

    async def _call(self, function: Callable[P, R], *args: P.args, **options: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(function, *args, **options))
