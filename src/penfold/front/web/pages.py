"""HTML pages: one template each, nothing from anywhere else, and no need of JavaScript.

Owns how a page leaves the house: escaped (Jinja's autoescape), never stored, never framed, never
telling another site where the reader came from, and allowed to load its own stylesheet and
picture only, and where passkeys are used our one script. RFC 9700 §4.2, §4.16.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from penfold.front.web.texts import LANGUAGE, say

_HERE: Final = "penfold.front.web"
_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_SCRIPT: Final = "script-src 'self'; "
#: Seconds a browser may keep the stylesheet; a new release is seen after that.
_ASSET_S: Final = 3_600


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    made.globals.update(say=say, language=LANGUAGE)
    return made


def page(
    template: str, *, status: int = 200, target: str = "", script: bool = False,
    headers: Mapping[str, str] | None = None, **values: Any,
) -> Response:  # fmt: skip
    """Return a page. target: a redirect address the answer to its form may lead to.

    script: the page loads the script for passkeys, and may.
    """
    body = _environment().get_template(f"{template}.html").render(values, script=script)
    all_headers = {**page_headers(target, script=script), **(headers or {})}
    return HTMLResponse(body, status, headers=all_headers)


def error_page(
    description: str, *, status: int = 400, heading: str = "This request is not valid",
    error: str = "", advice: str = "", headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """Return a page that says what is wrong, in words a developer can search for."""
    return page(
        "error",
        status=status,
        headers=headers,
        heading=heading,
        description=description,
        error=error,
        advice=advice,
    )


def page_headers(target: str = "", *, script: bool = False) -> dict[str, str]:
    """Return the headers of everything that a person looks at."""
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"{script * _SCRIPT}"
        f"form-action 'self'{_form_source(target)}; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def asset(name: str) -> Response:
    """Return a file of ours that pages refer to; 404 for any other name."""
    kind = _TYPES.get(name.rpartition(".")[2])
    body = _assets().get(name)
    if kind is None or body is None:
        return Response(status_code=404)
    headers = {"Cache-Control": f"max-age={_ASSET_S}", "X-Content-Type-Options": "nosniff"}
    return Response(body, headers=headers, media_type=kind)


@cache
def _assets() -> dict[str, bytes]:
    folder = files(_HERE) / "static"
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


def _form_source(target: str) -> str:
    """Return the origin of a redirect for form-action: browsers check it after the redirect too.

    CSP has no way to write an IPv6 address, so such a target allows its whole scheme.
    """
    if not target:
        return ""
    parts = urlsplit(target)
    source = f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"
    return f" {source}"
