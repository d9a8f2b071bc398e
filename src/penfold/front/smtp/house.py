"""What the sessions of a listener share, as they see it; listener.Listener is one."""

import ssl
from typing import TYPE_CHECKING, Protocol

from penfold.base.clock import Clock
from penfold.front.smtp.answers import Answers
from penfold.front.smtp.bounds import Bounds
from penfold.front.smtp.doors import Door
from penfold.front.smtp.facts import Observe
from penfold.proto.smtp.profile import Profile
from penfold.proto.smtp.replies import Reply

if TYPE_CHECKING:
    from penfold.front.smtp.protocol import Session


class House(Protocol):
    """What all sessions of a listener share. `now` is a clock of a second's grain, monotonic.

    left_bytes: octets of messages that are being stored though their clients have gone.
    """

    name: str
    profile: Profile
    door: Door
    clock: Clock
    observe: Observe
    answers: Answers
    bounds: Bounds
    tls: ssl.SSLContext | None
    now: float
    is_crowded: bool
    left_bytes: int

    def make_session_id(self) -> str: ...
    def admit(self, session: "Session", client: str) -> Reply | None:
        """Return why this connection is refused, or None after counting it in."""
        ...

    def greet_soon(self, session: "Session") -> None:
        """Call session.greet() when what the client sent already has been read."""
        ...

    def flush_soon(self, session: "Session") -> None: ...
    def leave(self, session: "Session") -> None: ...
