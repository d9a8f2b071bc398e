"""Who a token is about: signing keys, id tokens, userinfo and tokeninfo.

OpenID Connect Core. Keys take turns: a new one is published for as long as verifiers may remember
the old list before it signs, and the one before it stays until nothing it signed is good any more.
The first key is made when it is first needed: most installations never sign. Private
keys are sealed where they are kept, and opened to sign.

What is told about a person follows the scopes: openid gives the subject, email the address,
profile the name. Gmail (documented): the same, in three versions of spelling.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Final

from penfold.base.clock import Clock
from penfold.base.errors import ParseError
from penfold.base.limits import ACCESS_TOKEN_S, CERTS_MAX_AGE_S, ID_KEY_DAYS
from penfold.domain.access.consent import subject
from penfold.ports.directory import Account
from penfold.ports.identity import (
    AccessToken,
    Grant,
    IdentityBook,
    IdentityWriter,
    ServiceAccount,
    ServiceToken,
    SigningKey,
)
from penfold.ports.sealing import Sealer
from penfold.proto.jwt import (
    Claims,
    KeyMaker,
    make_key_pair,
    parse_header,
    public_jwk,
    sign,
    verify,
)
from penfold.proto.oauth import base64url, digest, invalid_token
from penfold.spec.scopes import EMAIL, OPENID, PROFILE

Scopes = frozenset[str]

_DAY_MS: Final = 86_400_000
#: A list of keys may be remembered for CERTS_MAX_AGE_S, and once more by a cache in between.
_HEARD_MS: Final = 2_000 * CERTS_MAX_AGE_S


@dataclass(frozen=True, slots=True)
class IdTokens:
    """Signs and checks id tokens, and says who somebody is."""

    book: IdentityBook
    clock: Clock
    sealer: Sealer
    make_key: KeyMaker = make_key_pair

    def list_keys(self) -> list[SigningKey]:
        """Return the published keys, the newest last; there is always one."""
        keys = self.book.list_by(SigningKey)
        now_ms = self.clock.now_ms()
        if not keys or keys[-1].created_ms + ID_KEY_DAYS * _DAY_MS <= now_ms:
            keys = self._make_key()
        return keys

    def find_signing_key(self) -> SigningKey:
        """Return the newest key that verifiers had the time to hear of."""
        keys = self.list_keys()
        heard_ms = self.clock.now_ms() - _HEARD_MS
        return next((key for key in reversed(keys) if key.created_ms <= heard_ms), keys[0])

    def list_certificates(self) -> dict[str, str]:
        """Return the certificates by key id, as version 1 of certs has them."""
        return {key.kid: key.certificate for key in self.list_keys()}

    def list_jwks(self) -> list[dict[str, str]]:
        """Return the public keys as version 3 of certs has them."""
        return [public_jwk(key.certificate, key.kid) for key in self.list_keys()]

    def make(
        self,
        account: Account,
        *,
        client_id: str,
        scopes: Scopes,
        issuer: str,
        access_token: str,
        nonce: str,
    ) -> str:
        """Return an id token that goes with this access token."""
        now_s = self.clock.now_ms() // 1000
        half = hashlib.sha256(access_token.encode("ascii")).digest()[:16]
        claims: Claims = {
            "iss": issuer,
            "azp": client_id,
            "aud": client_id,
            **describe(account, scopes),
            "at_hash": base64url(half),  # OpenID Connect Core §3.1.3.6
            **({"nonce": nonce} if nonce else {}),
            "iat": now_s,
            "exp": now_s + ACCESS_TOKEN_S,
        }
        key = self.find_signing_key()
        return sign(claims, private=open_private(key, self.sealer), kid=key.kid)

    def make_for_service(self, account: ServiceAccount, *, audience: str, issuer: str) -> str:
        """Return an id token by which a push names the service account it comes from."""
        now_s = self.clock.now_ms() // 1000
        claims: Claims = {
            "iss": issuer,
            "azp": account.client_id,
            "aud": audience,
            "sub": account.client_id,
            "email": account.email,
            "email_verified": True,
            "iat": now_s,
            "exp": now_s + ACCESS_TOKEN_S,
        }
        key = self.find_signing_key()
        return sign(claims, private=open_private(key, self.sealer), kid=key.kid)

    def check(self, token: str) -> Claims:
        """Return the claims of an id token of ours that is still good; else OAuthError."""
        try:
            key = self.book.find(SigningKey, str(parse_header(token).get("kid")))
            claims = verify(token, certificate=key.certificate if key is not None else "")
        except ParseError as error:
            raise invalid_token() from error
        if claims["exp"] <= self.clock.now_ms() // 1000:
            raise invalid_token()
        return claims

    def describe_token(self, token: str) -> dict[str, Any]:
        """Return what tokeninfo says of an access token, every value a string."""
        key = digest(token)
        found = self.book.find(AccessToken, key) or self.book.find(ServiceToken, key)
        credential = self.book.find_credential(token)
        if found is None or credential is None:
            raise invalid_token()
        grant = self.book.find(Grant, found.grant_id) if isinstance(found, AccessToken) else None
        scopes, account = found.scopes, credential.account
        left_s = (found.expires_ms - self.clock.now_ms()) // 1000
        who = {"sub": subject(account)} if scopes & {OPENID.url, PROFILE.url} else {}
        mail = {"email": account.address, "email_verified": "true"} if EMAIL.url in scopes else {}
        return {
            "azp": credential.client_id,
            "aud": credential.client_id,
            **who,
            "scope": " ".join(sorted(scopes)),
            "exp": str(found.expires_ms // 1000),
            "expires_in": str(left_s),
            **mail,
            "access_type": "offline" if grant is not None and grant.offline else "online",
        }

    def _make_key(self) -> list[SigningKey]:
        """Add a key, unless another process was first, and return all that are left.

        Those before the last one have signed nothing for ID_KEY_DAYS and go.
        """
        now_ms = self.clock.now_ms()
        pair = self.make_key("penfold", now_ms=now_ms)
        sealed = seal_private(pair.private, kid=pair.kid, sealer=self.sealer)
        made = SigningKey(pair.kid, sealed, pair.certificate, now_ms)

        def add(writer: IdentityWriter) -> list[SigningKey]:
            there = writer.list_by(SigningKey)
            if there and there[-1].created_ms + ID_KEY_DAYS * _DAY_MS > now_ms:
                return there
            for old in there[:-1]:
                writer.delete(SigningKey, old.kid)
            writer.add(made)
            return [*there[-1:], made]

        return self.book.change(add)


def seal_private(pem: str, *, kid: str, sealer: Sealer) -> str:
    """Return a private key as SigningKey.private has it."""
    return base64.b64encode(sealer.seal(pem.encode(), context=seal_context(kid))).decode()


def open_private(key: SigningKey, sealer: Sealer) -> str:
    """Return the private key as PEM; SealBrokenError when it was sealed elsewhere."""
    if is_clear(key):  # until the first start of a release that seals it
        return key.private
    return sealer.open(base64.b64decode(key.private), context=seal_context(key.kid)).decode()


def is_clear(key: SigningKey) -> bool:
    """Return whether the first release kept the private key in clear."""
    return key.private.startswith("-----BEGIN")


def seal_context(kid: str) -> str:
    """Return what a private key is sealed under."""
    return f"id token key {kid}"


def describe(account: Account, scopes: Scopes) -> Claims:
    """Return the claims about an account that these scopes allow, as userinfo v3 has them."""
    claims: Claims = {"sub": subject(account), "hd": account.address.rpartition("@")[2]}
    if EMAIL.url in scopes:
        claims |= {"email": account.address, "email_verified": True}
    if PROFILE.url in scopes:
        given, _, family = account.name.partition(" ")
        name = account.name or account.address.partition("@")[0]
        claims |= {"name": name, "given_name": given or name}
        if family:
            claims["family_name"] = family
    return claims


def describe_v2(account: Account, scopes: Scopes) -> Claims:
    """Return the same as userinfo v1 and v2 spell it."""
    spelling = {"sub": "id", "email_verified": "verified_email"}
    return {spelling.get(name, name): value for name, value in describe(account, scopes).items()}
