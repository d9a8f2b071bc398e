"""What delivery needs from the world: the DNS, the policies of domains, a way to a server, and the
logins of relays.
"""

from typing import Protocol

from msgspec import Struct

from penfold.base.errors import PenfoldError
from penfold.proto.authorized_user import AuthorizedUser, Token
from penfold.proto.dns import Check, T
from penfold.proto.mta_sts import Policy
from penfold.proto.smtp.client.outcome import Outcome
from penfold.proto.smtp.client.sasl import Credentials
from penfold.proto.smtp.client.transaction import Envelope
from penfold.proto.tls_ladder import Decision


class Hop(Struct, frozen=True):
    """A server to hand a message to.

    host: the name it is known by, "" for an address literal. decision: what must hold of TLS.
    names: for whom its certificate may be under a trust anchor of DANE (RFC 7672 §3.2.2). relay:
    which relay of the settings it is, "" for a domain's own server. implicit: TLS from the first
    octet. clear: TLS is broken there or not wanted, and the decision leaves us the choice.
    """

    host: str
    address: str
    port: int
    decision: Decision
    names: tuple[str, ...] = ()
    relay: str = ""
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


class NoLoginError(PenfoldError):
    """There is nothing to log in with now. The words are for the operator: why, and what to do."""

    retry = True


class Login(Protocol):
    """How we log in to one relay."""

    async def find(self, refused: str = "") -> Credentials:
        """Return what to log in with now; NoLoginError when there is nothing.

        refused: a token the relay did not take; another one is fetched if it is still that one.
        """
        ...

    def is_mended(self) -> bool:
        """Return whether the file with the secret is another than when it was used last."""
        ...


class SecretFile(Protocol):
    """A file with a password or a token, which the operator may change at any time."""

    def find_state(self) -> object:
        """Return what differs when the file was changed; None when there is none."""
        ...

    def load(self) -> bytes:
        """Return its octets. OSError: it cannot be read; ParseError: it is too long."""
        ...

    def is_open_to_others(self) -> bool:
        """Return whether others than its owner may read it."""
        ...


class TokenSource(Protocol):
    async def fetch_token(self, user: AuthorizedUser) -> Token:
        """Return a new access token; NoLoginError when there is none to be had now."""
        ...
