"""The sign-in page and the one for the second factor.

Both stand at an address with `continue`, the page that sent the person here; it is one of ours
or nothing (no open redirect). A form is followed by 303. Nothing changes before a form is sent.
"""

from collections.abc import Callable

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from penfold.base.addresses import canonical_address
from penfold.domain.access.identity import Identity
from penfold.domain.access.passkeys import Offer
from penfold.domain.throttle import TooManyError
from penfold.front.web.browser import (
    Pairs,
    client_address,
    find_cookie,
    form_token,
    query_pairs,
    read_own_form,
    set_cookie,
)
from penfold.front.web.pages import error_page, page
from penfold.front.web.texts import say
from penfold.front.web.visit import (
    AUTHORIZE_PATHS,
    agent_of,
    find_place,
    goal_url,
    parse_goal,
    provider_url,
    second_url,
    see,
    sign_in_url,
    too_many,
)
from penfold.ports.directory import Account
from penfold.proto.oauth import OAuthError


class Shown(Struct, frozen=True):
    """What a form that is shown again says."""

    notice: str = ""
    status: int = 200
    headers: dict[str, str] = {}
    address: str = ""


class Entered(Struct, frozen=True):
    """The browser's new cookie, and who has come in by it, wholly or half."""

    cookie: str
    address: str


