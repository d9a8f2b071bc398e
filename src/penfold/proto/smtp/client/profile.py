"""How we speak SMTP as a client: data for the state machine."""

from enum import Enum

from msgspec import Struct

from penfold.base import limits
from penfold.proto.smtp.client.sasl import Credentials
from penfold.proto.smtp.stage import Stage


class TlsNeed(Enum):
    """if_offered: TLS when the server takes STARTTLS, else in clear (RFC 7435)."""

    NONE = "none"
    IF_OFFERED = "if-offered"
    REQUIRED = "required"


class Timeouts(Struct, frozen=True, gc=False):
    """Seconds; base.limits says where each comes from. block: for a block of the message to
    leave. session: all of the opening, and all of each message.
    """

    connect_s: float = limits.SMTP_OUT_CONNECT_S
    banner_s: float = limits.SMTP_OUT_REPLY_S
    ehlo_s: float = limits.SMTP_OUT_REPLY_S
    starttls_s: float = limits.SMTP_OUT_TLS_S
    auth_s: float = limits.SMTP_OUT_REPLY_S
    mail_s: float = limits.SMTP_OUT_REPLY_S
    rcpt_s: float = limits.SMTP_OUT_REPLY_S
    data_s: float = limits.SMTP_OUT_DATA_S
    block_s: float = limits.SMTP_OUT_BLOCK_S
    dot_s: float = limits.SMTP_OUT_DOT_S
    quit_s: float = limits.SMTP_OUT_QUIT_S
    session_s: float = limits.SMTP_OUT_SESSION_S

    def of(self, stage: Stage) -> float:
        """Return the seconds a reply at this stage may take."""
        seconds: float = getattr(self, f"{stage.value}_s")
        return seconds


class ClientProfile(Struct, frozen=True, gc=False, kw_only=True):
    """hostname: what EHLO says; the name this machine's address has in the DNS.

    pipelining, chunking: whether to use them where they are offered. auth_unverified:
    credentials may go to who has not proved to be the server that is meant.
    """

    hostname: str
    credentials: Credentials | None = None
    auth_unverified: bool = False
    pipelining: bool = True
    chunking: bool = True
    bdat_min_bytes: int = limits.SMTP_OUT_BDAT_MIN_BYTES
    timeouts: Timeouts = Timeouts()
