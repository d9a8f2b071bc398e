"""What delivery needs from the world: the DNS, the policies of domains, and a way to a server."""

from typing import Protocol

from msgspec import Struct

from penfold.proto.dns import Check, T
from penfold.proto.mta_sts import Policy
from penfold.proto.smtp.client.outcome import Outcome
from penfold.proto.smtp.client.transaction import Envelope
from penfold.proto.tls_ladder import Decision


class Hop(Struct, frozen=True):
    """A server to hand a message to.

    host: the name it is known by, "" for an address literal. decision: what must hold of TLS.
    names: for whom its certificate may be under a trust anchor of DANE (RFC 7672 §3.2.2). login:
    which relay's name and password it wants, "" for none. implicit: TLS from the first octet.
    clear: TLS is broken there, and the decision leaves us the choice.
    """

    host: str
    address: str
    port: int
    decision: Decision
    names: tuple[str, ...] = ()
    login: str = ""
    implicit: bool = False
    clear: bool = False


class Share(Struct, frozen=True, gc=False):
    """How much of a server we use: connections at a time, messages over one of them."""

    connections: int
    messages: int


class Dns(Protocol):
    async def run(self, check: Check[T], *, within_s: float | None = None) -> T:
        """Return what the check finds; a question nobody answers is answered with FAILED."""
        ...


class Policies(Protocol):
    async def find(self, domain: str) -> Policy | None:
        """Return the policy of MTA-STS the domain has now (RFC 8461), None if it has none."""
        ...


class Carrier(Protocol):
    async def send(self, hop: Hop, envelope: Envelope, raw: bytes, share: Share) -> Outcome:
        """Hand a message over, and return what came of it; never raises for the other side."""
        ...
