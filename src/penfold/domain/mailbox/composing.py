"""What an outgoing message is made into before it is stored and handed on.

Pure: octets and the account's addresses in, octets out. Only header fields that are named here
are touched; body and all other fields keep their octets, but for line ends, which become CRLF.
The API and submission share every step and differ where Gmail does: the API takes recipients
from the header and writes Date and Message-ID anew, submission takes them from the envelope and
keeps what is well-formed. Gmail: observed 2026-09, reported by clients.
"""

import base64
import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from penfold.base.addresses import canonical_address
from penfold.base.chance import Chance
from penfold.base.errors import ParseError
from penfold.base.limits import SEND_RECIPIENTS_MAX
from penfold.domain.envelope import Envelope
from penfold.proto.address import canonical, domain_of, parse_address_list, parse_mailbox
from penfold.proto.mime.compose import (
    format_address,
    format_date,
    header_values,
    normalize_crlf,
    prepend_headers,
    received_header,
    remove_headers,
    replace_header,
)
from penfold.proto.mime.fields import find_block
from penfold.proto.mime.model import Address
from penfold.spec.problems import (
    INVALID_BCC,
    INVALID_CC,
    INVALID_TO,
    RECIPIENT_REQUIRED,
    TOO_MANY_RECIPIENTS,
    Problem,
    ProblemError,
)

_RECIPIENT_FIELDS: Final[tuple[tuple[str, Problem], ...]] = (
    ("To", INVALID_TO),
    ("Cc", INVALID_CC),
    ("Bcc", INVALID_BCC),
)
#: Fields only the sender's own copy keeps.
_BLIND: Final = ("Bcc", "Resent-Bcc")
_MESSAGE_ID_OCTETS: Final = 36
#: RFC 5322 §3.6.4, without its obsolete forms.
_MESSAGE_ID = re.compile(r"<[!#-'*+\-/-9=?A-Z^-~.]+@(?:[!#-'*+\-/-9=?A-Z^-~.]+|\[[!-Z^-~]*\])>")


class Sender(Struct, frozen=True, gc=False):
    """Who sends: the addresses it may use with their names, the default one first.

    primary: the account's own address, which may carry plus tags. delegate: who really sends.
    """

    identities: tuple[Address, ...]
    primary: str
    delegate: Address | None = None

    @property
    def address(self) -> str:
        return self.identities[0].address

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(each.address for each in self.identities)

    def find(self, address: str) -> Address | None:
        """Return the identity an address belongs to; case never matters, plus tags of one's own
        address neither.
        """
        wanted = canonical(address)
        for each in self.identities:
            if canonical(each.address) == wanted:
                return each
        own = canonical_address(self.primary)
        if canonical_address(address) != own:
            return None
        return next(each for each in self.identities if canonical_address(each.address) == own)


class Outgoing(Struct, frozen=True, gc=False):
    """A message ready to go: header and body of the sender's copy, and its envelope.

    A long message is held once as it came, body being a part of that, and once as it is stored:
    recipients get the sender's copy itself when it hides nobody.
    """

    head: bytes
    body: memoryview
    sender: str
    recipients: tuple[str, ...]

    def sent_copy(self) -> bytes:
        return self.head + self.body

    def public_copy(self, sent: bytes) -> bytes:
        """Return what recipients get: the sender's copy without the blind ones' names."""
        head = remove_headers(self.head, _BLIND)
        return sent if head == self.head else head + self.body


def compose_for_api(
    raw: bytes, sender: Sender, *, hostname: str, now_ms: int, chance: Chance
) -> Outgoing:
    """Return what messages.send and drafts.send make of a message."""
    head, body = _split(raw)
    recipients = list_recipients(head)
    head, _, address = _claim_sender(head, sender)
    head = replace_header(head, "Date", format_date(now_ms))
    head = replace_header(head, "Message-ID", make_message_id_header(sender, chance))
    received = received_header(
        helo="client",
        peer="",
        by=hostname,
        protocol="HTTPREST",
        identity=_make_identity(chance),
        epoch_ms=now_ms,
    )
    head = prepend_headers(_add_version(head), [("Received", received)])
    return Outgoing(head, body, address, recipients)


