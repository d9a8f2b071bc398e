"""What the product needs of a program that reads messages for signs of spam."""

from typing import Literal, Protocol

from msgspec import Struct


class Subject(Struct, frozen=True, gc=False, kw_only=True):
    """Who brings the message; as in the envelope."""

    session: str
    client: str
    helo: str
    sender: str
    recipients: tuple[str, ...]


class Symbol(Struct, frozen=True, gc=False):
    """One thing the scanner noticed, by its own name, and what it adds to the score."""

    name: str
    score: float = 0.0
    description: str = ""


class Opinion(Struct, frozen=True):
    """action: what should become of the message. said: the scanner's own word for it.

    symbols: why, those that weigh most first.
    """

    action: Literal["accept", "spam", "defer", "reject"]
    said: str
    score: float = 0.0
    symbols: tuple[Symbol, ...] = ()


class Scanned(Struct, frozen=True, gc=False):
    """opinion: None when there is none, for the reason problem gives."""

    opinion: Opinion | None
    outcome: Literal["answered", "failed", "too_large"]
    problem: str = ""


class Scanner(Protocol):
    async def scan(self, subject: Subject, raw: bytes) -> Scanned:
        """Return what the scanner thinks; never raises for what it says or fails to say."""
        ...
