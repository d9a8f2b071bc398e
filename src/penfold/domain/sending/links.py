"""What in a message is of its one recipient: where they unsubscribe.

An email that has something of the kind has one recipient: it is made so when it is accepted.
"""

import re
from typing import Final

from msgspec.structs import replace

from penfold.domain.kept_key import KeptKey
from penfold.domain.sending.composing import Unsubscribe
from penfold.domain.sending.content import Content
from penfold.ports.sending.emails import Email
from penfold.proto.mail_links import LINKS_PATH, MailLink, Purpose, sign_link
from penfold.proto.templates.model import UNSUBSCRIBE_URL

#: UNSUBSCRIBE_PLACE, as people write it in HTML and text of their own.
_PLACE: Final = re.compile(rf"\{{\{{\s{{0,9}}{UNSUBSCRIBE_URL}\s{{0,9}}\}}\}}")


class MailLinks:
    """base_url: where readers reach our pages. Calls block."""

    def __init__(self, key: KeptKey, base_url: str) -> None:
        self._key = key
        self._base_url = base_url

    def personalise(
        self, email: Email, content: Content, position: int
    ) -> tuple[Content, Unsubscribe | None]:
        """Return what is in the message for its recipient, and what its header says."""
        if not email.unsubscribe:
            return content, None
        url = self._make(Purpose.UNSUBSCRIBE, MailLink(email.id, position))
        html, text = (
            None if part is None else _PLACE.sub(url, part) for part in (content.html, content.text)
        )
        return replace(content, html=html, text=text), Unsubscribe(url)

    def _make(self, purpose: Purpose, link: MailLink) -> str:
        return f"{self._base_url}{LINKS_PATH}/{purpose}/{sign_link(link, purpose, self._key.get())}"
