"""What in a message is of its one recipient: where they unsubscribe, and links that are tracked.

An email that has something of the kind has one recipient: it is made so when it is accepted.
"""

import re
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from penfold.domain.access.kept_key import KeptKey
from penfold.domain.sending.composing import Unsubscribe
from penfold.domain.sending.content import Content
from penfold.ports.sending.emails import Email
from penfold.proto.mail_links import LINKS_PATH, MailLink, Purpose, is_target, sign_link
from penfold.proto.templates.model import UNSUBSCRIBE_URL
from penfold.proto.tracked_html import track

#: UNSUBSCRIBE_PLACE, as people write it in HTML and text of their own.
_PLACE: Final = re.compile(rf"\{{\{{\s{{0,9}}{UNSUBSCRIBE_URL}\s{{0,9}}\}}\}}")


class MailLinks:
    """base_url: where readers reach our pages. find_base: the same, of what is tracked of an email.

    Calls block.
    """

    def __init__(self, key: KeptKey, base_url: str, find_base: Callable[[Email], str]) -> None:
        self._key = key
        self._base_url = base_url
        self._find_base = find_base

    def personalise(
        self, email: Email, content: Content, position: int
    ) -> tuple[Content, Unsubscribe | None]:
        """Return what is in the message for its recipient, and what its header says."""
        link = MailLink(email.id, position)
        unsubscribe = None
        if email.unsubscribe:
            unsubscribe = Unsubscribe(self._make(self._base_url, Purpose.UNSUBSCRIBE, link))
            html, text = (
                None if part is None else _PLACE.sub(unsubscribe.url, part)
                for part in (content.html, content.text)
            )
            content = replace(content, html=html, text=text)
        if content.html is not None and (email.opens or email.clicks):
            content = replace(content, html=self._track(email, link, content.html))
        return content, unsubscribe

    def _track(self, email: Email, link: MailLink, html: str) -> str:
        base = self._find_base(email)
        ours = f"{self._base_url}{LINKS_PATH}/"

        def find_way(target: str) -> str | None:
            if not email.clicks or not is_target(target) or target.startswith(ours):
                return None
            return self._make(base, Purpose.CLICK, replace(link, target=target))

        picture = self._make(base, Purpose.OPEN, link) if email.opens else ""
        return track(html, find_way, picture)

    def _make(self, base: str, purpose: Purpose, link: MailLink) -> str:
        return f"{base}{LINKS_PATH}/{purpose}/{sign_link(link, purpose, self._key.get())}"
