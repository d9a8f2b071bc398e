"""Service accounts: a program's signed word in place of a person's consent.

RFC 7523 with Google's rules (documented): RS256 by a key of the service account, `iss` its
address, `aud` a token endpoint, good for an hour at most; `sub` names the account it acts for,
which must be of the domain delegated to it, and then every scope must be one delegated. Without
`sub` it acts for itself: it gets a token, but there is no mailbox the token leads to.

The key comes from what is stored under the service account, never from the assertion (RFC 8725).
An assertion with a `jti` works once.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.base.errors import ParseError
from penfold.base.limits import ASSERTION_S, ASSERTION_SKEW_S, ASSERTIONS_REMEMBERED_MAX
from penfold.domain.access.consent import read_scopes
from penfold.ports.directory import Account
from penfold.ports.identity import (
    Client,
    IdentityBook,
    ServiceAccount,
    ServiceKey,
    service_self,
)
from penfold.proto.jwt import Claims, parse_claims, parse_header, verify
from penfold.proto.oauth import CLIENT_UNAUTHORIZED, OAuthError, invalid_grant

ASSERTION_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"

#: google-auth (documented in its source) always names Google's endpoint, whatever the key file
#: says; the same goes for libraries with the older address.
_GOOGLES: Final = frozenset({
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v4/token",
    "https://accounts.google.com/o/oauth2/token",
})  # fmt: skip
_OURS: Final = ("/token", "/oauth2/v4/token", "/o/oauth2/token")

_TIMES: Final = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)
_SIGNATURE: Final = "Invalid JWT Signature."


class Word(Struct, frozen=True, gc=False):
    """A good assertion: for whom, by which client, for what. itself: for nobody else.

    audience: whom an id token of the service account is for; "": an access token is wanted.
    """

    service: ServiceAccount
    account: Account
    client: Client
    scopes: frozenset[str]
    itself: bool
    audience: str


@dataclass(frozen=True, slots=True)
class ServiceAccounts:
    """Checks assertions."""

    book: IdentityBook
    clock: Clock
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)

    def check(self, assertion: str, *, base: str) -> Word:
        """Return what the assertion says, or refuse it; base is our address as it was used."""
        account, claims = self._check_signature(assertion)
        self._check_times(claims)
        if _text(claims.get("aud")) not in _GOOGLES | {base + path for path in _OURS}:
            raise invalid_grant("Invalid JWT: Failed audience check.")
        client = self.book.find(Client, account.client_id)
        if client is None:
            raise invalid_grant("Invalid grant: account not found")
        scopes = read_scopes(_text(claims.get("scope")).split())
        audience = _text(claims.get("target_audience"))
        if not scopes and not audience:
            raise OAuthError("invalid_scope", "Empty or missing scope not allowed.")
        subject = self._check_subject(account, claims)
        if subject is not None and account.scopes and not scopes <= account.scopes:
            raise OAuthError("unauthorized_client", CLIENT_UNAUTHORIZED, status=401)
        acts_for = subject or service_self(client)
        word = Word(account, acts_for, client, scopes, subject is None, audience)
        self._check_once(account, claims)
        return word

    def _check_signature(self, assertion: str) -> tuple[ServiceAccount, Claims]:
        try:
            kid, issuer = parse_header(assertion).get("kid"), parse_claims(assertion).get("iss")
        except ParseError as error:
            raise invalid_grant("Bad Request") from error
        account = self.book.find(ServiceAccount, _text(issuer))
        if account is None:
            raise invalid_grant("Invalid grant: account not found")
        keys = self.book.list_by(ServiceKey, client_id=account.client_id)
        for key in keys:
            if kid in (None, key.kid):
                try:
                    return account, verify(assertion, certificate=key.certificate)
                except ParseError:
                    continue
        raise invalid_grant(_SIGNATURE)

    def _check_times(self, claims: Claims) -> None:
        now_s = self.clock.now_ms() / 1000
        start, end = _number(claims.get("iat")), _number(claims.get("exp"))
        if start is None or end is None or end - start > ASSERTION_S or end < start:
            raise invalid_grant(_TIMES)
        if not start - ASSERTION_SKEW_S <= now_s <= end + ASSERTION_SKEW_S:
            raise invalid_grant(_TIMES)

    def _check_subject(self, account: ServiceAccount, claims: Claims) -> Account | None:
        """Return whom it acts for; None for itself."""
        address = _text(claims.get("sub"))
        if not address or address == account.email:
            return None
        subject = self.book.find_account(address)
        if subject is not None and subject.address.rpartition("@")[2] != account.domain:
            raise OAuthError("unauthorized_client", CLIENT_UNAUTHORIZED, status=401)
        if subject is None or subject.suspended:
            raise invalid_grant("Invalid email or User ID")
        return subject

    def _check_once(self, account: ServiceAccount, claims: Claims) -> None:
        """Refuse a `jti` seen before in this process; most clients send none."""
        name = _text(claims.get("jti"))
        if not name:
            return
        now_ms, key = self.clock.now_ms(), (account.email, name)
        if self._seen.get(key, 0) > now_ms:
            raise invalid_grant("Bad Request")
        if len(self._seen) >= ASSERTIONS_REMEMBERED_MAX:
            for old in [one for one, until in self._seen.items() if until <= now_ms]:
                del self._seen[old]
        if len(self._seen) < ASSERTIONS_REMEMBERED_MAX:
            self._seen[key] = now_ms + 1000 * (ASSERTION_S + 2 * ASSERTION_SKEW_S)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
