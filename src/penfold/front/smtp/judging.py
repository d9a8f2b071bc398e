"""Mail from the internet is judged before it is stored: the decisions of the mail exchanger, with
a judgement in front of them.

The answer to the final dot waits for it. What comes of it is one of four things: stored in INBOX,
stored in SPAM, refused for good or for now; a message is never dropped. Mail from this machine is
let through as it is: it comes from programs here, and what an account here sends comes by
submission, which is not judged.

Bounded: ARRIVALS_MAX messages at a time, each for as long as its checks may take.
"""

import asyncio
from typing import Final

from penfold.base.errors import UnavailableError
from penfold.base.limits import ARRIVALS_MAX
from penfold.base.networks import is_loopback
from penfold.domain.envelope import Done, Envelope, Recipient
from penfold.domain.incoming.findings import make_evidence, write_fields
from penfold.domain.incoming.inbound import Inbound
from penfold.domain.incoming.judging import ArrivalRefusedError, Judged, Judgement, judge
from penfold.domain.incoming.verdict import Policy, Reject, Spam
from penfold.front.smtp.checking import Checked, Checker
from penfold.front.smtp.facts import ArrivalFacts, Observe
from penfold.proto.mailauth.forged import rename_forged

_NO_SEALERS: Final[frozenset[str]] = frozenset()


class Judging:
    """Decisions (front.smtp.decisions). Belongs to one event loop."""

    def __init__(
        self,
        inbound: Inbound,
        checker: Checker,
        *,
        policy: Policy,
        hostname: str,
        observe: Observe,
        sealers: frozenset[str] = _NO_SEALERS,
        exempts_loopback: bool = True,
        most: int = ARRIVALS_MAX,
    ) -> None:
        """hostname: the authserv-id of our fields. sealers: whose ARC seals are trusted.

        most: messages being checked at a time.
        """
        self._inbound = inbound
        self._checker = checker
        self._policy = policy
        self._hostname = hostname
        self._observe = observe
        self._sealers = sealers
        self._exempts_loopback = exempts_loopback
        self._most = most
        self._under_way: set[asyncio.Task[None]] = set()

    def check_recipient(self, address: str) -> Recipient:
        return self._inbound.check_recipient(address)

    def accept(self, envelope: Envelope, data: bytes, done: Done) -> None:
        """Judge and deliver; `done` is called when every mailbox has its copy on disk."""
        if self._exempts_loopback and is_loopback(envelope.client):
            self._inbound.accept(envelope, data, done)
            return
        if len(self._under_way) >= self._most:
            done(None, UnavailableError("too many messages are being checked"))
            return
        task = asyncio.get_running_loop().create_task(self._take(envelope, data, done))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Give up what is under way: its clients were not answered, so they come again."""
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, envelope: Envelope, data: bytes, done: Done) -> None:
        try:
            judged = await self._judge(envelope, data)
            self._inbound.accept(envelope, data, done, judged)
        except asyncio.CancelledError:
            done(None, UnavailableError("the server stops"))
            raise
        except Exception as error:  # noqa: BLE001 - the session answers 4xx and reports it
            done(None, error)

    async def _judge(self, envelope: Envelope, data: bytes) -> Judged:
        """Return how the message is stored; ArrivalRefusedError when it is not."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        checked = await self._checker.check(envelope, data)
        opinion = checked.scanned.opinion if checked.scanned else None
        evidence = make_evidence(checked.findings, envelope, sealers=self._sealers)
        judgement = judge(evidence, self._policy, opinion)
        self._observe(_facts(envelope, checked, judgement, loop.time() - began))
        if isinstance(judgement.verdict, Reject):
            raise ArrivalRefusedError(judgement.verdict)
        return Judged(
            data=rename_forged(data, self._hostname),
            fields=write_fields(checked.findings, envelope, authserv_id=self._hostname),
            spam=isinstance(judgement.verdict, Spam),
            spares_known=judgement.spares_known,
            spares_reports=judgement.spares_reports,
            vouched=evidence.spf == "pass",
        )


def _facts(
    envelope: Envelope, checked: Checked, judgement: Judgement, seconds: float
) -> ArrivalFacts:
    verdict, found = judgement.verdict, checked.findings
    if isinstance(verdict, Reject):
        outcome = "refused" if verdict.code >= 500 else "deferred"
    else:
        outcome = "spam" if isinstance(verdict, Spam) else "accepted"
    scanned = checked.scanned
    return ArrivalFacts(
        session=envelope.session,
        client=envelope.client,
        sender=envelope.sender,
        author=found.author.domain,
        outcome=outcome,
        score=verdict.score,
        reasons=verdict.reasons,
        spf=found.spf.result,
        dkim=tuple(each.result for each in found.dkim),
        arc=found.arc.status,
        dmarc=found.dmarc.result,
        iprev=found.iprev.result,
        scan=scanned.outcome if scanned else "",
        scan_problem=scanned.problem if scanned else "",
        duration_s=seconds,
    )
