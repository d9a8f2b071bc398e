"""Forms below the account's page: an authenticator app, codes, passkeys, passwords.

Each needs the password shown a moment ago. A page that shows a secret changes nothing; the secret
lies sealed in its form (`domain/access/offers.py`) and counts once the form comes back. So every
form is followed by 303, and a secret is on one page once.
"""

from typing import Any, Final

import segno
from markupsafe import Markup
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from penfold.base.errors import ConflictError, ParseError
from penfold.base.limits import LABEL_MAX_CHARS, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS
from penfold.domain.access.identity import Identity
from penfold.domain.access.sessions import SignedIn
from penfold.front.web.account import account_url, find_me, prove_url
from penfold.front.web.browser import (
    client_address,
    find_cookie,
    form_token,
    read_own_form,
    set_cookie,
)
from penfold.front.web.pages import page
from penfold.front.web.sign_in import passkey_values, stale_page
from penfold.front.web.texts import say
from penfold.front.web.visit import ACCOUNT, agent_of, find_place, see, sign_in_url
from penfold.proto.oauth import make_app_password
from penfold.proto.totp import make_secret, make_uri, spell_secret

_ISSUER: Final = "Penfold"
#: Pixels of one square of the picture: a telephone reads it from a screen at arm's length.
_SQUARE: Final = 4


class Field(Struct, frozen=True):
    """One input of a form."""

    name: str
    label: str
    type: str = "text"
    complete: str = "off"
    hint: str = ""
    required: bool = True


class Form(Struct, frozen=True):
    """What a page shows; secret: what its form carries, sealed."""

    heading: str
    lead: str
    button: str
    secret: str = ""
    shown: str = ""
    picture: str = ""
    fields: tuple[Field, ...] = ()
    passkey: dict[str, str] | None = None


