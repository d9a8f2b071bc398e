"""The account's own page: apps, sessions, second factors and app passwords, and how to end them.

Every form names the account it is for, which has to be signed in with this browser; ids of what
is ended are looked up among that account's own. What is about signing in asks for the password
again unless it was shown a moment ago.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from penfold.domain.access.identity import Identity
from penfold.domain.access.sessions import SignedIn
from penfold.domain.throttle import TooManyError
from penfold.front.web.browser import (
    client_address,
    find_cookie,
    form_token,
    query_pairs,
    read_own_form,
)
from penfold.front.web.pages import page
from penfold.front.web.sign_in import stale_page
from penfold.front.web.texts import say
from penfold.front.web.visit import ACCOUNT, find_place, see, sign_in_url, too_many
from penfold.ports.directory import Account
from penfold.ports.identity import AppPassword, Session
from penfold.spec.scopes import SCOPES

#: Actions that need the password shown a moment ago.
_GUARDED: Final = frozenset({"totp-remove", "passkey-remove", "provider-remove"})


class AccountPages:
    """Serves /account, the forms on it, and /account/prove."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        factors, sessions = identity.factors, identity.sessions
        self._actions: dict[str, Callable[[SignedIn, str], object]] = {
            "app-remove": lambda me, key: identity.apps.remove(me.account, key),
            "session-end": lambda me, key: sessions.end(me.account, key),
            "sessions-end": lambda me, _: sessions.end_all(me.account, but=me.session.id),
            "sign-out": lambda me, _: sessions.end(me.account, me.session.id),
            "totp-remove": lambda me, _: factors.remove_totp(me.account),
            "passkey-remove": lambda me, key: factors.remove_passkey(me.account, _octets(key)),
            "provider-remove": lambda me, key: identity.provider_logins.remove(
                me.account, _octets(key)
            ),
            "app-password-remove": lambda me, key: identity.accounts.remove_app_password(
                me.account, _octets(key)
            ),
        }

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(self._actions)

    async def show(self, request: Request) -> Response:
        return await run_in_threadpool(self._show, request)

    async def act(self, request: Request) -> Response:
        """Do what a button on the page says."""
        form = await read_own_form(request)
        if form is None:
            return stale_page()
        name = request.path_params["name"]
        return await run_in_threadpool(self._act, request, name, form)

    async def show_prove(self, request: Request) -> Response:
        me = await run_in_threadpool(find_me, self._identity, request)
        return _prove_page(request, me) if me else see(sign_in_url(ACCOUNT))

    async def prove(self, request: Request) -> Response:
        """Take the password once more."""
        form = await read_own_form(request)
        if form is None:
            return stale_page()
        me = await run_in_threadpool(find_me, self._identity, request)
        if me is None:
            return see(sign_in_url(ACCOUNT))
        try:
            proven = await run_in_threadpool(
                self._identity.sessions.prove,
                me,
                form.get("password", ""),
                client=client_address(request),
            )
        except TooManyError as error:
            notice, headers = too_many(error)
            return _prove_page(request, me, notice=notice, status=429, headers=headers)
        if not proven:
            return _prove_page(request, me, notice=say("prove_wrong"), status=403)
        name = dict(query_pairs(request)).get("continue", "")
        return see(account_url(me.account, name if name in FORMS else ""))

    def _act(self, request: Request, name: str, form: dict[str, str]) -> Response:
        me = find_me(self._identity, request, form.get("account", ""))
        if me is None:
            return see(sign_in_url(ACCOUNT))
        if name in _GUARDED and not self._identity.sessions.is_proven(me.session):
            return see(prove_url(me.account))
        self._actions[name](me, form.get("id", ""))
        return see(account_url(me.account))

    def _show(self, request: Request) -> Response:
        me = find_me(self._identity, request)
        if me is None:
            return see(sign_in_url(ACCOUNT))
        identity, account = self._identity, me.account
        identity.sessions.note_use(me.session)
        factors = identity.factors.list_of(account)
        signed_in = identity.sessions.list_accounts(find_cookie(request))
        return page(
            "account",
            account=account.address,
            others=[
                {"address": one.address, "href": account_url(one)}
                for one in signed_in
                if one.id != account.id
            ],
            apps=self._list_apps(account),
            sessions=[_session_row(one, me) for one in identity.sessions.list_of(account)],
            totp=show_moment(factors.totp_ms) if factors.totp_ms else "",
            passkeys=[
                {"id": one.id.hex(), "label": one.label, **_times(one.created_ms, one.used_ms)}
                for one in factors.passkeys
            ],
            passkeys_here=find_place(request) is not None,
            codes=factors.recovery_codes,
            providers=[
                {"id": one.id.hex(), "issuer": one.issuer, **_times(one.created_ms, one.used_ms)}
                for one in identity.provider_logins.list_of(account)
            ],
            app_passwords=self._list_app_passwords(account),
            csrf=form_token(find_cookie(request)),
        )

    def _list_apps(self, account: Account) -> list[dict[str, Any]]:
        return [
            {
                "client_id": app.client_id,
                "name": app.name,
                "sentences": [s.sentence for url, s in SCOPES.items() if url in app.scopes],
                **_times(app.since_ms, app.used_ms),
            }
            for app in self._identity.apps.list_of(account)
        ]

    def _list_app_passwords(self, account: Account) -> list[dict[str, str]]:
        found = self._identity.book.list_by(AppPassword, account_id=account.id)
        return [
            {
                "id": one.digest.hex(),
                "label": one.label or say("app_password_unnamed"),
                **_times(one.created_ms, one.used_ms),
            }
            for one in found
        ]


#: Pages below the account's own that show a form; front/web/account_forms.py.
FORMS: Final = ("totp", "recovery", "passkey", "app-password", "password")


def find_me(identity: Identity, request: Request, address: str = "") -> SignedIn | None:
    """Return the session this request is about: of the account it names, else the first one."""
    address = address or dict(query_pairs(request)).get("account", "")
    found = identity.sessions.list_signed_in(find_cookie(request))
    named = [one for one in found if one.account.address == address]
    return next(iter(named or ([] if address else found)), None)


def account_url(account: Account, name: str = "") -> str:
    path = f"{ACCOUNT}/{name}" if name else ACCOUNT
    return f"{path}?{urlencode({'account': account.address})}"


def prove_url(account: Account, name: str = "") -> str:
    """Return the page that asks for the password and then leads to the form `name`."""
    return account_url(account, "prove") + (f"&{urlencode({'continue': name})}" if name else "")


def show_moment(ms: int) -> str:
    """Return a time for people, in UTC: a page without JavaScript knows no other zone."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _prove_page(
    request: Request,
    me: SignedIn,
    *,
    notice: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    return page(
        "prove",
        status=status,
        headers=headers,
        account=me.account.address,
        notice=notice,
        back=account_url(me.account),
        csrf=form_token(find_cookie(request)),
    )


def _session_row(session: Session, me: SignedIn) -> dict[str, Any]:
    return {
        "id": session.id,
        "here": session.id == me.session.id,
        "agent": session.agent or say("unknown_browser"),
        "address": session.address or say("unknown_address"),
        **_times(session.created_ms, session.used_ms),
    }


def _times(since_ms: int, used_ms: int) -> dict[str, str]:
    return {
        "since": show_moment(since_ms),
        "used": show_moment(used_ms) if used_ms else say("never"),
    }


def _octets(text: str) -> bytes:
    """Return what an id of octets stands for; b"", which nothing has, for anything else."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
