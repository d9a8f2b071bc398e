"""Where links in mail lead: the page to get no more of it, and what is tracked.

A GET of the page shows and changes nothing, for mail scanners follow links. A POST unsubscribes, by
the page's button or by a mail program (RFC 8058 §3.2): the token in the address is the proof, so
there is no cookie, no sign-in and nothing another site could add. A token that is not ours is no
page at all, and leads nowhere.
"""

from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penfold.domain.sending.reactions import Reactions, Visit
from penfold.domain.throttle import Throttle, TooManyError
from penfold.front.web.browser import client_address, read_body
from penfold.front.web.pages import error_page, page, page_headers
from penfold.front.web.visit import too_many
from penfold.proto.mail_links import LINKS_PATH, Purpose
from penfold.spec.rates import LINK_NETWORK

#: A transparent point (GIF89a).
_POINT: Final = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
#: What browsers and mail programs say that load a page nobody asked for yet.
_AHEAD: Final = ("sec-purpose", "purpose", "x-purpose", "x-moz")


class LinkPages:
    """Serves them, and counts links that are not ours."""

    def __init__(self, reactions: Reactions, throttle: Throttle) -> None:
        self._reactions = reactions
        self._throttle = throttle
        self.routes = (
            _route(Purpose.UNSUBSCRIBE, self._ask, "GET"),
            _route(Purpose.UNSUBSCRIBE, self._unsubscribe, "POST"),
            _route(Purpose.OPEN, self._open, "GET"),
            _route(Purpose.CLICK, self._click, "GET"),
        )

    async def _ask(self, request: Request) -> Response:
        found = await run_in_threadpool(self._reactions.find, _token(request))
        return page("unsubscribe", found=found) if found else self._refuse(request)

    async def _unsubscribe(self, request: Request) -> Response:
        # RFC 8058 §3.2: the pair comes in either encoding of a form.
        body = await read_body(request)
        if b"List-Unsubscribe" not in body or b"One-Click" not in body:
            return error_page("To unsubscribe, post List-Unsubscribe=One-Click.")
        found = await run_in_threadpool(self._reactions.unsubscribe, _token(request))
        return page("unsubscribed", found=found) if found else self._refuse(request)

    async def _open(self, request: Request) -> Response:
        found = await run_in_threadpool(
            self._reactions.note_opened, _token(request), _visit(request)
        )
        if found is None:
            return self._refuse(request)
        return Response(_POINT, media_type="image/gif", headers=page_headers())

    async def _click(self, request: Request) -> Response:
        target = await run_in_threadpool(
            self._reactions.note_clicked, _token(request), _visit(request)
        )
        if target is None:
            return self._refuse(request)
        return RedirectResponse(target, 302, headers=page_headers())

    def _refuse(self, request: Request) -> Response:
        try:
            self._throttle.take(LINK_NETWORK, client_address(request))
        except TooManyError as error:
            sentence, headers = too_many(error)
            return error_page(sentence, status=429, heading="Too many requests", headers=headers)
        return error_page("There is no such page.", status=404, heading="Not found")


def _route(purpose: Purpose, serve: Callable[[Request], Awaitable[Response]], verb: str) -> Route:
    return Route(f"{LINKS_PATH}/{purpose}/{{token}}", serve, methods=[verb])


def _token(request: Request) -> str:
    token: str = request.path_params["token"]
    return token


def _visit(request: Request) -> Visit | None:
    """Return who comes; None for whoever looks where a link leads and follows none (HEAD)."""
    if request.method == "HEAD":
        return None
    agent = request.headers.get("user-agent", "")
    ahead = any(name in request.headers for name in _AHEAD)
    return Visit(agent, client_address(request), ahead)
