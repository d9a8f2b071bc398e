"""The way to other mail servers: what the TLS ladder decided, as connections of a pool.

A Carrier of ports.delivering. Clear text only where the ladder leaves it to us and TLS turned out
to be broken there (`Hop.clear`), DANE by comparing what the server shows with its TLSA records.
"""

from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.clock import Clock
from penfold.net.smtp_out import Allowed, SmtpConnection
from penfold.net.smtp_pool import Destination, SmtpPool
from penfold.net.tls_out import (
    Chain,
    Dane,
    Encrypted,
    NoTls,
    Opportunistic,
    TlsMode,
    Verify,
)
from penfold.ports.delivering import Hop, Share
from penfold.proto.dane import verify_chain
from penfold.proto.dns import Association
from penfold.proto.smtp.client.outcome import Outcome
from penfold.proto.smtp.client.profile import ClientProfile
from penfold.proto.smtp.client.sasl import Credentials
from penfold.proto.smtp.client.transaction import Envelope
from penfold.proto.tls_ladder import Rung

#: Returns the credentials of a relay by its name, None when there are none now.
FindLogin = Callable[[str], Awaitable[Credentials | None]]


class _DaneCheck(Struct, frozen=True):
    """A ChainCheck that is equal to another of the same records, so that connections are shared."""

    records: tuple[Association, ...]
    names: tuple[str, ...]
    clock: Clock

    def __call__(self, chain: Chain) -> str:
        verdict = verify_chain(chain, self.records, self.names, now_ms=self.clock.now_ms())
        return "" if verdict.is_good else f"the certificate is not that of its TLSA: {verdict}"


class SmtpCarrier:
    """allowed: which addresses may be called. authorities: PEM, "" for the system's."""

    def __init__(
        self,
        *,
        hostname: str,
        clock: Clock,
        elapsed: Callable[[], float],
        allowed: Allowed,
        authorities: str = "",
        local_address: str = "",
        find_login: FindLogin | None = None,
    ) -> None:
        self._profile = ClientProfile(hostname=hostname)
        self._clock = clock
        self._elapsed = elapsed
        self._allowed = allowed
        self._authorities = authorities
        self._local_address = local_address
        self._find_login = find_login
        self._pool = SmtpPool(self._open, clock=elapsed)

    async def send(self, hop: Hop, envelope: Envelope, raw: bytes, share: Share) -> Outcome:
        destination = Destination(hop.host, hop.address, hop.port, self._mode(hop), hop.login)
        return await self._pool.send(destination, envelope, raw, share)

    async def close(self) -> None:
        await self._pool.close()

    def _mode(self, hop: Hop) -> TlsMode:
        match hop.decision.rung:
            case Rung.DANE:
                return Dane(_DaneCheck(hop.decision.records, hop.names, self._clock))
            case Rung.VERIFIED:
                return Verify((hop.host,), self._authorities, implicit=hop.implicit)
            case Rung.ENCRYPTED:
                return Encrypted(implicit=hop.implicit)
            case Rung.OPPORTUNISTIC:
                return NoTls() if hop.clear else Opportunistic(implicit=hop.implicit)
            case _:
                raise ValueError(f"no connection on the rung {hop.decision.rung}")

    async def _open(self, destination: Destination) -> SmtpConnection:
        profile = self._profile
        if destination.login and self._find_login is not None:
            credentials = await self._find_login(destination.login)
            profile = replace(profile, credentials=credentials)
        return await SmtpConnection.open(
            destination.host,
            destination.address,
            destination.port,
            destination.tls,
            profile=profile,
            clock=self._elapsed,
            allowed=self._allowed,
            local_address=self._local_address,
        )
