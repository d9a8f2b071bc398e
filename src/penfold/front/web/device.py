"""/device: where a person types the code that a device shows, and lets it in (RFC 8628 §3.3).

Who is not signed in does that first, so that wrong codes are counted for somebody. The code never
stands in an address: no link leads to a question with the code filled in (§5.4). Each
step looks it up anew.
"""

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from penfold.domain.access.devices import Asked
from penfold.domain.access.identity import Identity
from penfold.domain.access.sessions import SignedIn
from penfold.domain.throttle import TooManyError
from penfold.front.web.account import find_me, show_moment
from penfold.front.web.browser import (
    client_address,
    find_cookie,
    form_token,
    read_own_form,
)
from penfold.front.web.pages import page
from penfold.front.web.sign_in import stale_page
from penfold.front.web.texts import say
from penfold.front.web.visit import DEVICE, see, sign_in_url, too_many
from penfold.spec.scopes import SCOPES

_DECISIONS: Final = ("allow", "deny")


class DevicePages:
    """Serves /device."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def show(self, request: Request) -> Response:
        """Answer a GET: sign in, or type the code."""
        return await run_in_threadpool(self._show, request)

    async def post(self, request: Request) -> Response:
        """Answer a form: a code, with or without a decision."""
        form = await read_own_form(request)
        if form is None:
            return stale_page()
        return await run_in_threadpool(self._post, request, form)

    def _show(self, request: Request) -> Response:
        me = find_me(self._identity, request)
        return see(sign_in_url(DEVICE)) if me is None else _code_page(request, me)

    def _post(self, request: Request, form: dict[str, str]) -> Response:
        me = find_me(self._identity, request, form.get("account", ""))
        if me is None:
            return see(sign_in_url(DEVICE))  # signed out meanwhile
        code, decision = form.get("user_code", "").strip(), form.get("decision", "")
        try:
            asked = self._find(request, me, code)
        except TooManyError as error:
            notice, headers = too_many(error)
            return _code_page(request, me, notice=notice, status=429, headers=headers)
        if asked is None:
            return _code_page(request, me, notice=say("device_wrong"), status=403)
        if decision not in _DECISIONS:
            return _consent_page(request, me, asked, code)
        return self._decide(request, me, asked, allow=decision == "allow")

    def _decide(self, request: Request, me: SignedIn, asked: Asked, *, allow: bool) -> Response:
        if not self._identity.devices.decide(asked, me.account, allow=allow):
            return _code_page(request, me, notice=say("device_wrong"), status=403)
        self._identity.sessions.note_use(me.session)
        return page("device_done", client=asked.client.name, allowed=allow)

    def _find(self, request: Request, me: SignedIn, code: str) -> Asked | None:
        address = client_address(request)
        return self._identity.devices.find(code, me.account, client=address)


def _code_page(
    request: Request,
    me: SignedIn,
    *,
    notice: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    return page(
        "device",
        status=status,
        headers=headers,
        notice=notice,
        **_who(request, me),
    )


def _consent_page(request: Request, me: SignedIn, asked: Asked, code: str) -> Response:
    return page(
        "device_consent",
        client=asked.client.name,
        code=code,
        scopes=[scope for url, scope in SCOPES.items() if url in asked.code.scopes],
        asked_at=show_moment(asked.code.created_ms),
        asked_from=asked.code.asked_from,
        **_who(request, me),
    )


def _who(request: Request, me: SignedIn) -> dict[str, Any]:
    return {
        "account": me.account.address,
        "another": sign_in_url(DEVICE),
        "csrf": form_token(find_cookie(request)),
    }
