"""OAuth clients: the applications that may ask for access, and service accounts among them.

A client secret and a service account's private key are shown once, when they are made; only a
digest and the public key stay. Every installation has one project number and one client of its
own, the house client, in whose name `penfold token` and local mode issue tokens.
"""

from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from penfold.base.addresses import canonical_domain
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import ConflictError, NotFoundError, ParseError
from penfold.base.ids import project_id
from penfold.ports.identity import (
    DEVICE,
    SERVICE,
    Client,
    Fact,
    IdentityBook,
    IdentityWriter,
    ServiceAccount,
    ServiceKey,
)
from penfold.proto.jwt import KeyMaker, KeyPair, make_key_pair
from penfold.proto.oauth import (
    CLIENT_SECRET_PREFIX,
    check_registrable,
    digest,
    make_word,
)

#: The redirect addresses of a desktop client: any port and path of the own machine (RFC 8252
#: §7.3). Client libraries take the first.
LOOPBACK_REDIRECTS: Final = ("http://localhost", "http://127.0.0.1", "http://[::1]")
#: How ids of our clients end, in place of Google's apps.googleusercontent.com.
CLIENT_SUFFIX: Final = "apps.penfold"
#: How addresses of our service accounts end, in place of Google's gserviceaccount.com.
SERVICE_SUFFIX: Final = "iam.penfold"

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_HOUSE: Final = "house_client"
_PROJECT: Final = "project"


class NewClient(Struct, frozen=True, gc=False):
    """A client and its secret, which is not kept; "" for a public client."""

    client: Client
    secret: str


class NewServiceAccount(Struct, frozen=True, gc=False):
    """A service account and its key, whose private part is not kept."""

    account: ServiceAccount
    client: Client
    key: KeyPair


@dataclass(frozen=True, slots=True)
class Clients:
    """Makes and removes clients and service accounts."""

    book: IdentityBook
    clock: Clock
    chance: Chance
    make_key: KeyMaker = make_key_pair

    def get_project(self) -> str:
        """Return the project number of this installation, made when first asked for."""
        fact = self.book.find(Fact, _PROJECT) or self.book.change(self._project_in_tx)
        return fact.value

    def add(
        self,
        name: str,
        *,
        kind: str,
        redirect_uris: tuple[str, ...] = (),
        public: bool = False,
        pkce: bool = False,
        rotates: bool = False,
        testing: bool = False,
    ) -> NewClient:
        """Return a new client and its secret.

        rotates, testing: see Client; a public client always rotates (RFC 9700 §4.14.2).

        pkce: refuse requests without a challenge; always so for a public client (RFC 9700
        §2.1.1). Google lets a client with a secret go without, and some libraries do; a challenge
        that was sent binds every client.
        """
        redirect_uris = _check_redirects(kind, redirect_uris)
        secret = "" if public else CLIENT_SECRET_PREFIX + self._word(28)
        client = Client(
            id=f"{self.get_project()}-{self._word(32)}.{CLIENT_SUFFIX}",
            name=name,
            kind=kind,
            secret=digest(secret) if secret else b"",
            project=self.get_project(),
            redirect_uris=redirect_uris,
            pkce=public or pkce,
            created_ms=self.clock.now_ms(),
            rotates=public or rotates,
            testing=testing,
        )
        self.book.change(lambda writer: writer.add(client))
        return NewClient(client, secret)

    def get(self, client_id: str) -> Client:
        client = self.book.find(Client, client_id)
        if client is None:
            raise NotFoundError("no such client", client=client_id)
        return client

    def remove(self, client_id: str) -> None:
        """Remove a client with everything it was granted."""
        if not self.book.change(lambda writer: writer.delete(Client, client_id)):
            raise NotFoundError("no such client", client=client_id)

    def find_house(self) -> Client | None:
        """Return the client in whose name tokens are issued here, if it has been made."""
        fact = self.book.find(Fact, _HOUSE)
        return None if fact is None else self.book.find(Client, fact.value)

    def set_house(self, client: Client) -> None:
        """Issue tokens in this client's name from now on."""
        fact = Fact(_HOUSE, client.id)

        def put(writer: IdentityWriter) -> None:
            writer.delete(Fact, _HOUSE)
            writer.add(fact)

        self.book.change(put)

    def add_service_account(
        self, name: str, *, domain: str = "", scopes: frozenset[str] = frozenset()
    ) -> NewServiceAccount:
        """Return a new service account, which may act for the accounts of `domain`.

        scopes: what it may do for them; none: whatever there is.
        """
        if scopes and not domain:
            raise ParseError("scopes are delegated together with a domain")
        if domain and not self.book.is_local_domain(domain):
            raise NotFoundError("the domain is not one of ours", domain=domain)
        now_ms, project = self.clock.now_ms(), self.get_project()
        email = self._service_email(name)
        # Gmail (documented): the client of a service account is a decimal number, 21 digits.
        number = f"1{self.chance.getrandbits(66) % 10**20:020d}"
        client = Client(number, email, SERVICE, b"", project, (), True, now_ms)
        account = ServiceAccount(email, number, canonical_domain(domain), now_ms, scopes)
        key = self.make_key(email, now_ms=now_ms)

        def add(writer: IdentityWriter) -> None:
            if writer.find(ServiceAccount, email) is not None:
                raise ConflictError("the service account is there already", email=email)
            writer.add(client)
            writer.add(account)
            writer.add(ServiceKey(key.kid, number, key.certificate, now_ms))

        self.book.change(add)
        return NewServiceAccount(account, client, key)

    def add_service_key(self, name: str) -> NewServiceAccount:
        """Return a further key of a service account; the ones it has stay good."""
        email, now_ms = self._service_email(name), self.clock.now_ms()
        account = self.book.find(ServiceAccount, email)
        if account is None:
            raise NotFoundError("no such service account", email=email)
        key = self.make_key(email, now_ms=now_ms)
        record = ServiceKey(key.kid, account.client_id, key.certificate, now_ms)
        self.book.change(lambda writer: writer.add(record))
        return NewServiceAccount(account, self.get(account.client_id), key)

    def _service_email(self, name: str) -> str:
        if not name.replace("-", "").isalnum() or not name.isascii():
            raise ParseError("a service account's name has letters, digits and hyphens", name=name)
        return f"{name}@{project_id(self.get_project())}.{SERVICE_SUFFIX}"

    def _project_in_tx(self, writer: IdentityWriter) -> Fact:
        fact = writer.find(Fact, _PROJECT)
        if fact is None:
            # Gmail (observed): project numbers have 12 digits.
            fact = Fact(_PROJECT, str(10**11 + self.chance.getrandbits(64) % (9 * 10**11)))
            writer.add(fact)
        return fact

    def _word(self, length: int) -> str:
        return make_word(length, self.chance, letters=_ALPHABET)


def _check_redirects(kind: str, uris: tuple[str, ...]) -> tuple[str, ...]:
    """Return the redirect addresses of a client of this kind; ParseError when they do not fit."""
    if kind not in ("desktop", "web", DEVICE):
        raise ParseError("a client is of type desktop, web or device", kind=kind)
    if kind == DEVICE:
        if uris:
            raise ParseError("a device has no redirect address")
        return ()
    uris = uris or (LOOPBACK_REDIRECTS if kind == "desktop" else ())
    if not uris:
        raise ParseError("a web client needs a redirect address")
    for uri in uris:
        check_registrable(uri, kind)
    return uris
