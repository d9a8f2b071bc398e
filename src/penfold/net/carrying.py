"""The way to other mail servers: what the TLS ladder decided, as connections of a pool.

A Carrier of ports.delivering. Clear text only where the ladder leaves it to us and TLS turned out
to be broken there (`Hop.clear`), DANE by comparing what the server shows with its TLSA records.
A relay of the settings may have authorities of its own, and a login; a token it refuses is fetched
anew once for a connection.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

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
from penfold.ports.delivering import Hop, Login, NoLoginError, Share
from penfold.proto.dane import verify_chain
from penfold.proto.dns import Association
from penfold.proto.smtp.client.outcome import Failure, Outcome, Reason
from penfold.proto.smtp.client.profile import ClientProfile
from penfold.proto.smtp.client.sasl import Credentials
from penfold.proto.smtp.client.transaction import Envelope
from penfold.proto.smtp.stage import Stage
from penfold.proto.tls_ladder import Rung

#: What a relay says about a token that is not good, or not any more: RFC 4954 §6; 334 when it
#: goes on asking.
_REFUSED: Final = frozenset({535, 334})


class Access(Struct, frozen=True):
    """How a relay is called. allowed: which addresses. authorities: as SmtpCarrier's."""

    allowed: Allowed
    authorities: str = ""
    login: Login | None = None


class _DaneCheck(Struct, frozen=True):
    """A ChainCheck that is equal to another of the same records, so that connections are shared."""

    records: tuple[Association, ...]
    names: tuple[str, ...]
    clock: Clock

    def __call__(self, chain: Chain) -> str:
        verdict = verify_chain(chain, self.records, self.names, now_ms=self.clock.now_ms())
        return "" if verdict.is_good else f"the certificate is not that of its TLSA: {verdict}"


class SmtpCarrier:
    """allowed: which addresses may be called. authorities: PEM, "" for the system's. relays: by
    the name in Hop.relay.
    """

    def __init__(
        self,
        *,
        hostname: str,
        clock: Clock,
        elapsed: Callable[[], float],
        allowed: Allowed,
        authorities: str = "",
        local_address: str = "",
        relays: Mapping[str, Access] = MappingProxyType({}),
    ) -> None:
        self._profile = ClientProfile(hostname=hostname)
        self._clock = clock
        self._elapsed = elapsed
        self._access = Access(allowed, authorities)
        self._local_address = local_address
        self._relays = relays
        self._pool = SmtpPool(self._open, clock=elapsed)

    async def send(self, hop: Hop, envelope: Envelope, raw: bytes, share: Share) -> Outcome:
        destination = Destination(hop.host, hop.address, hop.port, self._mode(hop), hop.relay)
        return await self._pool.send(destination, envelope, raw, share)

    async def close(self) -> None:
        await self._pool.close()

    def _mode(self, hop: Hop) -> TlsMode:
        match hop.decision.rung:
            case Rung.DANE:
                return Dane(_DaneCheck(hop.decision.records, hop.names, self._clock))
            case Rung.VERIFIED:
                authorities = self._find_access(hop.relay).authorities
                return Verify((hop.host,), authorities, implicit=hop.implicit)
            case Rung.ENCRYPTED:
                return Encrypted(implicit=hop.implicit)
            case Rung.OPPORTUNISTIC:
                return NoTls() if hop.clear else Opportunistic(implicit=hop.implicit)
            case _:
                raise ValueError(f"no connection on the rung {hop.decision.rung}")

    def _find_access(self, relay: str) -> Access:
        return self._relays[relay] if relay else self._access

    async def _open(self, destination: Destination) -> SmtpConnection:
        login = self._find_access(destination.relay).login
        if login is None:
            return await self._connect(destination, None)
        try:
            credentials = await login.find()
        except NoLoginError as error:
            return self._give_up(destination, str(error))
        connection = await self._connect(destination, credentials)
        if not (credentials.is_token and _is_refused(connection.failure)):
            return connection
        try:
            credentials = await login.find(credentials.secret)
        except NoLoginError:
            return connection
        await connection.close()
        return await self._connect(destination, credentials)

    async def _connect(
        self, destination: Destination, credentials: Credentials | None
    ) -> SmtpConnection:
        return await SmtpConnection.open(
            destination.host,
            destination.address,
            destination.port,
            destination.tls,
            profile=replace(self._profile, credentials=credentials),
            clock=self._elapsed,
            allowed=self._find_access(destination.relay).allowed,
            local_address=self._local_address,
        )

    def _give_up(self, destination: Destination, words: str) -> SmtpConnection:
        failure = Failure(Stage.AUTH, Reason.NO_LOGIN, None, words)
        place = (destination.host, destination.address, destination.port)
        return SmtpConnection.unopened(*place, failure, profile=self._profile)


def _is_refused(failure: Failure | None) -> bool:
    if failure is None or failure.stage is not Stage.AUTH or failure.reply is None:
        return False
    return failure.reply.code in _REFUSED
