"""Local mode: a domain, two people, an application and their credentials, ready to use.

Secrets are kept as digests in the directory, so the credentials files are the only place where
they can be read. At every start what the files hold is looked at again: what still works stays
as it is, what is missing, damaged, revoked or about to expire is made anew. `Secrets` is
what the files say together; `render` and `parse` turn it into the files' octets and back. Which
address the server has this time is no part of it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from penfold.base.errors import ConflictError
from penfold.base.ids import project_id
from penfold.domain.access.clients import LOOPBACK_REDIRECTS, NewClient
from penfold.domain.access.identity import Identity
from penfold.ports.directory import Account
from penfold.ports.identity import (
    DEVICE,
    AccessToken,
    AppPassword,
    Client,
    Domain,
    Password,
    RefreshToken,
    ServiceKey,
)
from penfold.proto.oauth import app_password_digest, digest, make_word, same_secret
from penfold.spec.scopes import FULL, SETTINGS_BASIC, SETTINGS_SHARING
from penfold.spec.settings import LOCAL_DOMAIN

LOCAL_ACCOUNTS: Final = {"alice": "Alice Example", "bob": "Bob Example"}
#: What the ready-made tokens may do, and `penfold token` by default.
DEFAULT_SCOPES: Final = frozenset({FULL.url, SETTINGS_BASIC.url, SETTINGS_SHARING.url})
#: Days a ready-made access token lives: google-auth's from_authorized_user_file cannot refresh
#: it at another server than Google's. It is replaced when fewer than RENEW_DAYS are left.
TOKEN_DAYS: Final = 365
RENEW_DAYS: Final = 30

_DAY_MS: Final = 86_400_000
_SERVICE_NAME: Final = "local"


class Person(Struct, frozen=True):
    """What one person has: passwords and ready-made tokens; "" for what is not known."""

    password: str = ""
    app_password: str = ""
    token: str = ""
    refresh_token: str = ""
    expires_ms: int = 0


class ServiceSecret(Struct, frozen=True):
    """A service account's address, client number and private key."""

    email: str = ""
    number: str = ""
    kid: str = ""
    private: str = ""


class Secrets(Struct, frozen=True):
    """What the credentials files hold, but for the server's address. people: by first name."""

    client_id: str = ""
    client_secret: str = ""
    people: dict[str, Person] = {}
    service: ServiceSecret = ServiceSecret()


def set_up(identity: Identity, known: Secrets) -> Secrets:
    """Return secrets that work, after making what is missing; safe to repeat.

    known: what the files held. Takes about 0.3 s the first time.
    """
    if identity.book.find(Domain, LOCAL_DOMAIN) is None:
        identity.accounts.add_domain(LOCAL_DOMAIN)
    client = ensure_client(identity, known)
    people = {
        name: _ensure_person(identity, client.client, name, known.people.get(name, Person()))
        for name in LOCAL_ACCOUNTS
    }
    service = _ensure_service(identity, known.service)
    return Secrets(client.client.id, client.secret, people, service)


def ensure_client(identity: Identity, known: Secrets) -> NewClient:
    """Return the application `penfold token` issues tokens for, which production mode has too."""
    client = identity.book.find(Client, known.client_id)
    if client is not None and same_secret(known.client_secret, client.secret):
        return NewClient(client, known.client_secret)
    new = identity.clients.add("Local app", kind="desktop")
    identity.clients.set_house(new.client)
    return new


def _ensure_person(identity: Identity, client: Client, name: str, known: Person) -> Person:
    address = f"{name}@{LOCAL_DOMAIN}"
    account = identity.book.find_account(address)
    if account is None:
        account = identity.accounts.add(address, name=LOCAL_ACCOUNTS[name])
    password = _ensure_password(identity, account, known)
    app_password = _ensure_app_password(identity, account, known)
    kept = _find_tokens(identity, account, client, known)
    if kept is not None:
        return Person(password, app_password, known.token, known.refresh_token, kept.expires_ms)
    new = identity.grants.issue_token(
        account, client, DEFAULT_SCOPES, lifetime_s=TOKEN_DAYS * 86_400, offline=True
    )
    return Person(password, app_password, new.access_token, new.refresh_token, new.expires_ms)


def _ensure_password(identity: Identity, account: Account, known: Person) -> str:
    """Return the sign-in password. One that was changed by hand is not known here and stays."""
    if known.password and identity.book.find(Password, account.id) is not None:
        return known.password
    letters = make_word(12, identity.accounts.chance)
    password = "-".join((letters[:4], letters[4:8], letters[8:]))
    identity.accounts.set_password(account.address, password)
    return password


def _ensure_app_password(identity: Identity, account: Account, known: Person) -> str:
    kept = app_password_digest(account.id, known.app_password)
    if identity.book.find(AppPassword, kept) is not None:
        return known.app_password
    return identity.accounts.add_app_password(account.address, label="local mode")


def _find_tokens(
    identity: Identity, account: Account, client: Client, known: Person
) -> AccessToken | None:
    """Return the known access token when it and its refresh token are good for a while."""
    token = identity.book.find(AccessToken, digest(known.token))
    refresh = identity.book.find(RefreshToken, digest(known.refresh_token))
    renew_ms = identity.accounts.clock.now_ms() + RENEW_DAYS * _DAY_MS
    if token is None or refresh is None or token.expires_ms < renew_ms:
        return None
    owned = (token.account_id, token.client_id) == (account.id, client.id)
    return token if owned and token.grant_id == refresh.grant_id else None


