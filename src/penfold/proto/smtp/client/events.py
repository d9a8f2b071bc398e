"""What the client's state machine tells the one who drives it."""

from msgspec import Struct

from penfold.proto.smtp.client.outcome import Failure, Result


class StartTls(Struct, frozen=True, gc=False):
    """The server is ready for TLS: start it, then call `tls_started` or `fail`."""


class Ready(Struct, frozen=True, gc=False):
    """The session is open, a message may be sent."""


class Sent(Struct, frozen=True, gc=False):
    """A transaction is over, well or not. dsn: wishes for notifications were passed on."""

    results: tuple[Result, ...]
    dsn: bool


class Closed(Struct, frozen=True, gc=False):
    """The session is over. failure: None after a QUIT."""

    failure: Failure | None


Event = StartTls | Ready | Sent | Closed
