"""Put delivery together, for the mail process in production mode."""

import asyncio
from functools import partial
from pathlib import Path
from random import SystemRandom

from penfold.app.exits import StartError
from penfold.app.logs import trace_of
from penfold.app.process import Core, end_process
from penfold.app.wiring import Product
from penfold.base.errors import OutcomeUnknownError
from penfold.domain.delivery import Conclusion
from penfold.domain.shaping import Sites
from penfold.front.worker.attempting import Attempting
from penfold.front.worker.delivering import Delivering
from penfold.net.carrying import SmtpCarrier
from penfold.net.dns import Resolver
from penfold.ports.queue import QueueRow
from penfold.proto.exchangers import Families, Policy, is_allowed
from penfold.proto.mta_sts import Policy as StsPolicy
from penfold.spec.events import DELIVERY_TRIED, DELIVERY_TROUBLE
from penfold.spec.metrics import DELIVERY_SECONDS, DELIVERY_TRIES
from penfold.spec.settings import LOOPBACK, PRIVATE, Settings


class Delivery:
    """Delivery as it runs in a process. `start` on its event loop, `stop` once."""

    def __init__(self, core: Core, product: Product, resolver: Resolver) -> None:
        settings = core.launch.settings
        reach = find_reach(settings)
        elapsed = asyncio.get_running_loop().time
        self._core = core
        self._carrier = SmtpCarrier(
            hostname=settings.hostname,
            clock=core.clock,
            elapsed=elapsed,
            allowed=partial(is_allowed, policy=reach),
            authorities=_load_authorities(settings.delivery_authorities),
        )
        attempting = Attempting(
            resolver,
            _NoPolicies(),
            self._carrier,
            reach=reach,
            clock=core.clock,
            chance=SystemRandom(),
            elapsed=elapsed,
            port=settings.delivery_port,
        )
        self._delivering = Delivering(
            product.stores.queue,
            attempting,
            Sites(core.clock),
            prepare=_prepare,
            ended=self._note,
            failed=self._fail,
            clock=core.clock,
            chance=SystemRandom(),
        )

    async def start(self) -> None:
        await self._delivering.start()

    async def stop(self, *, grace_s: float) -> None:
        await self._delivering.stop(grace_s=grace_s)
        await self._carrier.close()

    def _note(self, conclusion: Conclusion, ms: int) -> None:
        settlement = conclusion.settlement
        attempt, row = settlement.attempt, settlement.lease.row
        last = attempt.facts.tried[-1] if attempt.facts.tried else None
        self._core.counters.add(DELIVERY_TRIES, 1, attempt.kind)
        self._core.counters.observe(DELIVERY_SECONDS, ms / 1000)
        self._core.log.emit(
            DELIVERY_TRIED,
            queue=row.id,
            recipient=row.recipient,
            state=settlement.state.value,
            kind=attempt.kind,
            host=last.host if last else None,
            address=last.address if last else None,
            code=(last.code or None) if last else None,
            enhanced=(last.enhanced or None) if last else None,
            tls=(last.tls.partition(" ")[0] or None) if last else None,
            servers=len(attempt.facts.tried),
            ms=ms,
        )

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, OutcomeUnknownError):
            end_process(self._core.log, error)
        self._core.log.emit(
            DELIVERY_TROUBLE,
            error=type(error).__name__,
            detail=str(error),
            trace=trace_of(error),
        )


def find_reach(settings: Settings) -> Policy:
    """Return where mail may go by the settings. Mail to our own name would come back."""
    return Policy(
        families=Families(settings.delivery_families),
        own_names=frozenset({settings.hostname}),
        private=settings.delivery_reach in (PRIVATE, LOOPBACK),
        loopback=settings.delivery_reach == LOOPBACK,
    )


def _load_authorities(path: str) -> str:
    try:
        return Path(path).read_text("ascii") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"delivery_authorities: {path} cannot be read: {error}") from error


def _prepare(_: QueueRow, raw: bytes) -> bytes:
    return raw


class _NoPolicies:
    async def find(self, domain: str) -> StsPolicy | None:
        del domain
        return None
