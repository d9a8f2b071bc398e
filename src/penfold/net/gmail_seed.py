"""A seed mailbox looked into by the Gmail API, at Google or another Penfold.

By verified HTTPS, bounded in time and size. A label that is not known is asked for by its id.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from penfold.net.dns import Resolver
from penfold.net.https_get import HttpsOut
from penfold.ports.delivering import NoLoginError
from penfold.ports.http_out import NoAnswerError
from penfold.ports.seeds import Place, SeedError, Where
from penfold.proto.authorized_user import Token
from penfold.proto.https_url import HttpsUrl

_CATEGORY: Final = "CATEGORY_"
#: Gmail's name of the inbox's first tab.
_PRIMARY: Final = "personal"
_LABEL: Final = re.compile(r"[A-Za-z0-9_]{1,100}")


class _Named(Struct):
    id: str = ""


class _Listed(Struct):
    messages: list[_Named] = []


class _Labelled(Struct):
    labelIds: list[str] = []  # noqa: N815 - the API's name


class _Label(Struct):
    name: str = ""


class Line(Struct, frozen=True):
    """How one look reaches the world: made for one event loop. find_token: NoLoginError."""

    resolver: Resolver
    https: HttpsOut
    find_token: Callable[[], Any]


class GmailSeed:
    """A SeedMailbox (ports.seeds). url: of the API's root. open_line: for the running loop."""

    def __init__(self, url: HttpsUrl, open_line: Callable[[], Line]) -> None:
        self._url = url
        self._open_line = open_line

    def find(self, message_id: str) -> Place | None:
        try:
            return asyncio.run(self._find(message_id))
        except (NoAnswerError, NoLoginError) as error:
            raise SeedError(f"{self._url.host}: {error}") from error

    async def _find(self, message_id: str) -> Place | None:
        line = self._open_line()
        try:
            token = await line.find_token()
            query = f"q={quote(f'rfc822msgid:{message_id}', safe='')}&includeSpamTrash=true"
            listed = await self._ask(line, token, f"messages?{query}", _Listed)
            if not listed.messages:
                return None
            named = quote(listed.messages[0].id, safe="")
            message = await self._ask(line, token, f"messages/{named}?format=minimal", _Labelled)
            return await self._place(line, token, message.labelIds)
        finally:
            await line.resolver.close()

    async def _place(self, line: Line, token: Token, labels: list[str]) -> Place:
        """Return the place labels stand for; Gmail (documented): system labels."""
        for label, where in (("SPAM", Where.SPAM), ("TRASH", Where.TRASH)):
            if label in labels:
                return Place(where)
        if "INBOX" in labels:
            tabs = [
                each.removeprefix(_CATEGORY).lower()
                for each in labels
                if each.startswith(_CATEGORY)
            ]
            other = [tab for tab in tabs if tab != _PRIMARY]
            return Place(Where.CATEGORY, other[0]) if other else Place(Where.INBOX)
        own = [each for each in labels if each.startswith("Label_") and _LABEL.fullmatch(each)]
        if not own:
            return Place(Where.ARCHIVE)
        label = await self._ask(line, token, f"labels/{own[0]}", _Label)
        return Place(Where.FOLDER, label.name or own[0])

    async def _ask(self, line: Line, token: Token, path: str, kind: type[Any]) -> Any:
        whole = f"{self._url.path.rstrip('/')}/gmail/v1/users/me/{path}"
        more = (f"Authorization: Bearer {token.secret}",)
        got = await line.https.send_get(self._url.host, whole, port=self._url.port, more=more)
        if got.status != 200:
            raise SeedError(f"{self._url.host} answers {got.status}; has the token gmail.readonly?")
        try:
            return msgspec.json.decode(got.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise SeedError(f"{self._url.host} answers what is none of Gmail's API") from error
