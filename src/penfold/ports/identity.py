"""Who may come in: credentials, and the records behind them.

Every record is a value whose first field is its key. A field `<kind>_id` refers to the key of
that kind, and deleting the owner deletes what refers to it: an account takes its passwords,
grants and sessions along and its place in aliases, a grant its tokens, a domain its keys and
aliases. Secrets are kept as digests only
(`penfold.proto.oauth.digest`); the exceptions are private signing keys, which are sealed.

Several processes share the records; `change` is one transaction, durable on return. Its body may
run twice and has no effect outside its writer.
"""

from collections.abc import Callable, Hashable
from typing import Final, Protocol, TypeVar

from msgspec import Struct

from penfold.ports.audit import AuditLog, Event
from penfold.ports.directory import Account, Directory

#: Where a grant comes from: the person said yes, the operator issued it (`penfold token`), or
#: a service account used what was delegated to it.
CONSENT: Final = "consent"
ISSUED: Final = "issued"
ASSERTION: Final = "assertion"

#: Roles: may change what there is, may read it, has a mailbox.
ADMIN: Final = "admin"
AUDITOR: Final = "auditor"
USER: Final = "user"
ROLES: Final = (ADMIN, AUDITOR, USER)

#: The kinds of client that are a service account's, and a device's without keyboard.
SERVICE: Final = "service"
DEVICE: Final = "device"

R = TypeVar("R", bound=Struct)
T = TypeVar("T")


class Credential(Struct, frozen=True, gc=False):
    """A live access token: whose it is and what it may do.

    scopes are full scope URLs as granted. project is the project number of the client. service:
    a service account acts for the account, by delegation of its domain. itself: it acts for
    nobody else, and its account has no mailbox.
    """

    account: Account
    scopes: frozenset[str]
    client_id: str
    project: str
    service: bool = False
    itself: bool = False


class Authenticator(Protocol):
    def find_credential(self, token: str) -> Credential | None:
        """Return whose live access token this is; answers from memory for a few seconds."""
        ...

    def find_app_login(self, address: str, password: str) -> Account | None:
        """Return the account whose app password this is."""
        ...


class Domain(Struct, frozen=True, gc=False):
    """A domain whose mail is delivered here."""

    name: str
    created_ms: int


class DkimKey(Struct, frozen=True, gc=False):
    """A key of a domain that signs its mail (RFC 6376).

    name: of its record in the DNS, `<selector>._domainkey.<domain>`. algorithm: as a= of a
    signature. record: the text to publish. sealed: the private key as PKCS #8, sealed under
    `name`; b"" once it is retired. active_ms: since when it signs, retired_ms: since when it does
    no more; 0: not yet.
    """

    name: str
    domain_id: str
    selector: str
    algorithm: str
    record: str
    sealed: bytes
    created_ms: int
    active_ms: int = 0
    retired_ms: int = 0


class Alias(Struct, frozen=True, gc=False):
    """One account that gets the mail of an alias; an alias has a record for each.

    id: `<address> <account_id>`. address: in lower case with its plus tag if it has one, or
    `*@domain` for what nobody else in the domain gets. domain_id: of the address.
    """

    id: str
    address: str
    domain_id: str
    account_id: str
    created_ms: int


class Password(Struct, frozen=True, gc=False):
    """How an account signs in: an argon2id string."""

    account_id: str
    hash: str
    changed_ms: int


class AppPassword(Struct, frozen=True, gc=False):
    """A password for one program, for SMTP. used_ms is exact to the hour; 0: never."""

    digest: bytes
    account_id: str
    label: str
    created_ms: int
    used_ms: int = 0


class Removed(Struct, frozen=True, gc=False):
    """An account that is gone and whose mailbox waits to be erased."""

    former: str
    address: str
    removed_ms: int


class Client(Struct, frozen=True, gc=False):
    """An application. kind is desktop, web, device or service.

    secret is the digest of the client secret, b"" for a public client. project is the project
    number. pkce says whether an authorization request without a challenge is refused. rotates: its
    refresh tokens are replaced at each use, as those of public clients always are. testing: its
    consent screen has the status "Testing" (Gmail: documented), so grants end after some days.
    """

    id: str
    name: str
    kind: str
    secret: bytes
    project: str
    redirect_uris: tuple[str, ...]
    pkce: bool
    created_ms: int
    rotates: bool = False
    testing: bool = False


class Grant(Struct, frozen=True, gc=False):
    """What an account allowed an application, once. Every token stems from one grant.

    offline: it has a refresh token. origin says who allowed it: CONSENT, ISSUED or ASSERTION.
    """

    id: str
    account_id: str
    client_id: str
    scopes: frozenset[str]
    offline: bool
    created_ms: int
    origin: str = CONSENT


class RefreshToken(Struct, frozen=True, gc=False):
    digest: bytes
    grant_id: str
    created_ms: int
    used_ms: int
    #: True: replaced by a newer one (clients that rotate); showing it again kills the grant.
    spent: bool = False


class AccessToken(Struct, frozen=True, gc=False):
    """account_id, client_id, project repeat what the grant says: every request asks for them."""

    digest: bytes
    grant_id: str
    account_id: str
    client_id: str
    project: str
    scopes: frozenset[str]
    created_ms: int
    expires_ms: int


class ServiceToken(Struct, frozen=True, gc=False):
    """An access token of a service account that acts for nobody."""

    digest: bytes
    client_id: str
    scopes: frozenset[str]
    created_ms: int
    expires_ms: int


class Code(Struct, frozen=True, gc=False):
    """An authorization code. used is "" while fresh, then the grant made from it, or "burnt"."""

    digest: bytes
    account_id: str
    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    offline: bool
    nonce: str
    challenge: str
    created_ms: int
    expires_ms: int
    used: str = ""


