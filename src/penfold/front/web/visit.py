"""A person at the pages for signing in: where to go afterwards, and where passkeys can be used."""

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from penfold.base.limits import OAUTH_FIELDS_MAX
from penfold.domain.throttle import TooManyError
from penfold.front.web.browser import Pairs, base_address
from penfold.front.web.pages import page_headers
from penfold.front.web.texts import say
from penfold.proto.webauthn import Place

ACCOUNT: Final = "/account"
SIGN_IN: Final = "/signin"
SECOND: Final = "/signin/second"
DEVICE: Final = "/device"
PROVIDER: Final = "/signin/provider"
PROVIDER_BACK: Final = "/signin/callback"
AUTHORIZE_PATHS: Final = ("/o/oauth2/v2/auth", "/o/oauth2/auth")

#: Pages somebody may be sent on to after signing in; nothing else is believed.
_NEXT: Final = frozenset({*AUTHORIZE_PATHS, ACCOUNT, DEVICE})
#: WebAuthn §5.1.3: a relying party's id is a domain; an IP address is none.
_ADDRESS = re.compile(r"[0-9.]+|\[.*\]")


def sign_in_url(goal: str, *, hint: str = "") -> str:
    """Return the address of the sign-in page that leads on to `goal`, a path with its query."""
    given = {"continue": goal, **({"login_hint": hint} if hint else {})}
    return f"{SIGN_IN}?{urlencode(given)}"


def second_url(goal: str) -> str:
    """Return the address of the page for the second factor."""
    return f"{SECOND}?{urlencode({'continue': goal})}"


def provider_url(goal: str, hint: str = "") -> str:
    """Return the address that leads to the provider and from there to `goal`."""
    given = {"continue": goal, **({"login_hint": hint} if hint else {})}
    return f"{PROVIDER}?{urlencode(given)}"


def parse_goal(text: str) -> tuple[str, Pairs]:
    """Return path and query of where to go afterwards: /account unless it is one of ours."""
    path, _, query = text.partition("?")
    if path not in _NEXT:
        return ACCOUNT, []
    try:
        return path, parse_qsl(query, keep_blank_values=True, max_num_fields=OAUTH_FIELDS_MAX)
    except ValueError:
        return path, []


def goal_url(path: str, pairs: Pairs, address: str = "") -> str:
    """Return the way on; address: who has just signed in."""
    if path in AUTHORIZE_PATHS and address:
        pairs = [*(pair for pair in pairs if pair[0] != "authuser"), ("authuser", address)]
    elif path in (ACCOUNT, DEVICE) and address:
        pairs = [("account", address)]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def see(url: str) -> Response:
    """Send the browser on after a form (RFC 9700 §4.12)."""
    return RedirectResponse(url, 303, headers=page_headers())


def find_place(request: Request) -> Place | None:
    """Return where passkeys belong to; None where browsers have none: no HTTPS, or no name."""
    origin = base_address(request)
    host = urlsplit(origin).hostname or ""
    local = host == "localhost" or host.endswith(".localhost")
    if _ADDRESS.fullmatch(host) or ":" in host or not (local or origin.startswith("https://")):
        return None
    return Place(host, origin)


def agent_of(request: Request) -> str:
    """Return the browser and system in a few words, "" when they are not known."""
    text = request.headers.get("user-agent", "")
    found = next((name for mark, name in _BROWSERS if mark in text), "")
    system = next((name for mark, name in _SYSTEMS if mark in text), "")
    return " / ".join(part for part in (found, system) if part)


def too_many(error: TooManyError) -> tuple[str, dict[str, str]]:
    """Return what to say after too many failures, and the header that goes with it."""
    minutes = -(-error.wait_s // 60)
    when = say("minute") if minutes == 1 else say("minutes", number=minutes)
    return say("too_many", when=when), {"Retry-After": str(error.wait_s)}


#: Marks in User-Agent, the more special first: everybody claims to be Safari and Mozilla.
_BROWSERS: Final = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip
