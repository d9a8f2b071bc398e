"""Where links in mail lead: the page to get no more of it.

A GET shows and changes nothing, for mail scanners follow links. A POST unsubscribes, by the page's
button or by a mail program (RFC 8058 §3.2): the token in the address is the proof, so there is no
cookie, no sign-in and nothing another site could add. A token that is not ours is no page at all.
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penfold.domain.sending.reactions import Reactions
from penfold.domain.throttle import Throttle, TooManyError
from penfold.front.web.browser import client_address, read_body
from penfold.front.web.pages import error_page, page
from penfold.front.web.visit import too_many
from penfold.proto.mail_links import LINKS_PATH, Purpose
from penfold.spec.rates import LINK_NETWORK


class LinkPages:
    """Serves them, and counts links that are not ours."""

    def __init__(self, reactions: Reactions, throttle: Throttle) -> None:
        self._reactions = reactions
        self._throttle = throttle
        path = f"{LINKS_PATH}/{Purpose.UNSUBSCRIBE}/{{token}}"
        self.routes = (
            Route(path, self._ask, methods=["GET"]),
            Route(path, self._unsubscribe, methods=["POST"]),
        )

    async def _ask(self, request: Request) -> Response:
        found = await run_in_threadpool(self._reactions.find, request.path_params["token"])
        return page("unsubscribe", found=found) if found else self._refuse(request)

    async def _unsubscribe(self, request: Request) -> Response:
        # RFC 8058 §3.2: the pair comes in either encoding of a form.
        body = await read_body(request)
        if b"List-Unsubscribe" not in body or b"One-Click" not in body:
            return error_page("To unsubscribe, post List-Unsubscribe=One-Click.")
        found = await run_in_threadpool(self._reactions.unsubscribe, request.path_params["token"])
        return page("unsubscribed", found=found) if found else self._refuse(request)

    def _refuse(self, request: Request) -> Response:
        try:
            self._throttle.take(LINK_NETWORK, client_address(request))
        except TooManyError as error:
            sentence, headers = too_many(error)
            return error_page(sentence, status=429, heading="Too many requests", headers=headers)
        return error_page("There is no such page.", status=404, heading="Not found")
