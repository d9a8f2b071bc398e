"""What the SMTP state machine tells the one who drives it.

Every event is a question: the machine reads no further until `answer` (or, for StartTls,
`tls_started`) is called. Login and Bearer come from `penfold.proto.smtp.sasl`.
"""

from msgspec import Struct

from penfold.proto.smtp.sasl import Bearer, Login

__all__ = ["Bearer", "Event", "Login", "Mail", "Message", "Rcpt", "StartTls"]


class Mail(Struct, frozen=True, gc=False):
    """May this sender begin? "" is the null reverse-path; size 0 when it was not announced."""

    sender: str
    size: int


class Rcpt(Struct, frozen=True, gc=False):
    """May the message go to this address?"""

    address: str


class Message(Struct, frozen=True, gc=False):
    """A whole message, dots removed. A positive answer means that it is stored for good."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes


class StartTls(Struct, frozen=True, gc=False):
    """The 220 is in the output: write it, start TLS, then call `tls_started`."""


Event = Mail | Rcpt | Message | Login | Bearer | StartTls
