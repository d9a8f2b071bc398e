"""The token endpoint: grants and the tokens that stem from them.

A grant is one "yes" of one person to one client (ports.identity.Grant); its refresh token and
access tokens live and die with it. Revoking any of them revokes the grant.

What each exchange promises:
    code      good once, for CODE_S; burnt by the first wrong try; shown twice, it takes along
              what the first exchange gave (RFC 6749 §4.1.2)
    refresh   kept by clients with a secret (Gmail: documented); replaced at every use for public
              ones and those that ask for it, where the old one shown again kills the grant
              (RFC 9700 §4.14.2)
    assertion a service account's signed word, see domain/access/service_accounts.py
    device    good once, after somebody said yes at /device, see domain/access/devices.py

Every exchange is one transaction. A refusal that changes something (a burnt code, say) is
returned out of the transaction and raised after it, so that the change stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import ACCESS_TOKEN_S, CODE_S
from penfold.domain.access.consent import read_scopes
from penfold.domain.access.devices import DEVICE_GRANT, Devices
from penfold.domain.access.grant_rules import GOOGLES_RULES, GrantRules
from penfold.domain.access.id_tokens import IdTokens
from penfold.domain.access.service_accounts import ASSERTION_GRANT, ServiceAccounts, Word
from penfold.ports.directory import Account
from penfold.ports.identity import (
    ASSERTION,
    CONSENT,
    ISSUED,
    SERVICE,
    AccessToken,
    Client,
    Code,
    Grant,
    IdentityBook,
    IdentityWriter,
    RefreshToken,
    ServiceToken,
    Session,
)
from penfold.proto.oauth import (
    ACCESS_PREFIX,
    CLIENT_NOT_FOUND,
    CODE_PREFIX,
    MALFORMED_CODE,
    REFRESH_PREFIX,
    TOKEN_DEAD,
    WRONG_SECRET,
    ClientLogin,
    OAuthError,
    Parameters,
    check_verifier,
    digest,
    invalid_client,
    invalid_grant,
    invalid_request,
    make_token,
    missing,
    parse_client_login,
    same_secret,
)
from penfold.spec.scopes import OPENID

_DAY_MS = 86_400_000
_BURNT = "burnt"


class Issued(Struct, frozen=True, gc=False):
    """Tokens just made; refresh_token "" when there is none (or the old one stays).

    ends_ms: when the refresh token dies however much it is used; 0: not by time.
    """

    account: Account
    client_id: str
    scopes: frozenset[str]
    access_token: str
    refresh_token: str
    expires_ms: int
    nonce: str = ""
    ends_ms: int = 0


@dataclass(frozen=True, slots=True)
class Grants:
    """Exchanges, issues and revokes."""

    book: IdentityBook
    clock: Clock
    chance: Chance
    id_tokens: IdTokens
    service_accounts: ServiceAccounts
    devices: Devices
    rules: GrantRules = GOOGLES_RULES

    def exchange(
        self, given: Parameters, *, authorization: str | None, base: str, issuer: str
    ) -> dict[str, Any]:
        """Return the token endpoint's answer; authorization is the header of that name.

        base: the address the client reached us by, which an assertion may name as audience.
        """
        kind = given.get("grant_type", "")
        if kind == ASSERTION_GRANT:
            return self._assertion(given, base=base, issuer=issuer)
        exchange = self._exchanges().get(kind)
        if exchange is None:
            raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {kind}")
        client = self._check_login(parse_client_login(given, authorization))
        return self._answer(exchange(client, given), issuer)

    def issue_token(
        self,
        account: Account,
        client: Client,
        scopes: frozenset[str],
        *,
        lifetime_s: int = ACCESS_TOKEN_S,
        offline: bool = False,
    ) -> Issued:
        """Return tokens the operator hands out without asking anybody."""
        grant = self._new_grant(account, client, scopes, offline=offline, origin=ISSUED)
        return self.book.change(
            lambda writer: self._give(writer, grant, account, client, lifetime_s=lifetime_s)
        )

    def revoke(self, token: str) -> None:
        """End the grant a token stems from; OAuthError when the token is not (or no more) good.

        RFC 7009 §2.2 would have an unknown token answered with success; Gmail (documented)
        answers invalid_token, and clients show that.
        """
        key = digest(token)

        def revoke(writer: IdentityWriter) -> bool:
            found = writer.find(RefreshToken, key) or writer.find(AccessToken, key)
            if found is not None:
                return writer.delete(Grant, found.grant_id)
            return writer.delete(ServiceToken, key)

        if not self.book.change(revoke):
            raise OAuthError("invalid_token", "Token expired or revoked")

    # --- the exchanges -------------------------------------------------------------

    def _exchanges(self) -> dict[str, Callable[[Client, Parameters], Issued]]:
        """Return those in which a client logs in."""
        return {
            "authorization_code": self._code,
            "refresh_token": self._refresh,
            DEVICE_GRANT: self._device,
        }

    def _check_login(self, login: ClientLogin) -> Client:
        client = self.book.find(Client, login.client_id)
        if client is None or client.kind == SERVICE:
            raise invalid_client(CLIENT_NOT_FOUND)
        if client.secret and not login.secret:
            raise invalid_request("client_secret is missing.")
        if client.secret and not same_secret(login.secret, client.secret):
            raise invalid_client(WRONG_SECRET)
        return client

    def _code(self, client: Client, given: Parameters) -> Issued:
        for name in ("code", "redirect_uri"):
            if name not in given:
                raise missing(name)
        # Some clients pass the code on as it stood in the address, percent-encoded.
        token = given["code"].replace("4%2F", "4/", 1)
        if not token.startswith(CODE_PREFIX):
            raise invalid_grant(MALFORMED_CODE)
        return self._change(lambda writer: self._code_in_tx(writer, client, given, digest(token)))

    def _code_in_tx(
        self, writer: IdentityWriter, client: Client, given: Parameters, key: bytes
    ) -> Issued | OAuthError:
        code = writer.find(Code, key)
        if code is None:
            return invalid_grant(MALFORMED_CODE)
        if code.used:
            writer.delete(Grant, code.used)
            return invalid_grant()
        try:
            account = self._check_code(writer, code, client, given)
        except OAuthError as refusal:
            writer.replace(msgspec.structs.replace(code, used=_BURNT))
            return refusal
        grant = self._new_grant(account, client, code.scopes, offline=code.offline)
        writer.replace(msgspec.structs.replace(code, used=grant.id))
        return self._give(writer, grant, account, client, nonce=code.nonce)

    def _check_code(
        self, writer: IdentityWriter, code: Code, client: Client, given: Parameters
    ) -> Account:
        if code.client_id != client.id or self._age_s(code.created_ms) > CODE_S:
            raise invalid_grant()
        if code.redirect_uri != given["redirect_uri"]:
            raise OAuthError("redirect_uri_mismatch", "Bad Request")
        check_verifier(code.challenge, given.get("code_verifier", ""))
        return self._check_account(writer, code.account_id)

    def _device(self, client: Client, given: Parameters) -> Issued:
        if "device_code" not in given:
            raise missing("device_code")

        def claim(writer: IdentityWriter) -> Issued | OAuthError:
            found = self.devices.claim_in_tx(writer, client, given["device_code"])
            if isinstance(found, OAuthError):
                return found
            account = self._check_account(writer, found.account_id)
            grant = self._new_grant(account, client, found.scopes, offline=True)
            return self._give(writer, grant, account, client)

        return self._change(claim)

    def _refresh(self, client: Client, given: Parameters) -> Issued:
        if "refresh_token" not in given:
            raise missing("refresh_token")
        key = digest(given["refresh_token"])
        return self._change(lambda writer: self._refresh_in_tx(writer, client, given, key))

    def _refresh_in_tx(
        self, writer: IdentityWriter, client: Client, given: Parameters, key: bytes
    ) -> Issued | OAuthError:
        token = writer.find(RefreshToken, key)
        grant = None if token is None else writer.find(Grant, token.grant_id)
        if token is None or grant is None:
            return invalid_grant(TOKEN_DEAD)
        if grant.client_id != client.id:
            return invalid_grant()
        if token.spent or self._is_over(token, grant, client):
            writer.delete(Grant, grant.id)
            return invalid_grant(TOKEN_DEAD)
        scopes = read_scopes(given.get("scope", "").split()) or grant.scopes
        if not scopes <= grant.scopes:
            return OAuthError("invalid_scope", "Bad Request")
        account = self._check_account(writer, grant.account_id)
        now_ms, rotates = self.clock.now_ms(), client.rotates
        if rotates or now_ms - token.used_ms > _DAY_MS:
            writer.replace(msgspec.structs.replace(token, used_ms=now_ms, spent=rotates))
        narrowed = msgspec.structs.replace(grant, scopes=scopes, offline=rotates)
        return self._hand_out(writer, narrowed, account, client)

    def _is_over(self, token: RefreshToken, grant: Grant, client: Client) -> bool:
        now_ms, ends_ms = self.clock.now_ms(), self._end_of(grant, client)
        idle = now_ms - token.used_ms > self.rules.idle_days * _DAY_MS
        return idle or 0 < ends_ms <= now_ms

    def _end_of(self, grant: Grant, client: Client) -> int:
        """Return when the grant ends whatever happens, in ms; 0: never.

        What the operator issued is not somebody's consent: it lasts.
        """
        if not client.testing or grant.origin != CONSENT:
            return 0
        return grant.created_ms + self.rules.testing_days * _DAY_MS

    def _assertion(self, given: Parameters, *, base: str, issuer: str) -> dict[str, Any]:
        if "assertion" not in given:
            raise missing("assertion")
        word = self.service_accounts.check(given["assertion"], base=base)
        if word.audience:
            # Gmail (documented): with target_audience the answer is an id token and nothing else.
            make = self.id_tokens.make_for_service
            return {"id_token": make(word.service, audience=word.audience, issuer=issuer)}
        return self._answer(self._take_word(word), issuer)

    def _take_word(self, word: Word) -> Issued:
        def issue(writer: IdentityWriter) -> Issued:
            if word.itself:
                return self._give_service(writer, word)
            held = writer.list_by(Grant, account_id=word.account.id, client_id=word.client.id)
            grant = next((one for one in held if one.scopes == word.scopes), None)
            if grant is not None:
                return self._hand_out(writer, grant, word.account, word.client)
            new = self._new_grant(
                word.account, word.client, word.scopes, offline=False, origin=ASSERTION
            )
            return self._give(writer, new, word.account, word.client)

        return self.book.change(issue)

    def _give_service(self, writer: IdentityWriter, word: Word) -> Issued:
        """Return an access token that is the service account's own."""
        now_ms = self.clock.now_ms()
        writer.expire(ServiceToken, now_ms=now_ms)
        access = make_token(f"{ACCESS_PREFIX}c.", self.chance)
        expires_ms = now_ms + 1000 * ACCESS_TOKEN_S
        writer.add(ServiceToken(digest(access), word.client.id, word.scopes, now_ms, expires_ms))
        return Issued(word.account, word.client.id, word.scopes, access, "", expires_ms)

    # --- handing out ---------------------------------------------------------------

    def _new_grant(
        self,
        account: Account,
        client: Client,
        scopes: frozenset[str],
        *,
        offline: bool,
        origin: str = CONSENT,
    ) -> Grant:
        name = f"{self.chance.getrandbits(80):020x}"
        return Grant(name, account.id, client.id, scopes, offline, self.clock.now_ms(), origin)

    def _give(
        self,
        writer: IdentityWriter,
        grant: Grant,
        account: Account,
        client: Client,
        *,
        nonce: str = "",
        lifetime_s: int = ACCESS_TOKEN_S,
    ) -> Issued:
        """Store a new grant and return its first tokens."""
        writer.add(grant)
        self._drop_old(writer, grant)
        return self._hand_out(writer, grant, account, client, nonce=nonce, lifetime_s=lifetime_s)

    def _hand_out(
        self,
        writer: IdentityWriter,
        grant: Grant,
        account: Account,
        client: Client,
        *,
        nonce: str = "",
        lifetime_s: int = ACCESS_TOKEN_S,
    ) -> Issued:
        """Return a new access token of the grant, and a refresh token if it is offline."""
        now_ms = self.clock.now_ms()
        for kind in (AccessToken, Code, Session):
            writer.expire(kind, now_ms=now_ms)
        prefix = f"{ACCESS_PREFIX}c." if client.kind == SERVICE else ACCESS_PREFIX
        access, refresh = make_token(prefix, self.chance), ""
        expires_ms = now_ms + 1000 * lifetime_s
        writer.add(
            AccessToken(
                digest(access), grant.id, account.id, client.id, client.project, grant.scopes,
                now_ms, expires_ms,
            )
        )  # fmt: skip
        if grant.offline:
            refresh = make_token(REFRESH_PREFIX, self.chance)
            writer.add(RefreshToken(digest(refresh), grant.id, now_ms, now_ms))
        ends_ms = self._end_of(grant, client)
        return Issued(account, client.id, grant.scopes, access, refresh, expires_ms, nonce, ends_ms)

    def _drop_old(self, writer: IdentityWriter, new: Grant) -> None:
        """Keep the number of grants of one account and client within bounds.

        Gmail (documented): past 100 refresh tokens the oldest dies without a word. What the
        operator issued, or a service account took, goes when none of its tokens is left.
        """
        held = [
            grant
            for grant in writer.list_by(Grant, account_id=new.account_id, client_id=new.client_id)
            if grant.origin == new.origin and grant.id != new.id
        ]
        if new.origin == CONSENT:
            old = held[: max(0, len(held) + 1 - self.rules.per_client)]
        else:
            old = [grant for grant in held if not grant.offline and _is_spent(writer, grant)]
        for grant in old:
            writer.delete(Grant, grant.id)

    def _answer(self, issued: Issued, issuer: str) -> dict[str, Any]:
        # Gmail (reported by clients): 3599 for an hour, however long the exchange took.
        left_s = -((self.clock.now_ms() - issued.expires_ms) // 1000)
        answer: dict[str, Any] = {"access_token": issued.access_token, "expires_in": left_s - 1}
        if issued.refresh_token:
            answer["refresh_token"] = issued.refresh_token
        if issued.refresh_token and issued.ends_ms:
            # Gmail (documented): only where access is limited in time.
            ends_s = (issued.ends_ms - self.clock.now_ms()) // 1000
            answer["refresh_token_expires_in"] = ends_s
        answer |= {"scope": " ".join(sorted(issued.scopes)), "token_type": "Bearer"}
        if OPENID.url in issued.scopes:
            answer["id_token"] = self.id_tokens.make(
                issued.account,
                client_id=issued.client_id,
                scopes=issued.scopes,
                issuer=issuer,
                access_token=issued.access_token,
                nonce=issued.nonce,
            )
        return answer

    def _change(self, change: Callable[[IdentityWriter], Issued | OAuthError]) -> Issued:
        result = self.book.change(change)
        if isinstance(result, OAuthError):
            raise result
        return result

    def _check_account(self, writer: IdentityWriter, account_id: str) -> Account:
        account = writer.find(Account, account_id)
        if account is None or account.suspended:
            raise invalid_grant(TOKEN_DEAD)
        return account

    def _age_s(self, since_ms: int) -> float:
        return (self.clock.now_ms() - since_ms) / 1000


def _is_spent(writer: IdentityWriter, grant: Grant) -> bool:
    return not writer.list_by(AccessToken, grant_id=grant.id)
