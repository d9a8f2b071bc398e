"""Put delivery together, for the mail process in production mode."""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from random import SystemRandom
from typing import Final, NamedTuple

from penfold.app.mail.relays import list_logins, load_authorities, open_relays, tell_refused
from penfold.app.monitor.logs import trace_of
from penfold.app.monitor.trace_mail import DeliveryTraces
from penfold.app.process.process import Core, end_process
from penfold.app.wiring import Product
from penfold.base.clock import Clock
from penfold.base.errors import OutcomeUnknownError
from penfold.base.limits import DELIVERY_READ_AHEAD_BYTES
from penfold.domain.outgoing.delivery import Conclusion
from penfold.domain.outgoing.relaying import Relays
from penfold.domain.outgoing.shaping import Sites
from penfold.domain.outgoing.signing_keys import SigningKey, SigningKeys
from penfold.domain.sending.domains import find_signing
from penfold.front.worker.attempting import Attempting
from penfold.front.worker.delivering import Delivering, Prepared
from penfold.front.worker.policies import KeptPolicies
from penfold.front.worker.sending import NewsRounds
from penfold.front.worker.tls_tally import TlsTally
from penfold.net.carrying import SmtpCarrier
from penfold.net.dns import Resolver
from penfold.net.mta_sts import PolicyFetcher
from penfold.ports.mta_sts import PolicyError
from penfold.ports.queue import SENDING, QueueRow, Settlement
from penfold.proto.address import domain_of
from penfold.proto.exchangers import Families, Policy, is_allowed
from penfold.proto.mailauth.author import find_author
from penfold.spec.events import DELIVERY_TRIED, DELIVERY_TROUBLE, POLICY_UNFETCHED
from penfold.spec.metrics import DELIVERY_SECONDS, DELIVERY_TRIES
from penfold.spec.quotas import OFF
from penfold.spec.relays import Relay
from penfold.spec.settings import LOOPBACK, PRIVATE, Settings
from penfold.spec.shapes import merge_shapes


class Delivery:
    """Delivery as it runs in a process. `start` on its event loop, `stop` once."""

    def __init__(
        self, core: Core, product: Product, resolver: Resolver, tls: TlsTally, news: NewsRounds
    ) -> None:
        settings = core.launch.settings
        reach = find_reach(settings)
        elapsed = asyncio.get_running_loop().time
        self._core = core
        self._product = product
        self._tls = tls
        self._news = news
        self._traces = DeliveryTraces(core.tracer) if core.tracer else None
        authorities = load_authorities(settings.delivery_authorities, "delivery_authorities")
        relays = open_relays(core, resolver, reach)
        self._carrier = SmtpCarrier(
            hostname=settings.hostname,
            clock=core.clock,
            elapsed=elapsed,
            allowed=partial(is_allowed, policy=reach),
            authorities=authorities,
            relays=relays,
        )
        source = PolicyFetcher(
            resolver,
            context=ssl.create_default_context(cadata=authorities or None),
            loopback=settings.delivery_reach == LOOPBACK,
        )
        keys = SigningKeys(
            product.stores.directory,
            product.stores.sealer,
            core.clock,
            find_more=lambda name: find_signing(product.stores.sending, name),
        )
        attempting = Attempting(
            resolver,
            KeptPolicies(resolver, source, core.clock, failed=self._tell_unfetched),
            self._carrier,
            reach=reach,
            clock=core.clock,
            chance=SystemRandom(),
            elapsed=elapsed,
            port=settings.delivery_port,
        )
        make_return = partial(product.returns.make, local=settings.verp != OFF)
        self._preparing = Preparing(keys, core.clock, make_return)
        self._delivering = Delivering(
            product.stores.queue,
            attempting,
            Sites(
                core.clock,
                merge_shapes(settings.shapes),
                Relays(settings.relay, list_logins(relays)),
            ),
            self,
            clock=core.clock,
            chance=SystemRandom(),
        )

    def prepare(self, row: QueueRow, raw: bytes, relay: Relay | None) -> Prepared:
        return self._preparing.prepare(row, raw, relay)

    async def start(self) -> None:
        await self._delivering.start()

    async def stop(self, *, grace_s: float) -> None:
        await self._delivering.stop(grace_s=grace_s)
        await self._carrier.close()

    def note(self, conclusion: Conclusion, ms: int) -> None:
        settlement = conclusion.settlement
        attempt, row = settlement.attempt, settlement.lease.row
        self._tls.note(domain_of(row.recipient), attempt)
        if self._traces:
            self._traces.tried(row, attempt, settlement.state, ms)
        last = attempt.facts.tried[-1] if attempt.facts.tried else None
        if conclusion.about_login:
            detail = last.text if last and last.text else attempt.outcome
            tell_refused(self._core, conclusion.relay, detail)
        self._core.counters.add(DELIVERY_TRIES, 1, attempt.kind)
        self._core.counters.observe(DELIVERY_SECONDS, ms / 1000)
        self._core.log.emit_soon(
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

    def tell(self, settlement: Settlement) -> None:
        if settlement.lease.row.origin == SENDING:
            self._news.add(settlement)
        else:
            self._product.outbound.notices.tell_settled(settlement)

    def _tell_unfetched(self, domain: str, error: PolicyError) -> None:
        self._tls.note_policy(domain, error.failure.value)
        self._core.log.emit(POLICY_UNFETCHED, domain=domain, detail=str(error))

    def fail(self, error: BaseException) -> None:
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


class Preparing:
    """Makes of a row what leaves: its reverse-path, and the message with DKIM signatures in front.

    Those of the last short message are remembered: rows that come together are often one letter to
    several recipients, and a long one would be kept twice for as long as nothing else is sent. They
    serve until the keys are looked up again (DKIM_KEYS_KEPT_MS).
    make_return: returns the reverse-path of a row.
    """

    def __init__(
        self, keys: SigningKeys, clock: Clock, make_return: Callable[[QueueRow], str]
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._make_return = make_return
        self._last = _NOTHING

    def prepare(self, row: QueueRow, raw: bytes, relay: Relay | None) -> Prepared:
        """Return the reverse-path and the octets to send. Called on one thread.

        A relay gets the sender's own address: many take those a login owns and refuse, or rewrite,
        all others (RFC 6409 §6.1).
        """
        return Prepared(row.sender if relay else self._make_return(row), self._sign(raw))

    def _sign(self, raw: bytes) -> bytes:
        last = self._last
        if raw == last.raw and self._keys.find(last.domain) is last.keys:
            return last.signed
        domain = find_author(raw).domain
        keys = self._keys.find(domain)
        signed = self._keys.sign(raw, domain, self._clock.now_ms() // 1000)
        if len(raw) <= DELIVERY_READ_AHEAD_BYTES:
            self._last = _Signed(raw, signed, domain, keys)
        return signed


class _Signed(NamedTuple):
    """A message with and without its signatures, and the keys that were its author's domain's."""

    raw: bytes
    signed: bytes
    domain: str
    keys: tuple[SigningKey, ...]


_NOTHING: Final = _Signed(b"", b"", "", ())
