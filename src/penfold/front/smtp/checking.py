"""Have an arriving message checked: all questions to the DNS at once, in a bounded time.

SPF, DKIM, ARC, the reverse lookup, the blocklists and the scanner know nothing of each other and
run side by side; DMARC waits for the first two. When the time is over every open question fails,
so that each check comes to its own end: temperror where it cannot tell.

The signatures of a long message are computed in a thread, which leaves the event loop to others;
CHECK_THREADS of them do that and nothing else.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.base.limits import ARRIVAL_S, CHECK_THREADS, PARSE_INLINE_MAX_BYTES
from penfold.domain.envelope import Envelope
from penfold.domain.incoming.findings import Findings, list_passed, list_undecided
from penfold.ports.dns import Lookups
from penfold.ports.scanning import Scanned, Scanner, Subject
from penfold.proto.blocklists import check_blocklist
from penfold.proto.dns import Answer, Check, Question
from penfold.proto.iprev import check_iprev
from penfold.proto.mailauth.arc import ArcResult, verify_arc
from penfold.proto.mailauth.author import find_author
from penfold.proto.mailauth.dkim import DkimResult, verify_dkim
from penfold.proto.mailauth.dmarc import DmarcResult, check_dmarc
from penfold.proto.mailauth.spf import SpfResult, check_spf
from penfold.proto.mailauth.spf_record import Result

R = TypeVar("R")


class Checked(Struct, frozen=True, gc=False):
    """scanned: None when no scanner is asked."""

    findings: Findings
    scanned: Scanned | None


class Checker:
    """For one event loop."""

    def __init__(
        self,
        lookups: Lookups,
        *,
        clock: Clock,
        hostname: str,
        blocklists: Sequence[str] = (),
        scanner: Scanner | None = None,
        total_s: float = ARRIVAL_S,
    ) -> None:
        self._lookups = lookups
        self._clock = clock
        self._hostname = hostname
        self._blocklists = tuple(blocklists)
        self._scanner = scanner
        self._total_s = total_s
        self._threads = ThreadPoolExecutor(CHECK_THREADS, thread_name_prefix="checks")

    def close(self) -> None:
        """End the threads when they have done what they are at."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(self, envelope: Envelope, data: bytes) -> Checked:
        """Return what was found; after total_s at the latest, and the scanner's own time."""
        end = asyncio.get_running_loop().time() + self._total_s
        now_s = self._clock.now_ms() // 1000
        apart = len(data) > PARSE_INLINE_MAX_BYTES
        author = find_author(data)
        async with asyncio.TaskGroup() as group:
            start = group.create_task
            authentic = start(self._authenticate(envelope, data, author.domain, now_s, end))
            arc = start(self._run(_verify_arc(data, now_s), end, apart=apart))
            iprev = start(self._run(check_iprev(envelope.client), end))
            listings = [
                start(self._run(check_blocklist(envelope.client, zone), end))
                for zone in self._blocklists
            ]
            scan = start(self._scan(envelope, data)) if self._scanner else None
        listed = [
            zone
            for zone, listing in zip(self._blocklists, listings, strict=True)
            if listing.result() == "listed"
        ]
        spf, dkim, dmarc = authentic.result()
        findings = Findings(
            author=author,
            spf=spf,
            dkim=dkim,
            arc=arc.result(),
            dmarc=dmarc,
            iprev=iprev.result(),
            listed=tuple(listed),
        )
        return Checked(findings, scan.result() if scan else None)

    async def check_sender(self, *, client: str, helo: str, sender: str) -> SpfResult:
        """Return what SPF says of a sender, before there is a message."""
        loop = asyncio.get_running_loop()
        now_s = self._clock.now_ms() // 1000
        check = check_spf(ip=client, helo=helo, sender=sender, receiver=self._hostname, now_s=now_s)
        return await self._run(check, loop.time() + self._total_s)

    async def _authenticate(
        self, envelope: Envelope, data: bytes, author_domain: str, now_s: int, end: float
    ) -> tuple[SpfResult, tuple[DkimResult, ...], DmarcResult]:
        apart = len(data) > PARSE_INLINE_MAX_BYTES
        by_sender = check_spf(
            ip=envelope.client,
            helo=envelope.helo,
            sender=envelope.sender,
            receiver=self._hostname,
            now_s=now_s,
        )
        spf, dkim = await asyncio.gather(
            self._run(by_sender, end),
            self._run(verify_dkim(data, now_s=now_s), end, apart=apart),
        )
        dmarc = check_dmarc(
            author_domain=author_domain,
            spf=(spf.domain, spf.result is Result.PASS),
            dkim=list_passed(dkim),
            undecided=list_undecided(spf, dkim),
        )
        return spf, dkim, await self._run(dmarc, end)

    async def _run(self, check: Check[R], end: float, *, apart: bool = False) -> R:
        if apart:
            return await run_apart(
                self._lookups, check, threads=self._threads, left=lambda: self._left(end)
            )
        return await self._lookups.run(check, within_s=self._left(end))

    def _left(self, end: float) -> float:
        return max(0.0, end - asyncio.get_running_loop().time())

    async def _scan(self, envelope: Envelope, data: bytes) -> Scanned:
        if self._scanner is None:
            raise RuntimeError("there is no scanner")
        subject = Subject(
            session=envelope.session,
            client=envelope.client,
            helo=envelope.helo,
            sender=envelope.sender,
            recipients=envelope.recipients,
        )
        return await self._scanner.scan(subject, data)


async def run_apart(
    lookups: Lookups, check: Check[R], *, threads: Executor, left: Callable[[], float]
) -> R:
    """Run a check whose steps take long in a thread; its questions are asked from here.

    left: seconds until further questions fail.
    """
    run = asyncio.get_running_loop().run_in_executor
    question, result = await run(threads, _go_on, check, None)
    while question is not None:
        answer = await lookups.run(_ask(question), within_s=left())
        question, result = await run(threads, _go_on, check, answer)
    return result[0]


def _verify_arc(data: bytes, now_s: int) -> Check[ArcResult]:
    # The message is read with the first step, which may be in a thread.
    return (yield from verify_arc(data, now_s=now_s))


def _ask(question: Question) -> Check[Answer]:
    return (yield question)


def _go_on(check: Check[R], answer: Answer | None) -> tuple[Question | None, tuple[R, ...]]:
    """Return the next question, or None and the result: a future cannot hold StopIteration."""
    try:
        question = next(check) if answer is None else check.send(answer)
    except StopIteration as end:
        return None, (end.value,)
    return question, ()
