"""The authorization endpoint: who asks, whether that is in order, and what to show next.

A request is checked in two steps. Until client and redirect address are known to belong
together, and whenever the request itself is wrong, the answer is a page here and never a redirect
(RFC 6749 §4.1.2.1, RFC 9700 §4.11); Google answers so too. Only what the person (or their
absence) decides goes back to the application.

A web client that was already allowed everything it asks for gets its code without a question.
A program on somebody's machine never does: any other program could have started it (RFC 8252 §8.6).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Struct

from penfold.base.addresses import canonical_address
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import CHALLENGE_REUSES, CODE_REMEMBERED_S
from penfold.ports.audit import Event
from penfold.ports.directory import Account
from penfold.ports.identity import (
    CONSENT,
    SERVICE,
    Client,
    Code,
    Grant,
    IdentityBook,
    IdentityWriter,
)
from penfold.proto.address import domain_of
from penfold.proto.oauth import (
    CLIENT_NOT_FOUND,
    CODE_PREFIX,
    AuthorizationRequest,
    OAuthError,
    add_to_query,
    digest,
    invalid_client,
    invalid_request,
    make_token,
    matches_redirect,
    missing,
    parse_authorization_request,
    read_parameters,
)
from penfold.spec.scopes import EMAIL, OPENID, PROFILE, find_scope

#: Scopes that say who somebody is; any of them lets an application ask.
WHO: Final = frozenset({OPENID.url, EMAIL.url, PROFILE.url})

#: Where codes were once shown to be copied by hand. Gmail (documented): blocked since 2022.
_OUT_OF_BAND: Final = "urn:ietf:wg:oauth:2.0:oob"

#: What a browser says in `authuser` when somebody wants to sign in with another account.
ANOTHER: Final = "another"


class Authorization(Struct, frozen=True, gc=False):
    """A request in order: the client is known, the redirect is its own, the scopes exist."""

    request: AuthorizationRequest
    client: Client
    scopes: frozenset[str]


class SignIn(Struct, frozen=True, gc=False):
    """Ask for an address (`hint`, if one is expected) and a password.

    domain: the application wants an account of it; "": of any.
    """

    hint: str
    domain: str = ""


class Choose(Struct, frozen=True, gc=False):
    """Ask which of the signed-in accounts it shall be."""

    accounts: tuple[Account, ...]


class Ask(Struct, frozen=True, gc=False):
    """Ask the person whether the client may; `scopes` is what it would hold.

    choices: those of them that may be left out, each by itself; none: all or nothing.
    """

    account: Account
    scopes: frozenset[str]
    choices: frozenset[str]


class Leave(Struct, frozen=True, gc=False):
    """Send the browser back to the application."""

    uri: str


Step = SignIn | Choose | Ask | Leave


def read_scopes(words: Iterable[str]) -> frozenset[str]:
    """Return the scopes a client asks for; OAuthError names those that do not exist.

    Gmail (reported by clients): email and profile come back by their long names, and openid
    comes with them.
    """
    asked = tuple(words)
    found = [find_scope(word) for word in asked]
    invalid = [word for word, scope in zip(asked, found, strict=True) if scope is None]
    if invalid:
        valid = [word for word in asked if word not in invalid]
        raise OAuthError(
            "invalid_scope",
            "Some requested scopes were invalid. "
            f"{{valid=[{', '.join(valid)}], invalid=[{', '.join(invalid)}]}}",
        )
    scopes = frozenset(scope.url for scope in found if scope is not None)
    return scopes | {OPENID.url} if scopes & {EMAIL.url, PROFILE.url} else scopes


@dataclass(frozen=True, slots=True)
class Consent:
    """Decides at the authorization endpoint."""

    book: IdentityBook
    clock: Clock
    chance: Chance

    def check(self, pairs: Iterable[tuple[str, str]]) -> Authorization:
        """Return the request when it is in order; OAuthError is for a page, not for a redirect."""
        given = read_parameters(pairs)
        client = self._check_client(given.get("client_id", ""))
        if "redirect_uri" not in given:
            raise missing("redirect_uri")
        self._check_redirect(client, given["redirect_uri"])
        request = parse_authorization_request(given)
        if client.pkce and not request.challenge:
            raise invalid_request("Code challenge required (code_challenge with S256).")
        return Authorization(request, client, read_scopes(request.scopes))

    def decide(
        self, authorization: Authorization, accounts: Sequence[Account], chosen: str, issuer: str
    ) -> Step:
        """Return what comes next for a browser in which these accounts are signed in.

        chosen: the address somebody picked on the page before, ANOTHER, or "".
        """
        request = authorization.request
        accounts = [each for each in accounts if _is_of(each, request.domain)]
        if "none" in request.prompt:
            return self._decide_silently(authorization, accounts, issuer)
        account = _pick(accounts, chosen)
        if account is None and chosen != ANOTHER:
            account = _expected(accounts, request)
            if account is None and accounts and not _elsewhere(accounts, request):
                return Choose(tuple(accounts))
        if account is None:
            return SignIn("" if chosen == ANOTHER else request.login_hint, request.domain)
        if self._may_skip(authorization, account):
            return self._leave_with_code(authorization, account, issuer, asked=False)
        return Ask(account, self._wanted(authorization, account), _choices(authorization))

    def allow(
        self, authorization: Authorization, account: Account, issuer: str, ticked: Collection[str]
    ) -> Leave:
        """Return the way back with a code: the person allowed it.

        ticked: the choices that were taken; of no account where nothing was to choose. Without
        any scope left it is a refusal.
        """
        left_out = _choices(authorization).difference(ticked)
        allowed = authorization.scopes - left_out
        if not allowed:
            return self.deny(authorization, issuer)
        authorization = msgspec.structs.replace(authorization, scopes=allowed)
        return self._leave_with_code(authorization, account, issuer, asked=True)

    def deny(
        self, authorization: Authorization, issuer: str, error: str = "access_denied"
    ) -> Leave:
        """Return the way back with a refusal."""
        return _leave(authorization.request, {"error": error}, issuer)

    def _check_client(self, client_id: str) -> Client:
        if not client_id:
            raise missing("client_id")
        client = self.book.find(Client, client_id)
        if client is None or client.kind == SERVICE:
            raise invalid_client(CLIENT_NOT_FOUND)
        return client

    def _check_redirect(self, client: Client, uri: str) -> None:
        if uri.startswith(_OUT_OF_BAND):
            raise invalid_request(
                "The out-of-band (OOB) flow has been blocked. Return to http://127.0.0.1 and a "
                "port instead."
            )
        if not matches_redirect(uri, client.redirect_uris, desktop=client.kind == "desktop"):
            raise OAuthError(
                "redirect_uri_mismatch",
                f"The redirect URI in the request, {uri}, does not match the ones registered for "
                "the OAuth client.",
            )

    def _decide_silently(
        self, authorization: Authorization, accounts: Sequence[Account], issuer: str
    ) -> Leave:
        """prompt=none, OpenID Connect Core §3.1.2.6: an error takes the place of a page."""
        hint = authorization.request.login_hint
        account = _pick(accounts, hint) if hint else (accounts[0] if len(accounts) == 1 else None)
        if account is None:
            several = len(accounts) > 1 and not hint
            error = "account_selection_required" if several else "login_required"
            return self.deny(authorization, issuer, error)
        if not self._may_skip(authorization, account):
            return self.deny(authorization, issuer, "consent_required")
        return self._leave_with_code(authorization, account, issuer, asked=False)

    def _may_skip(self, authorization: Authorization, account: Account) -> bool:
        """Return whether the person need not be asked (again)."""
        client, request = authorization.client, authorization.request
        if client.kind != "web" or request.prompt & {"consent"}:
            return False
        grants = self._grants(client, account)
        allowed = frozenset[str]().union(*(grant.scopes for grant in grants))
        offline_before = any(grant.offline for grant in grants)
        return (
            bool(grants)
            and authorization.scopes <= allowed
            and (offline_before or not request.offline)
        )

    def _grants(self, client: Client, account: Account) -> list[Grant]:
        grants = self.book.list_by(Grant, account_id=account.id, client_id=client.id)
        return [grant for grant in grants if grant.origin == CONSENT]

    def _wanted(self, authorization: Authorization, account: Account) -> frozenset[str]:
        """Return the scopes of the grant: what is asked for, with include_granted also the rest."""
        if not authorization.request.include_granted:
            return authorization.scopes
        grants = self._grants(authorization.client, account)
        return authorization.scopes.union(*(grant.scopes for grant in grants))

    def _leave_with_code(
        self, authorization: Authorization, account: Account, issuer: str, *, asked: bool
    ) -> Leave:
        request, client = authorization.request, authorization.client
        # Gmail (documented): installed applications always get a refresh token; web
        # applications when they ask for one and the person was asked.
        offline = client.kind == "desktop" if request.offline is None else request.offline
        token, now_ms = make_token(CODE_PREFIX, self.chance), self.clock.now_ms()
        scopes = self._wanted(authorization, account)
        code = Code(
            digest=digest(token),
            account_id=account.id,
            client_id=client.id,
            redirect_uri=request.redirect_uri,
            scopes=scopes,
            offline=offline and asked,
            nonce=request.nonce,
            challenge=request.challenge,
            created_ms=now_ms,
            expires_ms=now_ms + 1000 * CODE_REMEMBERED_S,
        )
        self.book.change(lambda writer: _keep(writer, code))
        answer = {
            "code": token,
            "scope": " ".join(sorted(scopes)),
            "authuser": "0",
            "hd": domain_of(account.address),
            "prompt": "consent" if asked else "none",
        }
        return _leave(request, answer, issuer)


def _keep(writer: IdentityWriter, code: Code) -> None:
    """Store a code; tell of an application whose challenge is always the same.

    RFC 9700 §2.1.1: a challenge is for one flow. Once or twice is a page that was shown again.
    """
    writer.add(code)
    if not code.challenge:
        return
    same = writer.list_by(Code, challenge=code.challenge)
    own = [
        one for one in same if (one.account_id, one.client_id) == (code.account_id, code.client_id)
    ]
    if len(own) == CHALLENGE_REUSES:
        writer.note(Event("reuse", "challenge", code.client_id, code.account_id))


def _choices(authorization: Authorization) -> frozenset[str]:
    """Return what the person may leave out. Gmail (documented): who somebody is goes together;
    with one scope beside that there is nothing to choose.
    """
    apart = authorization.scopes - WHO
    return apart if authorization.request.granular and len(apart) > 1 else frozenset()


def _is_of(account: Account, domain: str) -> bool:
    return not domain or domain_of(account.address) == domain


def _leave(request: AuthorizationRequest, answer: dict[str, str], issuer: str) -> Leave:
    """Return the way back; RFC 9207 §2: `iss` names us, so answers cannot be mixed up."""
    state = {"state": request.state} if request.state else {}
    return Leave(add_to_query(request.redirect_uri, {**state, "iss": issuer, **answer}))


def _pick(accounts: Sequence[Account], address: str) -> Account | None:
    wanted = canonical_address(address)
    return next((a for a in accounts if wanted == a.address or address == subject(a)), None)


def _expected(accounts: Sequence[Account], request: AuthorizationRequest) -> Account | None:
    """Return the account the application expects, unless it wants the person to choose."""
    if "select_account" in request.prompt or not request.login_hint:
        return None
    return _pick(accounts, request.login_hint)


def _elsewhere(accounts: Sequence[Account], request: AuthorizationRequest) -> bool:
    """Return whether the application expects an account that is not signed in."""
    return bool(request.login_hint) and _pick(accounts, request.login_hint) is None


def subject(account: Account) -> str:
    """Return what tokens and applications know an account by: a decimal number, as Google's."""
    # A service account that acts for itself has such a number for an id; mailboxes begin with m.
    return account.id if account.id.isdecimal() else str(int(account.id[1:], 16))
