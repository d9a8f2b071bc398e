"""Where handlers run: inline, in a thread, or inside a mailbox's group commit.

Owns the bridge back to the event loop and the pool for unbounded reads. Encoding happens where
the handler ran when that is a thread, so that a large answer never holds up the loop. Writes are
encoded on the loop; their answers are small.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from penfold.base.limits import (
    CHECKS_MAX,
    HAND_OVER_WAIT_S,
    INLINE_BODY_MAX_BYTES,
    SLOW_READERS_MAX,
)
from penfold.domain.outgoing.outbound import Outbound
from penfold.front.bridge import Bridge, Done
from penfold.front.http.call import Call, TooSlowInline
from penfold.front.http.kept import KeptAnswers
from penfold.front.http.plan import Plan
from penfold.front.http.turns import Turns
from penfold.ports.mailbox import Mailboxes
from penfold.spec.method import Access

T = TypeVar("T")

#: Turns a handler's result into octets.
Encode = Callable[[Any], bytes | None]

_log: Final = logging.getLogger(__name__)


class Runner:
    """Runs checked calls against mailboxes."""

    def __init__(self, mailboxes: Mailboxes, outbound: Outbound) -> None:
        self._mailboxes = mailboxes
        self._outbound = outbound
        self._threads = ThreadPoolExecutor(SLOW_READERS_MAX, thread_name_prefix="penfold-read")
        # Apart, because other servers decide how long a check takes, and reads must not wait.
        self._checks = ThreadPoolExecutor(CHECKS_MAX, thread_name_prefix="penfold-check")
        self._bridge: Bridge | None = None
        self._kept = KeptAnswers()
        self._turns = Turns()

    def close(self) -> None:
        """Stop the threads; safe to call twice."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._checks.shutdown(wait=True, cancel_futures=True)

    async def run(
        self, plan: Plan, call: Call[Any, Any], encode: Encode, *, form: Hashable
    ) -> bytes | None:
        """Run the method's handler and return its encoded result.

        form: how it is encoded; calls that differ in nothing else must differ in this.
        """
        access = plan.method.access
        if access is Access.READ:
            if not self._turns.take(call.account.id):
                await self._turns.wait(call.account.id)
            try:
                return self._read_inline(plan, call, encode, form)
            except TooSlowInline:
                call = replace(call, inline=False)
        elif access is Access.WRITE:
            return await self._write(plan, call, encode)
        return await self.in_thread(lambda: self._read(plan, call, encode))

    def _read(self, plan: Plan, call: Call[Any, Any], encode: Encode) -> bytes | None:
        with self._mailboxes.open_reader(call.account.id) as box:
            result = plan.serve(call, box)
        return encode(result)

    def _read_inline(
        self, plan: Plan, call: Call[Any, Any], encode: Encode, form: Hashable
    ) -> bytes | None:
        """Read on the event loop, or answer as before when nothing has changed."""
        if not call.params.is_steady():
            return self._read(plan, call, encode)
        question = (plan.method.id, call.account.id, call.params, form)
        with self._mailboxes.open_reader(call.account.id) as box:
            version = box.get_version()
            answer = self._kept.find(question, version)
            if answer is not None:
                return answer
            result = plan.serve(call, box)
        answer = encode(result)
        if answer is not None:
            self._kept.keep(question, version, answer)
        return answer

    async def _write(self, plan: Plan, call: Call[Any, Any], encode: Encode) -> bytes | None:
        if self._bridge is None:
            self._bridge = Bridge()
        mailbox = call.account.id
        if plan.check is not None:
            await asyncio.get_running_loop().run_in_executor(
                self._checks, plan.run_check, call, self._mailboxes
            )

        def start(done: Done[Any]) -> None:
            self._mailboxes.submit(mailbox, lambda box: plan.serve(call, box), done)

        result = await self._bridge.wait(start)
        if plan.method.sends:
            await self._hand_over(self._bridge, mailbox)
        return encode(result)

    async def _hand_over(self, bridge: Bridge, mailbox: str) -> None:
        """Wait until the mail is on its way, so that who sends to himself finds it at once.

        The mail is durable already: when this takes long or fails, the answer is no different.
        """

        def start(done: Done[None]) -> None:
            self._outbound.hand_over(mailbox, lambda error: done(None, error))

        try:
            async with asyncio.timeout(HAND_OVER_WAIT_S):
                await bridge.wait(start)
        except TimeoutError:
            _log.warning("hand-over from mailbox %s takes long", mailbox)
        except Exception:  # noqa: BLE001 - the answer is decided; the sweep tries again
            _log.exception("hand-over from mailbox %s failed", mailbox)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Return what the work returns, done beside the event loop, in the caller's context."""
        run = copy_context().run  # so that who watches knows whose work it is
        return await asyncio.get_running_loop().run_in_executor(self._threads, run, work)

    async def brief(self, octets: int, work: Callable[[], T]) -> T:
        """Return what the work on so many octets returns; a thread's if it would hold us up."""
        return work() if octets <= INLINE_BODY_MAX_BYTES else await self.in_thread(work)