class SignInPages:
    """Serves /signin and /signin/second."""

    def __init__(self, identity: Identity, *, passwords: str = "", provider: str = "") -> None:
        """passwords: where the passwords of local mode can be read. provider: its name."""
        self._identity = identity
        self._passwords = passwords
        self._provider = provider

    async def show(self, request: Request) -> Response:
        hint = dict(query_pairs(request)).get("login_hint", "")
        return await run_in_threadpool(self._page, request, Shown(address=hint))

    async def post(self, request: Request) -> Response:
        form = await read_own_form(request)
        if form is None:
            return stale_page()
        sessions, cookie = self._identity.sessions, find_cookie(request)
        client, agent = client_address(request), agent_of(request)
        address = form.get("address", "").strip()
        if form.get("step") == "passkey":
            return await self._passkey(request, form, None, self._page)

        def attempt() -> Entered | None:
            password = form.get("password", "")
            new = sessions.sign_in(cookie, address, password, client=client, agent=agent)
            return Entered(new, canonical_address(address)) if new else None

        wrong = Shown(say("wrong_password"), 403, address=address)
        return await self._enter(request, attempt, wrong, self._page)

    async def show_second(self, request: Request) -> Response:
        return await run_in_threadpool(self._second, request, Shown())

    async def post_second(self, request: Request) -> Response:
        form = await read_own_form(request)
        if form is None:
            return stale_page()
        sessions, cookie = self._identity.sessions, find_cookie(request)
        client, agent = client_address(request), agent_of(request)
        account = await run_in_threadpool(sessions.find_half, cookie)
        if account is None:
            return see(sign_in_url(_goal_text(request)))
        if form.get("step") == "passkey":
            return await self._passkey(request, form, account, self._second)

        def attempt() -> Entered | None:
            code = form.get("code", "")
            new = sessions.sign_in_by_code(cookie, code, client=client, agent=agent)
            return Entered(new, account.address) if new else None

        return await self._enter(request, attempt, Shown(say("wrong_code"), 403), self._second)

    # --- steps ---------------------------------------------------------------------

    async def _passkey(
        self,
        request: Request,
        form: dict[str, str],
        account: Account | None,
        again: Callable[[Request, Shown], Response],
    ) -> Response:
        place, cookie = find_place(request), find_cookie(request)

        def attempt() -> Entered | None:
            client, agent = client_address(request), agent_of(request)
            found: list[Account] = []

            def ask() -> Account | None:
                sealed, text = form.get("offer", ""), form.get("credential", "")
                passkeys = self._identity.passkeys
                if place is None:
                    return None
                one = passkeys.find_account(
                    place, cookie, sealed=sealed, text=text, account=account
                )
                found.extend([one] if one else [])
                return one

            new = self._identity.sessions.sign_in_by(
                cookie, ask, shown="passkey", client=client, agent=agent
            )
            return Entered(new, found[0].address) if new else None

        return await self._enter(request, attempt, Shown(say("passkey_wrong"), 403), again)

    async def _enter(
        self,
        request: Request,
        attempt: Callable[[], Entered | None],
        wrong: Shown,
        again: Callable[[Request, Shown], Response],
    ) -> Response:
        """Try to sign in, and go on or show the form again."""
        try:
            entered = await run_in_threadpool(attempt)
        except TooManyError as error:
            notice, headers = too_many(error)
            wrong = Shown(notice, 429, headers, wrong.address)
            entered = None
        if entered is None:
            return await run_in_threadpool(again, request, wrong)
        response = see(await run_in_threadpool(self._way_on, request, entered))
        set_cookie(request, response, entered.cookie)
        return response

    def _way_on(self, request: Request, entered: Entered) -> str:
        goal = _goal_text(request)
        if self._identity.sessions.find_half(entered.cookie) is not None:
            return second_url(goal)
        return goal_url(*parse_goal(goal), entered.address)

    # --- pages ---------------------------------------------------------------------

    def _page(self, request: Request, shown: Shown) -> Response:
        cookie = find_cookie(request)
        browser = cookie or self._identity.sessions.make_browser()
        place = find_place(request)
        offer = self._identity.passkeys.offer_use(place, browser) if place else None
        path, pairs = parse_goal(_goal_text(request))
        client, target, domain = self._find_client(path, pairs)
        response = page(
            "sign_in",
            status=shown.status,
            headers=shown.headers,
            target=target,
            script=offer is not None,
            client=client,
            domain=domain,
            address=shown.address,
            notice=shown.notice,
            passkey=passkey_values(offer, say("passkey_use")),
            provider=self._provider_values(request, shown),
            passwords=self._passwords,
            csrf=form_token(browser),
        )
        if not cookie:
            set_cookie(request, response, browser)
        return response

    def _provider_values(self, request: Request, shown: Shown) -> dict[str, str] | None:
        """Return the link to the provider; None: there is none."""
        if not self._provider:
            return None
        return {
            "words": say("provider_use", name=self._provider),
            "href": provider_url(_goal_text(request), shown.address),
        }

    def _second(self, request: Request, shown: Shown) -> Response:
        cookie = find_cookie(request)
        account = self._identity.sessions.find_half(cookie)
        goal = _goal_text(request)
        if account is None:
            return see(sign_in_url(goal))
        place = find_place(request)
        offer = self._identity.passkeys.offer_use(place, cookie, account) if place else None
        _, target, _ = self._find_client(*parse_goal(goal))
        return page(
            "second",
            status=shown.status,
            headers=shown.headers,
            target=target,
            script=offer is not None,
            account=account.address,
            notice=shown.notice,
            passkey=passkey_values(offer, say("passkey_use")),
            anew=sign_in_url(goal),
            csrf=form_token(cookie),
        )

    def _find_client(self, path: str, pairs: Pairs) -> tuple[str, str, str]:
        """Return who waits behind the sign-in: its name, its redirect address, its domain."""
        if path not in AUTHORIZE_PATHS:
            return "", "", ""
        try:
            found = self._identity.consent.check([p for p in pairs if p[0] != "authuser"])
        except OAuthError:
            return "", "", ""
        return found.client.name, found.request.redirect_uri, found.request.domain


def stale_page() -> Response:
    return error_page(say("stale"), status=403, heading=say("start_again"))


def passkey_values(offer: Offer | None, words: str, label: str = "") -> dict[str, str] | None:
    """Return what the form for passkeys shows; None: there is none."""
    if offer is None:
        return None
    return {
        "options": offer.options,
        "offer": offer.sealed,
        "words": words,
        "label": label,
    }


def _goal_text(request: Request) -> str:
    return dict(query_pairs(request)).get("continue", "")
