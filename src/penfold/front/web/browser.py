"""What a request says about its browser: where it found us, its cookie, its forms.

The cookie is random, HttpOnly and SameSite=Lax; over TLS it carries the __Host- prefix. A form's
token is derived from the cookie, which no other site can read, so it needs no storage (RFC
6749 §10.12). Besides that a form must come from our own page as far as the browser says.
"""

import hmac
import re
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from penfold.base.errors import ParseError
from penfold.base.limits import OAUTH_BODY_MAX_BYTES, OAUTH_FIELDS_MAX, SESSION_DAYS
from penfold.proto.oauth import base64url, digest

Pairs = list[tuple[str, str]]

_COOKIE: Final = "penfold_browser"
#: RFC 9110 §7.2: uri-host and port, of the characters a name or an IP address can have.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class TooLargeError(ParseError):
    """The body is longer than any honest one."""

    public = "The request is too large"


def base_address(request: Request) -> str:
    """Return scheme, host and port as the client used them; ParseError when that is no host.

    Forwarded headers are not looked at.
    """
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise ParseError("the Host header is not a host")
    return f"{request.url.scheme}://{host}"


def query_pairs(request: Request) -> Pairs:
    return _parse_pairs(request.scope["query_string"])


async def read_body(request: Request) -> bytes:
    """Return the body; TooLargeError as soon as it is longer than allowed."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > OAUTH_BODY_MAX_BYTES:
            raise TooLargeError("the body is too large")
    return bytes(body)


async def read_form(request: Request) -> Pairs:
    """Return the fields of a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(request)
    if kind != "application/x-www-form-urlencoded":
        raise ParseError("not a form")
    return _parse_pairs(body)


async def read_own_form(request: Request) -> dict[str, str] | None:
    """Return the fields of a form that is one of ours, shown to this browser; else None."""
    form = dict(await read_form(request))
    return form if is_own_form(request, find_cookie(request), form.get("csrf", "")) else None


def _parse_pairs(octets: bytes) -> Pairs:
    try:
        return parse_qsl(
            octets.decode("utf-8"),
            keep_blank_values=True,
            max_num_fields=OAUTH_FIELDS_MAX,
            errors="strict",
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise ParseError("the fields are not valid UTF-8, or too many") from error


def client_address(request: Request) -> str:
    """Return the network address of the peer."""
    return request.client.host if request.client else ""


def find_cookie(request: Request) -> str:
    """Return what the browser is known by, "" for a new one."""
    return request.cookies.get(_name(request), "")


def set_cookie(request: Request, response: Response, value: str) -> None:
    response.set_cookie(
        _name(request),
        value,
        max_age=SESSION_DAYS * 86_400,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def form_token(cookie: str) -> str:
    """Return the hidden field every form of this browser carries."""
    return base64url(digest(f"form {cookie}"))


def is_own_form(request: Request, cookie: str, token: str) -> bool:
    """Return whether a posted form is one of ours, shown to this browser."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    # Our pages send no referrer, and browsers then write the origin as "null".
    origin = request.headers.get("origin", "null")
    return (
        bool(cookie)
        and hmac.compare_digest(form_token(cookie).encode(), token.encode())
        and site in ("same-origin", "none")
        and origin in ("null", base_address(request))
    )


def _name(request: Request) -> str:
    return f"__Host-{_COOKIE}" if request.url.scheme == "https" else _COOKIE
