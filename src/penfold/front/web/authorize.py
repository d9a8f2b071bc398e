"""The authorization endpoint as a person meets it: choose an account, allow or deny.

Who is not signed in is sent to the sign-in page and comes back here.

Every page stands at the address of the request itself, with its whole query, and its form posts
there too, so each step checks the request anew and nothing about it is kept between steps. The
account somebody chose is one more parameter, `authuser`. After a form comes 303 (RFC 9700 §4.12),
so no password is ever sent on.
"""

from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from penfold.domain.access.consent import ANOTHER, Ask, Authorization, Choose, Leave, SignIn, Step
from penfold.domain.access.identity import Identity
from penfold.front.web.browser import (
    Pairs,
    base_address,
    find_cookie,
    form_token,
    is_own_form,
    query_pairs,
    read_form,
)
from penfold.front.web.pages import error_page, page, page_headers
from penfold.front.web.sign_in import stale_page
from penfold.front.web.visit import see, sign_in_url
from penfold.ports.directory import Account
from penfold.proto.oauth import OAuthError, is_loopback
from penfold.spec.scopes import SCOPES

_CHOSEN: Final = "authuser"
_ADVICE: Final = (
    "If you are developing this application, compare the request with what is registered for "
    "the OAuth client."
)


class Authorize:
    """Serves the authorization endpoint."""

    def __init__(self, identity: Identity, *, issuer: str) -> None:
        self._identity = identity
        self._issuer = issuer

    async def show(self, request: Request) -> Response:
        """Answer a GET: the page for where this browser stands, or the way back."""
        pairs, chosen = _split_chosen(query_pairs(request))
        try:
            authorization = self._identity.consent.check(pairs)
        except OAuthError as error:
            return _refuse(error)
        step = await self._decide(request, authorization, chosen)
        return self._show(request, authorization, pairs, step)

    async def post(self, request: Request) -> Response:
        """Answer a form."""
        pairs, _ = _split_chosen(query_pairs(request))
        filled = await read_form(request)
        form = dict(filled)
        cookie = find_cookie(request)
        if not is_own_form(request, cookie, form.get("csrf", "")):
            return stale_page()
        try:
            authorization = self._identity.consent.check(pairs)
        except OAuthError as error:
            return _refuse(error)
        if form.get("step") == "consent":
            ticked = [value for name, value in filled if name == "scope"]
            return await self._answer(request, authorization, pairs, form, ticked)
        if form.get("step") == "sign-out":
            await run_in_threadpool(self._identity.sessions.sign_out, cookie)
        return _again(request, pairs)

    # --- steps ---------------------------------------------------------------------

    async def _decide(self, request: Request, authorization: Authorization, chosen: str) -> Step:
        accounts = self._identity.sessions.list_accounts(find_cookie(request))
        return await run_in_threadpool(
            self._identity.consent.decide, authorization, accounts, chosen, self._iss(request)
        )

    async def _answer(
        self,
        request: Request,
        authorization: Authorization,
        pairs: Pairs,
        form: dict[str, str],
        ticked: list[str],
    ) -> Response:
        sessions, wanted = self._identity.sessions, form.get("account", "")
        found = sessions.list_signed_in(find_cookie(request))
        me = next((one for one in found if one.account.address == wanted), None)
        decision = form.get("decision")
        if me is None or decision not in ("allow", "deny"):
            return _again(request, pairs)  # signed out meanwhile
        await run_in_threadpool(sessions.note_use, me.session)
        consent, issuer = self._identity.consent, self._iss(request)
        if decision == "deny":
            return _leave(consent.deny(authorization, issuer))
        return _leave(
            await run_in_threadpool(consent.allow, authorization, me.account, issuer, ticked)
        )

    # --- pages ---------------------------------------------------------------------

    def _show(
        self, request: Request, authorization: Authorization, pairs: Pairs, step: Step
    ) -> Response:
        match step:
            case Leave():
                return _leave(step)
            case SignIn():
                return see(sign_in_url(request.url.path + _href(pairs, ""), hint=step.hint))
            case Choose(accounts=accounts):
                return _choose_page(request, authorization, pairs, accounts)
            case Ask():
                return _consent_page(request, authorization, pairs, step)

    def _iss(self, request: Request) -> str:
        return self._issuer or base_address(request)


def _choose_page(
    request: Request, authorization: Authorization, pairs: Pairs, accounts: tuple[Account, ...]
) -> Response:
    choices = [
        {"address": one.address, "name": one.name, "href": _href(pairs, one.address)}
        for one in accounts
    ]
    return page(
        "choose",
        client=authorization.client.name,
        choices=choices,
        another=_href(pairs, ANOTHER),
        csrf=form_token(find_cookie(request)),
    )


def _consent_page(
    request: Request, authorization: Authorization, pairs: Pairs, ask: Ask
) -> Response:
    asked, client = authorization.request, authorization.client
    return page(
        "consent",
        target=asked.redirect_uri,
        client=client.name,
        account=ask.account,
        scopes=[scope for url, scope in SCOPES.items() if url in ask.scopes],
        choices=ask.choices,
        local=is_loopback(asked.redirect_uri),
        host=urlsplit(asked.redirect_uri).netloc,
        offline=asked.offline or (asked.offline is None and client.kind == "desktop"),
        another=_href(pairs, ANOTHER),
        csrf=form_token(find_cookie(request)),
    )


def _refuse(error: OAuthError) -> Response:
    """Google (documented): a request in error ends on a page here, with status 400."""
    return error_page(
        error.description,
        heading="Access blocked: this application’s request is not valid",
        error=f"Error {error.status}: {error.error}",
        advice=_ADVICE,
    )


def _split_chosen(pairs: Pairs) -> tuple[Pairs, str]:
    rest = [(name, value) for name, value in pairs if name != _CHOSEN]
    return rest, next((value for name, value in pairs if name == _CHOSEN), "")


def _href(pairs: Pairs, chosen: str) -> str:
    return "?" + urlencode([*pairs, (_CHOSEN, chosen)] if chosen else pairs)


def _again(request: Request, pairs: Pairs, chosen: str = "") -> Response:
    """Send the browser to the same request once more."""
    return RedirectResponse(request.url.path + _href(pairs, chosen), 303, headers=page_headers())


def _leave(leave: Leave) -> Response:
    return RedirectResponse(leave.uri, 303, headers=page_headers())
