"""One mail transaction as a client sends it: the envelope, its commands, and what became of it.

Owns the spelling of MAIL and RCPT with their parameters (RFC 1870, 3461, 6152, 6531, 8689), and
the question whether a server can take a message at all. Nothing that could end a command line
gets into one (OpenSMTPD CVE-2020-7247 was such a hole on the other side).
"""

import re
from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import Struct

from penfold.base.limits import MIME_MAX_ALL_HEADER_BYTES
from penfold.proto.smtp.client.capabilities import Capabilities
from penfold.proto.smtp.client.outcome import Failure, Reason, Result, make_accepted, make_failed
from penfold.proto.smtp.client.reply_reader import ServerReply
from penfold.proto.smtp.framing import find_fault
from penfold.proto.smtp.parameters import Notify, Ret
from penfold.proto.smtp.stage import Stage
from penfold.proto.smtp.xtext import OriginalRecipient, format_envid, format_orcpt

T = TypeVar("T")

#: What may stand between "<" and ">": RFC 5321 §4.1.2, with a quoted local part, no controls.
_PATH: Final = re.compile(
    r'(?:[^\s"<>\x00-\x1f\x7f-\x9f]|"(?:[^"\\\x00-\x1f\x7f-\x9f]|\\[ -~])*")*'
)
_TYPE: Final = re.compile(r"[A-Za-z0-9-]+")


class Recipient(Struct, frozen=True, gc=False):
    """original: ORCPT without its encoding, as "rfc822;al@box.example" (RFC 3461 §4.2)."""

    address: str
    notify: tuple[Notify, ...] = ()
    original: str = ""


class Envelope(Struct, frozen=True, gc=False):
    """sender: "" is the null reverse-path. utf8: whether the message is one of SMTPUTF8; None:
    when its addresses or its header need it. require_tls: RFC 8689.
    """

    sender: str
    recipients: tuple[Recipient, ...]
    ret: Ret = ""
    envelope_id: str = ""
    utf8: bool | None = None
    require_tls: bool = False


class Needs(Struct, frozen=True, gc=False):
    """What a message asks of a server."""

    size: int
    eight_bit: bool
    utf8: bool
    require_tls: bool


def find_needs(envelope: Envelope, raw: bytes) -> Needs:
    eight_bit = not raw.isascii()
    utf8 = envelope.utf8
    if utf8 is None:
        # RFC 6531 §3.4: needed for such addresses, and for such header fields (RFC 6532).
        addresses = (envelope.sender, *(each.address for each in envelope.recipients))
        utf8 = not all(map(str.isascii, addresses)) or (eight_bit and not _header_is_ascii(raw))
    return Needs(len(raw), eight_bit, utf8, envelope.require_tls)


def _header_is_ascii(raw: bytes) -> bool:
    end = raw.find(b"\r\n\r\n", 0, MIME_MAX_ALL_HEADER_BYTES)
    return raw[: end if end >= 0 else MIME_MAX_ALL_HEADER_BYTES].isascii()


def find_obstacle(needs: Needs, offered: Capabilities, *, verified: bool) -> Failure | None:
    """Return why the server cannot take the message, or None. verified: TLS, and to whom.

    Nothing is converted to suit a server: that would break signatures.
    """
    keywords = offered.keywords
    if 0 < offered.size < needs.size:
        # RFC 1870 §6.1: not even tried.
        return _obstacle(Reason.TOO_BIG, f"{needs.size} octets, the server takes {offered.size}")
    if needs.utf8 and "SMTPUTF8" not in keywords:
        return _obstacle(Reason.NEEDS_SMTPUTF8, "the server takes no internationalized mail")
    # RFC 6531 §3.1: a server of SMTPUTF8 offers 8BITMIME too.
    if needs.eight_bit and "8BITMIME" not in keywords:
        return _obstacle(Reason.NEEDS_8BITMIME, "the server takes 7-bit mail only")
    if needs.require_tls and not (verified and "REQUIRETLS" in keywords):
        # RFC 8689 §4.2.1: both the certificate and the next server's promise.
        detail = "the server does not offer REQUIRETLS" if verified else "TLS is not verified"
        return _obstacle(Reason.NEEDS_REQUIRETLS, detail)
    return None


