"""What an SMTP listener tells about itself: values for one log line and a few counters.

Owns no log and no metric; `observe` gets these and does with them what the operator chose.
Text from the client is as it came, bounded by the limits of a command line: whoever prints it
escapes it. Message text and secrets are never in here.
"""

from collections.abc import Callable

from msgspec import Struct

from penfold.domain.incoming.suspicion import Reason


class TransactionFacts(Struct, frozen=True, gc=False):
    """One message the client finished, or a question of its that failed unexpectedly.

    stage: "data", or the command ("MAIL", "RCPT", "AUTH") that failed. code is what the client
    was told, 0 when it was told nothing. error: expected ones (base.errors) and others alike.
    """

    listener: str
    session: str
    client: str
    account: str
    stage: str
    sender: str
    recipients: tuple[str, ...]
    size: int
    code: int
    ids: tuple[str, ...]
    duration_s: float
    error: BaseException | None


class SessionFacts(Struct, frozen=True, gc=False):
    """One connection from its first to its last octet.

    tls: the protocol version or "". refusal: the last reply above 399 without its line end.
    messages counts the stored ones.
    """

    listener: str
    session: str
    client: str
    helo: str
    tls: str
    account: str
    messages: int
    errors: int
    login_failures: int
    bytes_in: int
    refusal: str
    duration_s: float


class ArrivalFacts(Struct, frozen=True, gc=False):
    """What was found of one arriving message, and what becomes of it.

    outcome: accepted, spam, deferred or refused. author: the domain in From. spf to iprev: the
    results; scan: how asking the scanner went, "" when there is none.
    """

    session: str
    client: str
    sender: str
    author: str
    outcome: str
    score: int
    reasons: tuple[Reason, ...]
    spf: str
    dkim: tuple[str, ...]
    arc: str
    dmarc: str
    iprev: str
    scan: str
    scan_problem: str
    duration_s: float


class GreylistFacts(Struct, frozen=True, gc=False):
    """One recipient the greylist was asked about. outcome: a word of spec.metrics.GREYLIST."""

    session: str
    client: str
    sender: str
    recipient: str
    outcome: str


Facts = TransactionFacts | SessionFacts | ArrivalFacts | GreylistFacts
Observe = Callable[[Facts], None]
