"""Signing in by an OpenID Connect provider: the way to it, and the way back.

The way out is a link and changes nothing here; the way back counts only in the browser that went
out (`domain/access/provider_logins.py`). Failures count as wrong passwords of the network do. A
provider that signed somebody in is believed as a whole: no second factor is asked for (decision
26).
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from penfold.domain.access.identity import Identity
from penfold.domain.access.provider_logins import Begun
from penfold.domain.throttle import TooManyError
from penfold.front.web.browser import (
    base_address,
    client_address,
    find_cookie,
    query_pairs,
    set_cookie,
)
from penfold.front.web.pages import page
from penfold.front.web.texts import say
from penfold.front.web.visit import (
    PROVIDER_BACK,
    agent_of,
    goal_url,
    parse_goal,
    see,
    sign_in_url,
    too_many,
)
from penfold.ports.directory import Account
from penfold.ports.openid import Coming, Person, Provider, ProviderError, Reason
from penfold.spec.rates import SIGN_IN_NETWORK

#: Statuses of the pages: ours to wait for, the other server's fault, or the person's.
_STATUS: Final = {Reason.SILENT: 504, Reason.FAILED: 502, Reason.UNTRUSTED: 502}
_FORBIDDEN: Final = 403


class Failure(Struct, frozen=True, gc=False):
    """A sign-in that led nobody in, for the log."""

    issuer: str
    reason: Reason
    client: str
    address: str
    detail: str


class ProviderPages:
    """Serves /signin/provider and /signin/callback."""

    def __init__(
        self, identity: Identity, provider: Provider, tell: Callable[[Failure], None]
    ) -> None:
        self.name = provider.name
        self._identity = identity
        self._provider = provider
        self._tell = tell

    async def start(self, request: Request) -> Response:
        """Send the browser to the provider."""
        given, cookie = dict(query_pairs(request)), find_cookie(request)
        browser = cookie or self._identity.sessions.make_browser()
        goal = given.get("continue", "")
        sending = await run_in_threadpool(
            self._identity.provider_logins.begin,
            browser,
            redirect_uri=_redirect_uri(request),
            goal=goal,
            hint=given.get("login_hint", ""),
        )
        try:
            response = see(await self._provider.make_url(sending))
        except ProviderError as error:
            return self._fail(request, error, goal)
        if not cookie:
            set_cookie(request, response, browser)
        return response

    async def come_back(self, request: Request) -> Response:
        """Sign in whom the provider names, or say why not."""
        pairs = query_pairs(request)
        given = dict(pairs)
        begun = await run_in_threadpool(
            self._identity.provider_logins.find_begun,
            find_cookie(request),
            given.get("state", ""),
            redirect_uri=_redirect_uri(request),
        )
        if begun is None or len(given) < len(pairs):  # RFC 6749 §3.1: a repeated parameter
            return _page(say("provider_stale"), say("provider_stale_advice"), "")
        coming = Coming(
            code=given.get("code", ""),
            error=given.get("error", ""),
            description=given.get("error_description", ""),
            issuer=given.get("iss", ""),
        )
        try:
            return await self._enter(request, begun, coming)
        except ProviderError as error:
            return self._fail(request, error, begun.goal)
        except TooManyError as error:
            notice, headers = too_many(error)
            return _page(notice, "", begun.goal, status=429, headers=headers)

    async def _enter(self, request: Request, begun: Begun, coming: Coming) -> Response:
        throttle, client = self._identity.throttle, client_address(request)
        throttle.take(SIGN_IN_NETWORK, client)  # held while the provider is asked
        try:
            found: Person | ProviderError = await self._provider.find_person(begun.sending, coming)
        except ProviderError as error:
            if error.reason is Reason.SILENT:  # no guess of anybody's
                raise
            found = error
        finally:
            throttle.give_back(SIGN_IN_NETWORK, client)
        account, cookie = await run_in_threadpool(self._sign_in, request, begun, found)
        response = see(goal_url(*parse_goal(begun.goal), account.address))
        set_cookie(request, response, cookie)
        return response

    def _sign_in(
        self, request: Request, begun: Begun, found: Person | ProviderError
    ) -> tuple[Account, str]:
        """Return who is in and the browser's new cookie; ProviderError, which counts, if nobody."""
        failed = found if isinstance(found, ProviderError) else None
        accounts: list[Account] = []

        def ask() -> Account | None:
            nonlocal failed
            if isinstance(found, ProviderError):
                return None
            try:
                accounts.append(self._identity.provider_logins.find_account(found, begun.sending))
            except ProviderError as error:
                failed = error
                return None
            return accounts[0]

        cookie = self._identity.sessions.sign_in_by(
            find_cookie(request),
            ask,
            shown="provider",
            client=client_address(request),
            agent=agent_of(request),
            proven_ms=found.authenticated_ms if isinstance(found, Person) else 0,
        )
        if cookie is None:
            raise failed or ProviderError(Reason.SUSPENDED)
        return accounts[0], cookie

    def _fail(self, request: Request, error: ProviderError, goal: str) -> Response:
        name, reason = self._provider.name, error.reason
        self._tell(
            Failure(
                issuer=self._provider.issuer,
                reason=reason,
                client=client_address(request),
                address=error.address,
                detail=str(error),
            )
        )
        values = {"name": name, "address": error.address}
        return _page(
            say(f"provider_{reason}", **values),
            say(f"provider_{reason}_advice", **values),
            goal,
            status=_STATUS.get(reason, _FORBIDDEN),
        )


def _redirect_uri(request: Request) -> str:
    return base_address(request) + PROVIDER_BACK


def _page(
    notice: str,
    advice: str,
    goal: str,
    *,
    status: int = _FORBIDDEN,
    headers: dict[str, str] | None = None,
) -> Response:
    return page(
        "provider_failed",
        status=status,
        headers=headers,
        notice=notice,
        advice=advice,
        back=sign_in_url(goal),
    )