def _ensure_service(identity: Identity, known: ServiceSecret) -> ServiceSecret:
    if known.private and identity.book.find(ServiceKey, known.kid) is not None:
        return known
    try:
        new = identity.clients.add_service_account(_SERVICE_NAME, domain=LOCAL_DOMAIN)
    except ConflictError:  # the account is there, but the file with its key was lost
        new = identity.clients.add_service_key(_SERVICE_NAME)
    return ServiceSecret(new.account.email, new.client.id, new.key.kid, new.key.private)


# --- the files -------------------------------------------------------------------------


def render(secrets: Secrets, *, base: str) -> dict[str, bytes]:
    """Return the credentials files by name, for a server reached at `base`."""
    documents: dict[str, Any] = {
        "service-account.json": service_document(secrets.service, base=base),
        "passwords.json": {
            f"{name}@{LOCAL_DOMAIN}": {
                "password": person.password,
                "app_password": person.app_password,
            }
            for name, person in secrets.people.items()
        },
    }
    for name, person in secrets.people.items():
        documents[f"{name}.json"] = user_document(
            f"{name}@{LOCAL_DOMAIN}",
            token=person.token,
            refresh_token=person.refresh_token,
            expires_ms=person.expires_ms,
            client_id=secrets.client_id,
            client_secret=secrets.client_secret,
            scopes=DEFAULT_SCOPES,
            base=base,
        )
    client = render_client(secrets.client_id, secrets.client_secret, base=base)
    return client | {name: _print(document) for name, document in documents.items()}


def render_client(client_id: str, secret: str, *, base: str) -> dict[str, bytes]:
    """Return the file of the application, the only one that production mode has."""
    document = client_document(client_id, secret, kind="desktop", base=base)
    return {"client_secret.json": _print(document)}


def _print(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=2).encode() + b"\n"


def parse(files: Mapping[str, bytes]) -> Secrets:
    """Return what the credentials files hold; what is missing or damaged comes back empty."""
    documents = {name: _parse_object(octets) for name, octets in files.items()}
    client = _object(documents.get("client_secret.json", {}).get("installed"))
    service = documents.get("service-account.json", {})
    return Secrets(
        client_id=_text(client.get("client_id")),
        client_secret=_text(client.get("client_secret")),
        people={name: _parse_person(documents, name) for name in LOCAL_ACCOUNTS},
        service=ServiceSecret(
            email=_text(service.get("client_email")),
            number=_text(service.get("client_id")),
            kid=_text(service.get("private_key_id")),
            private=_text(service.get("private_key")),
        ),
    )


def client_document(
    client_id: str, secret: str, *, kind: str, base: str, redirect_uris: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a client_secret.json as Google's console gives it."""
    redirects = list(redirect_uris) or [LOOPBACK_REDIRECTS[0]]
    return {
        "web" if kind == "web" else "installed": {
            "client_id": client_id,
            "project_id": project_id(client_id.partition("-")[0]),
            "auth_uri": f"{base}/o/oauth2/v2/auth",
            "token_uri": f"{base}/token",
            "auth_provider_x509_cert_url": f"{base}/oauth2/v1/certs",
            "client_secret": secret,
            **({} if kind == DEVICE else {"redirect_uris": redirects}),
        }
    }


def user_document(
    address: str,
    *,
    token: str,
    refresh_token: str,
    expires_ms: int,
    client_id: str,
    client_secret: str,
    scopes: frozenset[str],
    base: str,
) -> dict[str, Any]:
    """Return an authorized-user file as google-auth writes and reads it."""
    expiry = datetime.fromtimestamp(expires_ms // 1000, UTC)
    return {
        "type": "authorized_user",
        "account": address,
        "token": token,
        "refresh_token": refresh_token,
        "token_uri": f"{base}/token",
        "client_id": client_id,
        "client_secret": client_secret,
        "scopes": sorted(scopes),
        "expiry": expiry.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def service_document(secret: ServiceSecret, *, base: str) -> dict[str, Any]:
    """Return a service account's key file as Google's console gives it."""
    return {
        "type": "service_account",
        "project_id": secret.email.partition("@")[2].partition(".")[0],
        "private_key_id": secret.kid,
        "private_key": secret.private,
        "client_email": secret.email,
        "client_id": secret.number,
        "auth_uri": f"{base}/o/oauth2/auth",
        "token_uri": f"{base}/token",
        "auth_provider_x509_cert_url": f"{base}/oauth2/v1/certs",
        "client_x509_cert_url": f"{base}/robot/v1/metadata/x509/{quote(secret.email)}",
    }


def _parse_person(documents: Mapping[str, dict[str, Any]], name: str) -> Person:
    user = documents.get(f"{name}.json", {})
    passwords = _object(documents.get("passwords.json", {}).get(f"{name}@{LOCAL_DOMAIN}"))
    return Person(
        password=_text(passwords.get("password")),
        app_password=_text(passwords.get("app_password")),
        token=_text(user.get("token")),
        refresh_token=_text(user.get("refresh_token")),
    )


def _parse_object(octets: bytes) -> dict[str, Any]:
    try:
        return _object(json.loads(octets))
    except ValueError:
        return {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
