"""The page behind a mailed confirmation code: who asks for what, and a button to agree.

A GET shows, only the form confirms. The code itself is the proof, so nobody signs in, and a form
that another site sends achieves nothing without it. It is never logged: queries are not.
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from penfold.domain.settings.confirming import Confirmations
from penfold.front.web.browser import query_pairs, read_form
from penfold.front.web.pages import page

_WRONG = "This code is not valid: it was used, it is too old, or there is a typing mistake."


class Confirm:
    """Serves the page."""

    def __init__(self, confirmations: Confirmations) -> None:
        self._confirmations = confirmations

    async def show(self, request: Request) -> Response:
        """Answer a GET: what a code is for, or a form to type it in."""
        fields = dict(query_pairs(request))
        account, code = fields.get("account", "").strip(), fields.get("code", "").strip()
        if not account and not code:
            return _type_in("", "", notice="")
        asked = await run_in_threadpool(self._confirmations.find, account, code)
        if asked is None:
            return _type_in(account, code, notice=_WRONG)
        return page("confirm", asked=asked, code=code)

    async def post(self, request: Request) -> Response:
        """Answer the button."""
        fields = dict(await read_form(request))
        account, code = fields.get("account", "").strip(), fields.get("code", "").strip()
        asked = await run_in_threadpool(self._confirmations.confirm, account, code)
        if asked is None:
            return _type_in(account, code, notice=_WRONG)
        return page("confirmed", asked=asked)


def _type_in(account: str, code: str, *, notice: str) -> Response:
    return page(
        "confirm_code", status=404 if notice else 200, account=account, code=code, notice=notice
    )
