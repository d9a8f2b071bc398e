"""Links in mail that say whose mail they are from, and that nobody can make or change.

A token is base64url, without padding, of the email's id, the recipient's place in it, where the
link leads (of a link that was rewritten), and a keyed hash over these and what the link is for.
So no table of links is needed, a link of one kind is none of another, and there is no way to have
us lead somebody to an address that no mail of ours had.
"""

import binascii
import hmac
import re
from base64 import urlsafe_b64decode
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

from msgspec import Struct

from penfold.base.limits import MAIL_LINK_HASH_BYTES, MAIL_LINK_TARGET_MAX
from penfold.proto.oauth import base64url

#: Links lead to `/mail/PURPOSE/TOKEN`.
LINKS_PATH: Final = "/mail"
_ID_BYTES: Final = 16
_PLACE_BYTES: Final = 2
_HEAD: Final = _ID_BYTES + _PLACE_BYTES
_TOKEN_MAX: Final = (_HEAD + MAIL_LINK_TARGET_MAX + MAIL_LINK_HASH_BYTES + 2) // 3 * 4
_TOKEN: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{_TOKEN_MAX}}}")
#: RFC 3986 §2: what an address is written in; so nothing in it ends a header field or an attribute.
_TARGET: Final = re.compile(rf"(?i:https?)://[!#-;=?-\[\]_a-z~]{{1,{MAIL_LINK_TARGET_MAX - 8}}}")


class Purpose(StrEnum):
    UNSUBSCRIBE = "unsubscribe"
    OPEN = "open"
    CLICK = "click"


class MailLink(Struct, frozen=True, gc=False):
    """email_id: a UUID. position: of the recipient. target: "" for a link that leads nowhere."""

    email_id: str
    position: int
    target: str = ""


def is_target(address: str) -> bool:
    """Return whether a link may lead there: http or https, short, and of plain characters."""
    return _TARGET.fullmatch(address) is not None


def sign_link(link: MailLink, purpose: Purpose, key: bytes) -> str:
    """Return the token. key: secret, 32 octets or more. ValueError for an id that is no UUID."""
    head = UUID(link.email_id).bytes + link.position.to_bytes(_PLACE_BYTES)
    said = head + link.target.encode()
    return base64url(said + _hash(said, purpose, key))


def read_link(token: str, purpose: Purpose, key: bytes) -> MailLink | None:
    """Return what a token of ours says; None for any other, or one for something else."""
    if not _TOKEN.fullmatch(token):
        return None
    try:
        octets = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error:
        return None
    said, given = octets[:-MAIL_LINK_HASH_BYTES], octets[-MAIL_LINK_HASH_BYTES:]
    # The last character of base64 may have bits that mean nothing: one spelling is enough.
    if base64url(octets) != token or not hmac.compare_digest(_hash(said, purpose, key), given):
        return None
    email_id, place = UUID(bytes=said[:_ID_BYTES]), int.from_bytes(said[_ID_BYTES:_HEAD])
    return MailLink(str(email_id), place, said[_HEAD:].decode())


def _hash(said: bytes, purpose: Purpose, key: bytes) -> bytes:
    text = f"mail link {purpose}\0".encode() + said
    return hmac.new(key, text, sha256).digest()[:MAIL_LINK_HASH_BYTES]
