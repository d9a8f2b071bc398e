"""The files of `penfold user export`, as data: docs/data-protection.md tells them to people.

Stable: within one FORMAT members may be added, none changes its meaning or goes. What the API has
a resource for is as the API answers it; the rest is spelt alike, with times in UTC (RFC 3339) and
sizes in octets. No member holds a secret.
"""

from typing import Final

from msgspec import Raw, Struct

from penfold.spec.schemas import (
    AutoForwarding,
    CseIdentity,
    CseKeyPair,
    Delegate,
    Filter,
    ForwardingAddress,
    ImapSettings,
    Label,
    LanguageSettings,
    PopSettings,
    SendAs,
    SmimeInfo,
    VacationSettings,
)
from penfold.spec.sending import schemas as sending
from penfold.spec.sending import setup

#: The number of the format. A reader refuses one it does not know.
FORMAT: Final = 1

MAIL_NAME: Final = "mail.mbox"
QUEUE_MAIL_NAME: Final = "queue.mbox"
ACCOUNT_NAME: Final = "account.json"
LABELS_NAME: Final = "labels.json"
ACCESS_NAME: Final = "access.json"
QUEUE_NAME: Final = "queue.json"
AUDIT_NAME: Final = "audit.json"
COMPLAINTS_NAME: Final = "complaints.json"
SENDING_NAME: Final = "sending.json"
EMAILS_NAME: Final = "emails.json"
EVENTS_NAME: Final = "events.json"
SUPPRESSIONS_NAME: Final = "suppressions.json"
#: Written last: a folder without it is half an export.
MANIFEST_NAME: Final = "manifest.json"


class Document(Struct, rename="camel", kw_only=True, gc=False):
    """A JSON object of an export."""


# --- account.json


class Certificate(Document):
    """An S/MIME certificate of an address mail is sent as; its private key is not exported."""

    send_as_email: str
    smime_info: SmimeInfo


class Answered(Document):
    """Somebody who got the vacation reply."""

    sender: str
    answered: str


class Pending(Document):
    """An address that was asked to confirm that it may be used: for send_as or forwarding."""

    purpose: str
    address: str
    expires: str


class AccountDocument(Document):
    """The account and what it has set. acts_for: accounts it is a delegate of."""

    address: str
    name: str
    created: str
    suspended: bool
    aliases: list[str]
    language: LanguageSettings
    imap: ImapSettings
    pop: PopSettings
    send_as: list[SendAs]
    certificates: list[Certificate]
    cse_identities: list[CseIdentity]
    cse_key_pairs: list[CseKeyPair]
    vacation: VacationSettings
    vacation_answers: list[Answered]
    filters: list[Filter]
    auto_forwarding: AutoForwarding
    forwarding_addresses: list[ForwardingAddress]
    confirmations: list[Pending]
    delegates: list[Delegate]
    acts_for: list[str]


class LabelsDocument(Document):
    labels: list[Label]


# --- access.json; a time that is None never was


class SignedInAt(Document):
    """A browser that is signed in."""

    address: str
    browser: str
    created: str
    used: str | None
    expires: str


class Allowed(Document):
    """What an application was allowed, once.

    origin: consent, issued (by the operator) or assertion. used: when it last got a token.
    """

    scopes: list[str]
    origin: str
    offline: bool
    created: str
    used: str | None


class Application(Document):
    client_id: str
    name: str
    grants: list[Allowed]


class ProgramPassword(Document):
    """That there is an app password; the password itself is not kept anywhere."""

    label: str
    created: str
    used: str | None


class Factor(Document):
    """A second factor. kind: totp or passkey; host: the name a passkey is for."""

    kind: str
    name: str
    host: str
    created: str
    used: str | None


class ProviderAccess(Document):
    """That the person signs in by an OpenID Connect provider; its name for them is not kept."""

    issuer: str
    created: str
    used: str | None


class Watching(Document):
    """A topic that is told of changes in the mailbox."""

    topic: str
    expires: str


class AccessDocument(Document):
    """Who may come in, and by what. role: what the account may do for the installation."""

    role: str | None
    password_changed: str | None
    sessions: list[SignedInAt]
    applications: list[Application]
    app_passwords: list[ProgramPassword]
    second_factors: list[Factor]
    recovery_codes: int
    provider_logins: list[ProviderAccess]
    watches: list[Watching]


# --- queue.json, audit.json and complaints.json: {"messages": […]}, {"entries": […]} and
# --- {"complaints": […]}


class Tried(Document):
    """An attempt to deliver: what came of it, and the conversation."""

    at: str
    outcome: str
    transcript: str


class Queued(Document):
    """What was sent to one recipient. number: of the message, whose octets are in queue.mbox.

    state: queued, captured, sent, failed or cancelled. next_attempt: of one that is queued.
    """

    number: int
    sender: str
    recipient: str
    subject: str
    message_id: str
    size: int
    state: str
    created: str
    next_attempt: str | None
    attempts: list[Tried]


class AuditEntry(Document):
    """Something that was done to the account or its access; see docs/administration.md.

    by: self, operator, administrator, visitor (somebody not signed in) or system. source: where
    the person came from. before, after, personal: what changed, None where nothing is told.
    """

    number: int
    time: str
    by: str
    source: str | None
    action: str
    kind: str
    before: Raw | None
    after: Raw | None
    personal: Raw | None


class Complaint(Document):
    """A complaint about mail from or to the address. about: names and values it came with."""

    received: str
    reporter: str
    about: list[tuple[str, str]]


# --- sending.json, emails.json; events.json and suppressions.json hold what the sending API answers


class SendingDocument(Document):
    """Who may call the sending API for the account, and where its events are told."""

    keys: list[sending.Key]
    webhooks: list[setup.Webhook]


class SentEmail(Document):
    """email: as the sending API answers it. content: the rest of what was asked for, such as
    headers and files, with octets in base64; None once it is kept no longer.
    """

    email: sending.Email
    content: Raw | None


# --- manifest.json


class FileEntry(Document):
    """One file. counts: how many of what it has."""

    name: str
    size: int
    sha256: str
    counts: dict[str, int]


class Manifest(Document):
    """What an export consists of. damaged: ids of messages that could not be read."""

    format: int
    address: str
    started: str
    finished: str
    files: list[FileEntry]
    damaged: list[str]