def _obstacle(reason: Reason, detail: str) -> Failure:
    return Failure(Stage.MAIL, reason, None, detail)


def find_flaw(envelope: Envelope, raw: bytes) -> Failure | None:
    """Return what makes a message unfit for any server, or None."""
    if not is_path(envelope.sender):
        return _obstacle(Reason.BAD_ADDRESS, "the sender is no address")
    fault = find_fault(raw)
    if fault is not None:
        # RFC 5321 §2.3.8. What follows a stray line end is read by some servers as a command.
        return _obstacle(Reason.BAD_CONTENT, f"the message holds {fault.value}")
    return None


def is_path(address: str) -> bool:
    """Return whether the address can stand in a command without ending it."""
    return _PATH.fullmatch(address) is not None


def make_mail(envelope: Envelope, needs: Needs, offered: Capabilities) -> str:
    """Return the MAIL command with all the parameters that the server knows."""
    words = [f"MAIL FROM:<{envelope.sender}>"]
    keywords = offered.keywords
    if "SIZE" in keywords:
        words.append(f"SIZE={needs.size}")
    if needs.eight_bit:
        words.append("BODY=8BITMIME")
    if needs.utf8:
        words.append("SMTPUTF8")
    if needs.require_tls:
        words.append("REQUIRETLS")
    if "DSN" in keywords:
        if envelope.ret:
            words.append(f"RET={envelope.ret}")
        if value := _spell(format_envid, envelope.envelope_id):
            words.append(f"ENVID={value}")
    return " ".join(words)


def make_rcpt(recipient: Recipient, offered: Capabilities) -> str:
    words = [f"RCPT TO:<{recipient.address}>"]
    if "DSN" in offered.keywords:
        if recipient.notify:
            words.append(f"NOTIFY={','.join(recipient.notify)}")
        kind, _, original = recipient.original.partition(";")
        if _TYPE.fullmatch(kind) and (value := _spell(_format_original, (kind, original))):
            words.append(f"ORCPT={value}")
    return " ".join(words)


def _spell(spell: Callable[[T], str], value: T) -> str:
    """Return a parameter's value, "" for one that cannot be carried: a wish stops no mail."""
    try:
        return spell(value)
    except ValueError:
        return ""


def _format_original(original: tuple[str, str]) -> str:
    kind, address = original
    return format_orcpt(OriginalRecipient(kind.lower(), address), utf8=False)


class Book:
    """Notes what became of each recipient; the first note counts."""

    __slots__ = ("_recipients", "_results", "accepted")

    def __init__(self, recipients: tuple[Recipient, ...]) -> None:
        self._recipients = recipients
        self._results: dict[int, Result] = {}
        #: Numbers of the recipients the server took.
        self.accepted: list[int] = []

    def fail(self, number: int, failure: Failure) -> None:
        if number not in self._results:
            self._results[number] = make_failed(self._recipients[number].address, failure)

    def fail_rest(self, failure: Failure) -> None:
        for number in range(len(self._recipients)):
            self.fail(number, failure)

    @property
    def pending(self) -> list[int]:
        """Return the numbers of recipients that the server took and nothing more is known of."""
        return [number for number in self.accepted if number not in self._results]

    def accept_rest(self, reply: ServerReply) -> None:
        """Note that the message was taken for all the recipients that were."""
        for number in self.pending:
            self._results[number] = make_accepted(self._recipients[number].address, reply)

    def screen(self) -> list[int]:
        """Note the recipients whose addresses cannot be sent and return the numbers of others."""
        failure = Failure(Stage.RCPT, Reason.BAD_ADDRESS, None, "the recipient is no address")
        fit = []
        for number, recipient in enumerate(self._recipients):
            if recipient.address and is_path(recipient.address):
                fit.append(number)
            else:
                self.fail(number, failure)
        return fit

    @property
    def results(self) -> tuple[Result, ...]:
        return tuple(self._results[number] for number in range(len(self._recipients)))
