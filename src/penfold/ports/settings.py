"""What an account has set: records kept in its mailbox, beside its mail.

Each kind is one type; a record has a key within its kind, "" where there is only one. They live
in the mailbox because arriving mail is judged by them, in the transaction that stores it.

A record without a word of its own here is the API's type; secrets in it are kept as they are
needed, never as they were given.
"""

from typing import Final, TypeVar

from msgspec import Struct

from penfold.spec.schemas import (
    AutoForwarding,
    CseIdentity,
    CsePrivateKeyMetadata,
    Filter,
    ForwardingAddress,
    ImapSettings,
    LanguageSettings,
    PopSettings,
    VacationSettings,
)

S = TypeVar("S", bound=Struct)

#: What a confirmation is for.
SEND_AS: Final = "send_as"
FORWARDING: Final = "forwarding"


class MailServer(Struct, frozen=True, gc=False):
    """The server mail of one sender leaves by. security: none, ssl or starttls.

    password is sealed under the account and the host; b"" without a login.
    """

    host: str
    port: int
    security: str
    username: str = ""
    password: bytes = b""


class SenderRecord(Struct, frozen=True, gc=False):
    """An address mail may be sent as, keyed by its canonical form (proto.address).

    The account's own address has a record only once something was set; its name is None until
    then. accepted: somebody who reads the address's mail confirmed it, or nobody had to.
    """

    address: str
    name: str | None = None
    reply_to: str = ""
    signature: str = ""
    treat_as_alias: bool = False
    is_default: bool = False
    accepted: bool = True
    server: MailServer | None = None


class DelegateRecord(Struct, frozen=True, gc=False):
    """An account that may act for this one, keyed by its address.

    account_id: a later account of the same address is somebody else.
    """

    address: str
    account_id: str


class DelegatorNote(Struct, frozen=True, gc=False):
    """Kept with the delegate: a mailbox that may have made it one; the truth is kept there."""

    account_id: str


class Confirmation(Struct, frozen=True, gc=False):
    """A code that was mailed to an address, keyed by `digest`; the code itself is not kept."""

    digest: str
    kind: str
    address: str
    expires_ms: int


class ConfirmationsSent(Struct, frozen=True, gc=False):
    """When this account last had such mail sent, oldest first."""

    times_ms: tuple[int, ...] = ()


class SmimeRecord(Struct, frozen=True, gc=False):
    """An S/MIME certificate of an address mail is sent as, keyed by its id.

    send_as is canonical; key is the private key, sealed under account and id.
    """

    id: str
    send_as: str
    pem: str
    issuer: str
    expires_ms: int
    key: bytes
    is_default: bool = False


class KeyPairRecord(Struct, frozen=True, gc=False):
    """A client-side encryption key pair, keyed by its id; the private key is elsewhere.

    number: its place in lists. disabled_ms: since when, None while it is enabled.
    """

    id: str
    number: int
    pem: str
    addresses: tuple[str, ...]
    metadata: tuple[CsePrivateKeyMetadata, ...]
    disabled_ms: int | None = None


class VacationAnswer(Struct, frozen=True, gc=False):
    """That a sender got the vacation reply, and when. Its key is the sender."""

    sender: str
    at_ms: int


class ImportMark(Struct, frozen=True, gc=False):
    """How far an import got that is not finished, keyed by what is imported.

    source, path, offset: see ports.moving.Place. history_id: the mailbox's when it began.
    """

    key: str
    source: int
    path: str
    offset: int
    history_id: int
    at_ms: int
    imported: int = 0
    known: int = 0
    skipped: int = 0
    lost: int = 0


#: The word each kind is stored under. A word stays, whatever becomes of the type's name.
KINDS: Final[dict[type[Struct], str]] = {
    AutoForwarding: "auto_forwarding",
    Confirmation: "confirmation",
    ConfirmationsSent: "confirmations_sent",
    CseIdentity: "cse_identity",
    DelegateRecord: "delegate",
    DelegatorNote: "delegator_note",
    Filter: "filter",
    ForwardingAddress: "forwarding_address",
    ImapSettings: "imap",
    ImportMark: "import_mark",
    KeyPairRecord: "key_pair",
    LanguageSettings: "language",
    PopSettings: "pop",
    SenderRecord: "sender",
    SmimeRecord: "smime",
    VacationAnswer: "vacation_answer",
    VacationSettings: "vacation",
}