class AccountForms:
    """Serves /account/{totp,recovery,passkey,app-password,password}."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._makers = {
            "totp": self._make_totp,
            "recovery": self._make_recovery,
            "passkey": self._make_passkey,
            "app-password": self._make_app_password,
            "password": self._make_password,
        }
        self._takers = {
            "totp": self._take_totp,
            "recovery": self._take_recovery,
            "passkey": self._take_passkey,
            "app-password": self._take_app_password,
            "password": self._take_password,
        }

    async def show(self, request: Request) -> Response:
        return await run_in_threadpool(self._show, request)

    async def post(self, request: Request) -> Response:
        form = await read_own_form(request)
        if form is None:
            return stale_page()
        return await run_in_threadpool(self._post, request, form)

    def _show(self, request: Request) -> Response:
        me = self._find(request)
        if isinstance(me, Response):
            return me
        return self._page(request, me, self._makers[request.path_params["name"]](request, me, ""))

    def _post(self, request: Request, form: dict[str, str]) -> Response:
        me = self._find(request)
        if isinstance(me, Response):
            return me
        name = request.path_params["name"]
        secret = ""
        if name not in ("passkey", "password"):
            offers, cookie = self._identity.offers, find_cookie(request)
            purpose = _purpose(request, me)
            secret = offers.find(form.get("offer", ""), purpose=purpose, browser=cookie) or ""
            if not secret:
                return stale_page()
        done = self._takers[name](request, me, secret, form)
        if isinstance(done, Response):
            return done
        again = self._makers[name](request, me, secret)
        return self._page(request, me, again, notice=done)

    def _find(self, request: Request) -> SignedIn | Response:
        """Return who is there and has just shown the password, or where to go first."""
        me = find_me(self._identity, request)
        if me is None:
            return see(sign_in_url(ACCOUNT))
        if not self._identity.sessions.is_proven(me.session):
            return see(prove_url(me.account, request.path_params["name"]))
        return me

    def _page(self, request: Request, me: SignedIn, form: Form, *, notice: str = "") -> Response:
        cookie = find_cookie(request)
        sealed = ""
        if form.secret:
            purpose = _purpose(request, me)
            sealed = self._identity.offers.seal(form.secret, purpose=purpose, browser=cookie)
        values: dict[str, Any] = {name: getattr(form, name) for name in form.__struct_fields__}
        values["picture"] = Markup(form.picture)  # noqa: S704 - drawn here, of squares only
        return page(
            "account_form",
            status=400 if notice else 200,
            script=form.passkey is not None,
            account=me.account.address,
            notice=notice,
            offer=sealed,
            back=account_url(me.account),
            csrf=form_token(cookie),
            **values,
        )

    # --- authenticator app ---------------------------------------------------------

    def _make_totp(self, _request: Request, me: SignedIn, secret: str) -> Form:
        octets = bytes.fromhex(secret) or make_secret(self._identity.sessions.chance)
        uri = make_uri(octets, issuer=_ISSUER, account=me.account.address)
        picture = segno.make(uri, error="m").svg_inline(
            scale=_SQUARE, border=4, dark="#000", light="#fff", svgclass=None, lineclass=None
        )
        return Form(
            heading=say("totp_add"),
            lead=say("totp_lead"),
            button=say("continue"),
            secret=octets.hex(),
            shown=f"{spell_secret(octets)}\n\n{uri}",
            picture=picture,
            fields=(Field("code", say("code"), complete="one-time-code"),),
        )

    def _take_totp(
        self, _request: Request, me: SignedIn, secret: str, form: dict[str, str]
    ) -> Response | str:
        factors = self._identity.factors
        if not factors.add_totp(me.account, bytes.fromhex(secret), form.get("code", "")):
            return say("totp_wrong")
        has_codes = factors.list_of(me.account).recovery_codes
        return see(account_url(me.account, "" if has_codes else "recovery"))

    # --- recovery codes ------------------------------------------------------------

    def _make_recovery(self, _request: Request, _me: SignedIn, secret: str) -> Form:
        codes = secret.split() or self._identity.factors.make_codes()
        return Form(
            heading=say("recovery"),
            lead=f"{say('recovery_lead')} {say('recovery_old')}",
            button=say("recovery_save"),
            secret=" ".join(codes),
            shown="\n".join(map(_spaced, codes)),
        )

    def _take_recovery(
        self, _request: Request, me: SignedIn, secret: str, _form: dict[str, str]
    ) -> Response | str:
        self._identity.factors.save_codes(me.account, secret.split())
        return see(account_url(me.account))

    # --- passkeys ------------------------------------------------------------------

    def _make_passkey(self, request: Request, me: SignedIn, _secret: str) -> Form:
        place, words = find_place(request), say("passkey_add")
        if place is None:
            return Form(heading=words, lead=say("passkey_nowhere"), button=say("back"))
        offer = self._identity.passkeys.offer_new(place, find_cookie(request), me.account)
        values = passkey_values(offer, words, say("passkey_default"))
        return Form(heading=words, lead=say("passkey_lead"), button=words, passkey=values)

    def _take_passkey(
        self, request: Request, me: SignedIn, _secret: str, form: dict[str, str]
    ) -> Response | str:
        place = find_place(request)
        added = place is not None and self._identity.passkeys.add(
            place,
            find_cookie(request),
            me.account,
            sealed=form.get("offer", ""),
            text=form.get("credential", ""),
            label=form.get("label", "") or say("passkey_default"),
        )
        return see(account_url(me.account)) if added else say("passkey_wrong")

    # --- passwords -----------------------------------------------------------------

    def _make_app_password(self, _request: Request, _me: SignedIn, secret: str) -> Form:
        password = secret or make_app_password(self._identity.accounts.chance)
        return Form(
            heading=say("app_password_add"),
            lead=say("app_password_shown"),
            button=say("app_password_save"),
            secret=password,
            shown=_spaced(password),
            fields=(Field("label", say("app_password_label"), required=False),),
        )

    def _take_app_password(
        self, _request: Request, me: SignedIn, secret: str, form: dict[str, str]
    ) -> Response | str:
        label = form.get("label", "").strip()[:LABEL_MAX_CHARS]
        try:
            self._identity.accounts.save_app_password(me.account, secret, label=label)
        except ConflictError:
            return say("too_many_kept")
        return see(account_url(me.account))

    def _make_password(self, _request: Request, _me: SignedIn, _secret: str) -> Form:
        ends = self._identity.accounts.password_ends_grants
        rule = say("password_rule", least=PASSWORD_MIN_CHARS)
        return Form(
            heading=say("password_change"),
            lead=say("password_lead") if ends else say("password_lead_kept"),
            button=say("password_change"),
            fields=(
                Field("new", say("password_new"), "password", "new-password", rule),
                Field("again", say("password_again"), "password", "new-password"),
            ),
        )

    def _take_password(
        self, request: Request, me: SignedIn, _secret: str, form: dict[str, str]
    ) -> Response | str:
        new = form.get("new", "")
        if new != form.get("again", ""):
            return say("password_differs")
        try:
            self._identity.accounts.set_password(me.account.address, new)
        except ParseError:
            return say("password_short", least=PASSWORD_MIN_CHARS, most=PASSWORD_MAX_CHARS)
        cookie = self._identity.sessions.enter(
            find_cookie(request),
            me.account,
            client=client_address(request),
            agent=agent_of(request),
        )
        response = see(account_url(me.account))
        set_cookie(request, response, cookie)
        return response


def _purpose(request: Request, me: SignedIn) -> str:
    return f"{request.path_params['name']} {me.account.id}"


def _spaced(word: str) -> str:
    """Return a word in groups of four, as people read it out."""
    return " ".join(word[at : at + 4] for at in range(0, len(word), 4))
