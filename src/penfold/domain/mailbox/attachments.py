"""Attachment ids: tokens that name one part of one message.

Gmail (observed): an id is some 300 base64url characters, a fresh one on nearly every get, and
old ones keep working. Here it holds random octets, message id, part number and a MAC under the
mailbox's secret, so it opens nothing but what it was made for, needs no table and never expires.
Parts are numbered in wire order from 0, the root.
"""

import base64
import binascii
import hmac
from typing import Final

from penfold.base.chance import Chance
from penfold.ports.mailbox import MailboxReader, MessageRow
from penfold.spec.problems import INVALID_ATTACHMENT, NOT_FOUND, ProblemError

_PREFIX: Final = "ANGjdJ"
#: Makes the whole a multiple of three octets, so that the text needs no padding.
_RANDOM_OCTETS: Final = 194
_MAC_OCTETS: Final = 16
_PLACE_OCTETS: Final = 12
_TOKEN_OCTETS: Final = _RANDOM_OCTETS + _PLACE_OCTETS + _MAC_OCTETS


class AttachmentIds:
    """Makes the ids of one answer; they share their random octets."""

    def __init__(self, secret: bytes, chance: Chance) -> None:
        self._secret = secret
        self._chance = chance
        self._random = b""

    def make(self, message_id: int, number: int) -> str:
        if not self._random:
            bits = self._chance.getrandbits(8 * _RANDOM_OCTETS)
            self._random = bits.to_bytes(_RANDOM_OCTETS)
        text = self._random + message_id.to_bytes(8) + number.to_bytes(4)
        return _PREFIX + base64.urlsafe_b64encode(text + _mac(self._secret, text)).decode()


def parse_attachment_id(secret: bytes, token: str) -> tuple[int, int]:
    """Return message id and part number; anything not made here is an invalid token."""
    try:
        text = base64.b64decode(token.removeprefix(_PREFIX), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ProblemError(INVALID_ATTACHMENT) from None
    text, mac = text[:-_MAC_OCTETS], text[-_MAC_OCTETS:]
    whole = token.startswith(_PREFIX) and len(text) + len(mac) == _TOKEN_OCTETS
    if not whole or not hmac.compare_digest(mac, _mac(secret, text)):
        raise ProblemError(INVALID_ATTACHMENT)
    place = text[-_PLACE_OCTETS:]
    return int.from_bytes(place[:8]), int.from_bytes(place[8:])


def get_attachment(box: MailboxReader, token: str) -> tuple[MessageRow, int]:
    """Return the message an attachment id leads to, and the number of the part in it."""
    message_id, number = parse_attachment_id(box.get_secret(), token)
    row = box.find_message(message_id)
    if row is None:
        raise ProblemError(NOT_FOUND)
    return row, number


def _mac(secret: bytes, text: bytes) -> bytes:
    return hmac.digest(secret, b"attachment " + text, "sha256")[:_MAC_OCTETS]
