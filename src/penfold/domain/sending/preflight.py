"""What a look at an email finds before it is sent: what receivers count against it.

Nothing is sent, stored or asked of anybody.
"""

import re
from typing import Final

from penfold.domain.sending.checking import Draft
from penfold.domain.sending.content import Content, unpack_content
from penfold.ports.sending.records import Stream
from penfold.proto.templates.lint import list_warnings
from penfold.proto.templates.model import Finding

_LINK: Final = re.compile(r"\b(https?)://[^\s\"'<>]{1,2000}", re.IGNORECASE)
#: How many links a mail to one person has at most, by what filters score (assumed).
_LINKS_MANY: Final = 50


def measure(content: Content) -> int:
    """Return octets of the email as it is sent, about: files as base64 (RFC 2045 §6.8)."""
    bodies = sum(
        len((text or "").encode("utf-8", "replace")) for text in (content.html, content.text)
    )
    return bodies + sum(len(one.content) for one in content.files) * 78 // 57


def list_links(content: Content) -> list[str]:
    """Return the addresses that are linked or written out, each once."""
    text = f"{content.html or ''} {content.text or ''}"
    return list(dict.fromkeys(found[0] for found in _LINK.finditer(text)))


def review(draft: Draft, stream: Stream | None) -> list[Finding]:
    """Return warnings about an email that would be accepted."""
    content = unpack_content(draft.new.content)
    many = stream is not None and (stream.unsubscribe or stream.kind == "broadcast")
    found = list_warnings(content.html, content.text or "", unsubscribe=many)
    links = len(list_links(content))
    if links > _LINKS_MANY:
        found.append(Finding("many-links", f"has {links} links; filters count them", "html"))
    return found