class DeviceCode(Struct, frozen=True, gc=False):
    """A device that waits until somebody lets it in; both codes are kept as digests.

    asked_from: its network address. polled_ms: when it last asked; 0: not yet. allowed_by: the id
    of the account that said yes, "" for none.
    """

    digest: bytes
    user_code: bytes
    client_id: str
    scopes: frozenset[str]
    asked_from: str
    created_ms: int
    expires_ms: int
    polled_ms: int = 0
    allowed_by: str = ""
    denied: bool = False


class Session(Struct, frozen=True, gc=False):
    """An account signed in with a browser; `browser` is the digest of the browser's cookie.

    address, agent: where it signed in from, and what the browser calls itself. used_ms is exact
    to SESSION_USED_MS. proven_ms: when its person last showed a password or a passkey.
    """

    id: str
    browser: bytes
    account_id: str
    created_ms: int
    expires_ms: int
    address: str = ""
    agent: str = ""
    used_ms: int = 0
    proven_ms: int = 0


class HalfSignIn(Struct, frozen=True, gc=False):
    """A browser that has shown the password of an account and still owes a second factor."""

    browser: bytes
    account_id: str
    expires_ms: int


class Totp(Struct, frozen=True, gc=False):
    """The secret of an authenticator app (RFC 6238), sealed; step is the last one used."""

    account_id: str
    sealed: bytes
    created_ms: int
    step: int = -1


class RecoveryCode(Struct, frozen=True, gc=False):
    """A code that stands for the second factor once; then it is deleted."""

    digest: bytes
    account_id: str
    created_ms: int


class Passkey(Struct, frozen=True, gc=False):
    """A WebAuthn credential. host: the relying party it is for.

    key: the attested credential data (WebAuthn Level 2 §6.5.1), which hold the public key.
    """

    id: bytes
    account_id: str
    host: str
    key: bytes
    label: str
    counter: int
    created_ms: int
    used_ms: int = 0


class SpentChallenge(Struct, frozen=True, gc=False):
    """A challenge that was answered, of a passkey or to a provider: nobody may answer it again."""

    digest: bytes
    expires_ms: int


class ProviderLogin(Struct, frozen=True, gc=False):
    """Somebody at an OpenID Connect provider who signs in to an account here.

    id: digest of the issuer and of its name for them, which is theirs for ever (`sub`).
    """

    id: bytes
    account_id: str
    issuer: str
    created_ms: int
    used_ms: int


class Role(Struct, frozen=True, gc=False):
    """What an account may do for the installation: ADMIN or AUDITOR; without one it is a user."""

    account_id: str
    name: str
    created_ms: int


class SigningKey(Struct, frozen=True, gc=False):
    """An RSA key for id tokens and its self-signed certificate (PEM). The newest one signs.

    private: the key as PEM, sealed (domain/access/id_tokens.py), in base64.
    """

    kid: str
    private: str
    certificate: str
    created_ms: int


class ServiceAccount(Struct, frozen=True, gc=False):
    """A program with a client of its own that acts for accounts of `domain` ("": for none).

    scopes: what it may do for them; none listed: whatever there is.
    """

    email: str
    client_id: str
    domain: str
    created_ms: int
    scopes: frozenset[str] = frozenset()


class ServiceKey(Struct, frozen=True, gc=False):
    """A public key (PEM certificate) of a service account; the private one is with its owner."""

    kid: str
    client_id: str
    certificate: str
    created_ms: int


class Fact(Struct, frozen=True, gc=False):
    """A single value of this installation, such as its project number."""

    name: str
    value: str


def make_credential(token: AccessToken, account: Account, client: Client) -> Credential:
    """Return what a live token says."""
    return Credential(
        account, token.scopes, token.client_id, token.project, service=client.kind == SERVICE
    )


def make_own_credential(token: ServiceToken, client: Client) -> Credential:
    """Return what a live token of a service account says that acts for nobody."""
    return Credential(
        service_self(client), token.scopes, client.id, client.project, service=True, itself=True
    )


def service_self(client: Client) -> Account:
    """Return the account a service account is for itself: no mailbox has its id."""
    return Account(client.id, client.name, "", client.created_ms)


class IdentityReader(Protocol):
    def find(self, kind: type[R], key: str | bytes) -> R | None: ...
    def list_by(self, kind: type[R], **equal: Hashable) -> list[R]:
        """Return the records with these field values, oldest (or smallest key) first.

        Only fields with an index may be asked for: address, *_id, browser, user_code.
        """
        ...


class IdentityWriter(IdentityReader, Protocol):
    def add(self, record: Struct) -> None:
        """Store a new record; ConflictError when its key (or an address) is taken."""
        ...

    def replace(self, record: Struct) -> None:
        """Store the new state of a record; NotFoundError when it is not there."""
        ...

    def delete(self, kind: type[Struct], key: str | bytes) -> bool:
        """Remove a record and all that refers to it; return whether it was there."""
        ...

    def expire(self, kind: type[Struct], *, now_ms: int) -> int:
        """Remove the records of this kind whose expires_ms has passed."""
        ...

    def note(self, event: Event) -> None:
        """Write down in the audit log what changed no record."""
        ...


class IdentityBook(IdentityReader, Directory, Authenticator, AuditLog, Protocol):
    """Every change of a record leaves an entry in the audit log (ports.audit)."""

    def change(self, change: Callable[[IdentityWriter], T]) -> T:
        """Run the change in one transaction; durable on return, undone when it raises.

        What it took away is refused at once in this process, elsewhere after a second at most.
        """
        ...

    def close(self) -> None: ...
