"""What signing in at somebody else's OpenID Connect provider needs, and how it can fail."""

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from penfold.base.errors import PenfoldError


class Reason(StrEnum):
    """Why nobody was signed in, by what the person, or the operator, does next."""

    DENIED = "denied"  # the person, or the provider for them, said no
    SILENT = "silent"  # no answer, or no room to wait for one
    FAILED = "failed"  # the provider refuses us: operator's business
    UNTRUSTED = "untrusted"  # what it answered is not proved, or not for this sign-in
    NO_ADDRESS = "no_address"  # it does not say who this is
    UNVERIFIED = "unverified"  # it does not vouch for the address
    UNKNOWN = "unknown"  # no account here has the address
    SUSPENDED = "suspended"  # the account may not sign in
    TAKEN = "taken"  # the account belongs to somebody else at the provider
    ELSEWHERE = "elsewhere"  # this somebody belongs to another account here


class ProviderError(PenfoldError):
    """Nobody was signed in. address: as the provider said it, "" when it did not come so far."""

    def __init__(self, reason: Reason, detail: str = "", *, address: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.address = address


class Person(Struct, frozen=True, gc=False):
    """Whom a provider signed in: `subject` never changes there and is given to nobody else.

    address: "" when it told none. authenticated_ms: when the person last showed the provider who
    they are (auth_time, OpenID Connect Core §2); 0: it does not say.
    """

    issuer: str
    subject: str
    address: str
    verified: bool
    authenticated_ms: int = 0


class Sending(Struct, frozen=True, gc=False):
    """One sign-in at the provider: where it answers, and what binds the answer to it.

    hint: an address the person has named already.
    """

    redirect_uri: str
    state: str
    nonce: str
    verifier: str
    hint: str = ""


class Coming(Struct, frozen=True, gc=False):
    """What the browser brings back; each "" when it is not there. issuer: RFC 9207."""

    code: str = ""
    error: str = ""
    description: str = ""
    issuer: str = ""


class Provider(Protocol):
    """name: what people call it. Both calls raise ProviderError."""

    name: str
    issuer: str

    async def make_url(self, sending: Sending) -> str:
        """Return where to send the browser."""
        ...

    async def find_person(self, sending: Sending, coming: Coming) -> Person:
        """Return whom the provider signed in, after every check of its answer."""
        ...
