"""Identity on the web as one ASGI application: OAuth's endpoints and the pages around them.

The addresses are Google's, in every spelling clients use. The issuer named in
tokens and documents is a setting; without one it is the address the client reached us by, taken
from the Host header, so that one server can be used under several names.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penfold.base.errors import ParseError, UnavailableError
from penfold.domain.access.identity import Identity
from penfold.domain.settings.confirming import PATH, Confirmations
from penfold.front.web.account import FORMS, AccountPages
from penfold.front.web.account_forms import AccountForms
from penfold.front.web.authorize import Authorize
from penfold.front.web.browser import TooLargeError, base_address
from penfold.front.web.confirm import Confirm
from penfold.front.web.device import DevicePages
from penfold.front.web.endpoints import Endpoint, Endpoints, refusing
from penfold.front.web.mail_links import LinkPages
from penfold.front.web.pages import asset, error_page, page
from penfold.front.web.provider import ProviderPages
from penfold.front.web.sign_in import SignInPages
from penfold.front.web.visit import (
    ACCOUNT,
    AUTHORIZE_PATHS,
    DEVICE,
    PROVIDER,
    PROVIDER_BACK,
    SECOND,
    SIGN_IN,
)

Handler = Callable[[Request], Awaitable[Response]]

TOKEN_PATHS: Final = ("/token", "/oauth2/v4/token", "/o/oauth2/token")
REVOKE_PATHS: Final = ("/revoke", "/o/oauth2/revoke")
#: Google's older libraries know the second one.
DEVICE_PATHS: Final = ("/device/code", "/o/oauth2/device/code")
TOKENINFO_PATHS: Final = ("/tokeninfo", "/oauth2/v3/tokeninfo")
TOKENINFO_V2_PATHS: Final = ("/oauth2/v1/tokeninfo", "/oauth2/v2/tokeninfo")
USERINFO_PATHS: Final = ("/v1/userinfo", "/oauth2/v3/userinfo")
USERINFO_V2_PATHS: Final = ("/oauth2/v1/userinfo", "/oauth2/v2/userinfo", "/userinfo/v2/me")


class Welcome(Struct, frozen=True):
    """What the page at `/` tells in local mode: where SMTP listens, where credentials lie."""

    smtp: str
    submission: str
    submissions: str
    credentials: str


def build_web(
    identity: Identity,
    confirmations: Confirmations,
    *,
    issuer: str = "",
    welcome: Welcome | None = None,
    provider: ProviderPages | None = None,
    links: LinkPages | None = None,
) -> Starlette:
    """Return the application. issuer "": the address the client used. links: those in mail."""
    passwords = f"{welcome.credentials}/passwords.json" if welcome else ""
    authorize = Authorize(identity, issuer=issuer)
    endpoints = Endpoints(identity, issuer=issuer)

    confirm = Confirm(confirmations)

    async def home(request: Request) -> Response:
        base = base_address(request)
        accounts = identity.book.list_accounts() if welcome else []
        return page("welcome", welcome=welcome, base=base, accounts=accounts)

    async def assets(request: Request) -> Response:
        return asset(request.path_params["name"])

    get, get_post, post = ["GET"], ["GET", "POST"], ["POST"]
    routes = [
        Route("/", home),
        Route("/assets/{name}", assets),
        Route(PATH, confirm.show, methods=get),
        Route(PATH, confirm.post, methods=post),
        *(links.routes if links else ()),
        *_routes(AUTHORIZE_PATHS, authorize.show, get),
        *_routes(AUTHORIZE_PATHS, authorize.post, post),
        *_people(identity, passwords, provider),
        *_open(TOKEN_PATHS, endpoints.token, post),
        *_open(REVOKE_PATHS[:1], endpoints.revoke, post),
        *_open(REVOKE_PATHS[1:], endpoints.revoke, get_post),  # Gmail: its older form is a GET
        *_open(TOKENINFO_PATHS, endpoints.tokeninfo, get_post),
        *_open(TOKENINFO_V2_PATHS, endpoints.tokeninfo_v2, get_post),
        *_open(USERINFO_PATHS, endpoints.userinfo, get_post),
        *_open(USERINFO_V2_PATHS, endpoints.userinfo_v2, get_post),
        *_open(("/oauth2/v1/certs",), endpoints.certificates, get),
        *_open(("/oauth2/v2/certs", "/oauth2/v3/certs"), endpoints.jwks, get),
        *_open(("/robot/v1/metadata/x509/{email}",), endpoints.service_certificates, get),
        *_open(("/.well-known/openid-configuration",), endpoints.configuration, get),
        *_open(DEVICE_PATHS, endpoints.device_code, post),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: _not_here,
            TooLargeError: _too_large,
            ParseError: _malformed,
            UnavailableError: _unavailable,
        },
    )


def _routes(paths: tuple[str, ...], handler: Handler, methods: list[str]) -> list[Route]:
    return [Route(path, handler, methods=methods) for path in paths]


def _people(identity: Identity, passwords: str, provider: ProviderPages | None) -> list[Route]:
    """Return the routes for signing in, for the account's page and for devices."""
    name = provider.name if provider else ""
    sign_in = SignInPages(identity, passwords=passwords, provider=name)
    account = AccountPages(identity)
    forms, device, get, post = AccountForms(identity), DevicePages(identity), ["GET"], ["POST"]
    return [
        Route(SIGN_IN, sign_in.show, methods=get),
        Route(SIGN_IN, sign_in.post, methods=post),
        Route(SECOND, sign_in.show_second, methods=get),
        Route(SECOND, sign_in.post_second, methods=post),
        *_providing(provider),
        Route(DEVICE, device.show, methods=get),
        Route(DEVICE, device.post, methods=post),
        Route(ACCOUNT, account.show, methods=get),
        Route(f"{ACCOUNT}/prove", account.show_prove, methods=get),
        Route(f"{ACCOUNT}/prove", account.prove, methods=post),
        *_named(FORMS, forms.show, get),
        *_named(FORMS, forms.post, post),
        *_named(account.actions, account.act, post),
    ]


