"""What the product needs to send a request to an address that somebody else named."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from penfold.base.errors import PenfoldError


class NoAnswerError(PenfoldError):
    """There was no answer: forbidden address, nobody there, too slow, not HTTP."""

    retry = True
    public = "The address does not answer"


class UntrustedError(NoAnswerError):
    """Somebody answered whose certificate is not good for that name."""

    public = "The certificate is not good for that name"


class Answered(Struct, frozen=True, gc=False):
    """The status of an answer, and its Retry-After (RFC 9110 §10.2.3), "" without one."""

    status: int
    retry_after: str = ""


class Poster(Protocol):
    def send_post(self, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> int:
        """Return the status of the answer, whatever it is; redirects are not followed."""
        ...


class Asker(Protocol):
    def send(self, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answered:
        """As Poster.send_post, for whoever is interested in more than the status."""
        ...