def compose_for_submission(
    raw: bytes, sender: Sender, envelope: Envelope, *, hostname: str, now_ms: int, chance: Chance
) -> Outgoing:
    """Return what submission makes of a message; what it replaced stands in X-Google-… fields."""
    head, body = _split(raw)
    added: list[tuple[str, str]] = []
    head, claimed, _ = _claim_sender(head, sender)
    if claimed:
        added.append(("X-Google-Original-From", claimed))
    if not header_values(head, "Date"):
        # RFC 6409 §8.2: a submission server may add what RFC 5322 §3.6 requires.
        head = replace_header(head, "Date", format_date(now_ms))
    ids = header_values(head, "Message-ID")
    if len(ids) != 1 or not _MESSAGE_ID.fullmatch(ids[0]):
        head = replace_header(head, "Message-ID", make_message_id_header(sender, chance))
        added += [("X-Google-Original-Message-ID", old) for old in ids[:1] if old]
    received = received_header(
        helo=envelope.helo,
        peer=envelope.client,
        by=hostname,
        protocol=envelope.protocol,
        identity=envelope.session,
        epoch_ms=now_ms,
    )
    head = prepend_headers(_add_version(head), [("Received", received), *added])
    return Outgoing(head, body, envelope.sender, tuple(dict.fromkeys(envelope.recipients)))


def list_recipients(head: bytes) -> tuple[str, ...]:
    """Return the envelope a header makes: To, Cc and Bcc, each address once."""
    found: dict[str, str] = {}
    for name, problem in _RECIPIENT_FIELDS:
        for value in header_values(head, name):
            for address in _parse_recipients(value, problem):
                found.setdefault(address.lower(), address)
    if not found:
        raise ProblemError(RECIPIENT_REQUIRED)
    if len(found) > SEND_RECIPIENTS_MAX:
        raise ProblemError(TOO_MANY_RECIPIENTS, count=len(found), limit=SEND_RECIPIENTS_MAX)
    return tuple(found.values())


def _parse_recipients(value: str, problem: Problem) -> list[str]:
    try:
        return [parse_mailbox(each.address) for each in parse_address_list(value, strict=True)]
    except ParseError:
        raise ProblemError(problem) from None


def make_message_id_header(sender: Sender, chance: Chance) -> str:
    """Return a Message-ID of Gmail's shape, `<CA…@mail.DOMAIN>`."""
    bits = chance.getrandbits(8 * _MESSAGE_ID_OCTETS).to_bytes(_MESSAGE_ID_OCTETS)
    return f"<CA{base64.urlsafe_b64encode(bits).decode()}@mail.{domain_of(sender.address)}>"


def _make_identity(chance: Chance) -> str:
    return f"{chance.getrandbits(64):016x}"


def _split(raw: bytes) -> tuple[bytes, memoryview]:
    """Return header and body with proper line ends, so that header work copies no body."""
    raw = normalize_crlf(raw)
    end = find_block(raw, 0, len(raw))[2]
    return raw[:end], memoryview(raw)[end:]


def _claim_sender(head: bytes, sender: Sender) -> tuple[bytes, str, str]:
    """Return the header with a From that is the sender's, the one it had when it was not, and
    the address it is sent as.
    """
    values = header_values(head, "From")
    claimed = ""
    mailboxes = _find_own(values, sender)
    address = mailboxes[0].address if mailboxes else sender.address
    if not mailboxes:
        head = replace_header(head, "From", format_address(sender.identities[0]))
        claimed = values[0] if values else ""
    elif len(mailboxes) == 1 and not mailboxes[0].name:
        # Gmail (documented): the name of the address is filled in.
        identity = sender.find(address)
        name = identity.name if identity else ""
        if name:
            head = replace_header(head, "From", format_address(Address(name, address)))
    if sender.delegate:
        # RFC 5322 §3.6.2: who sends for another.
        head = replace_header(head, "Sender", format_address(sender.delegate))
    elif not _find_own(header_values(head, "Sender"), sender):
        head = remove_headers(head, ["Sender"])
    return head, claimed, _bare(address, sender)


def _bare(address: str, sender: Sender) -> str:
    """Return the envelope's address: as it is kept, without a tag in it."""
    identity = sender.find(address)
    return identity.address if identity else sender.address


def _find_own(values: Sequence[str], sender: Sender) -> Sequence[Address]:
    """Return the mailboxes of a field that is there once, if all of them are the sender's."""
    if len(values) != 1:
        return ()
    found = parse_address_list(values[0])
    return found if all(sender.find(each.address) for each in found) else ()


def _add_version(head: bytes) -> bytes:
    if header_values(head, "MIME-Version"):
        return head
    return replace_header(head, "MIME-Version", "1.0")