def _providing(provider: ProviderPages | None) -> list[Route]:
    """Return the routes to a provider and back, if there is one."""
    if provider is None:
        return []
    return [
        Route(PROVIDER, provider.start, methods=["GET"]),
        Route(PROVIDER_BACK, provider.come_back, methods=["GET"]),
    ]


def _named(names: Iterable[str], handler: Handler, methods: list[str]) -> list[Route]:
    """Return the routes below the account's page; the handler finds the name in path_params."""
    return [Route(f"{ACCOUNT}/{name}", _naming(name, handler), methods=methods) for name in names]


def _naming(name: str, handler: Handler) -> Handler:
    async def serve(request: Request) -> Response:
        request.path_params["name"] = name
        return await handler(request)

    return serve


def _open(paths: tuple[str, ...], endpoint: Endpoint, methods: list[str]) -> list[Route]:
    """Return routes that any origin may call."""
    return _routes(paths, refusing(endpoint), [*methods, "OPTIONS"])


async def _not_here(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    sentence = "This address takes other requests." if status == 405 else "There is no such page."
    headers = error.headers if isinstance(error, HTTPException) else None
    return error_page(sentence, status=status, heading="Not found", headers=headers)


async def _too_large(_request: Request, _error: Exception) -> Response:
    return error_page(TooLargeError.public, status=413)


async def _malformed(_request: Request, _error: Exception) -> Response:
    return error_page("The request is malformed.")


async def _unavailable(_request: Request, error: Exception) -> Response:
    public = getattr(error, "public", UnavailableError.public)
    return error_page(public, status=503, heading="Please try again", headers={"Retry-After": "1"})
