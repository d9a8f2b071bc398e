"""A mail transaction as the product sees it: who says they send, for whom, and what came of it.

The SMTP sessions make these values and the product judges them; neither side adds its own words.
"""

from collections.abc import Callable
from enum import Enum

from msgspec import Struct


class Envelope(Struct, frozen=True, gc=False):
    """One mail transaction as the client announced it.

    sender is "" for the null reverse-path. helo as the client said it; client its address;
    protocol the RFC 3848 name for Received (SMTP, ESMTPS, ESMTPSA, UTF8SMTP, …).
    """

    session: str
    client: str
    helo: str
    protocol: str
    sender: str
    recipients: tuple[str, ...]


class Recipient(Enum):
    LOCAL = "local"
    REMOTE = "remote"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"


#: Called once, from any thread: the ids of what was stored, or the error.
Done = Callable[[tuple[str, ...] | None, BaseException | None], None]
