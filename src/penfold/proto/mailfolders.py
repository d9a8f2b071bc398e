"""What other mail stores say of a message beside its octets: flags, and the folder it lies in.

    Maildir            `:2,` and letters at the end of a file's name; `.Name.Sub` is a folder
                       (Maildir++), its name in IMAP's modified UTF-7 (RFC 3501 §5.1.3) or UTF-8
    mbox               Status and X-Status (of c-client), X-Mozilla-Status (of Thunderbird)

A folder with a well-known name is a system label, any other one a user label. Never raises.
"""

import binascii
import re
from typing import Final

from msgspec import Struct

from penfold.base.labels import DRAFT, INBOX, SENT, SPAM, STARRED, TRASH, UNREAD
from penfold.base.limits import MIME_MAX_HEADER_BYTES

_SYSTEM: Final = {
    "inbox": INBOX,
    "sent": SENT, "sent items": SENT, "sent messages": SENT, "sent mail": SENT,
    "drafts": DRAFT, "draft": DRAFT,
    "trash": TRASH, "deleted items": TRASH, "deleted messages": TRASH,
    "spam": SPAM, "junk": SPAM, "junk e-mail": SPAM, "junk email": SPAM,
    "starred": STARRED,
}  # fmt: skip
#: Folders that only say that a message is in no other.
_NOWHERE: Final = frozenset({"archive", "all mail"})
#: Maildir's letters; R (replied) and P (passed on) have no label.
_LETTERS: Final = {"F": STARRED, "D": DRAFT, "T": TRASH}

_BLANK = re.compile(rb"\n\r?\n")
_STATUS = re.compile(
    rb"(?i)\n(status|x-status|x-mozilla-status):[ \t]*([0-9a-z]*)[ \t]*\r?(?=\n|\Z)"
)
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
#: Bits of X-Mozilla-Status.
_MOZILLA_READ: Final = 0x0001
_MOZILLA_MARKED: Final = 0x0004
_MOZILLA_EXPUNGED: Final = 0x0008


class State(Struct, frozen=True, gc=False):
    """System labels by flags; deleted: the message is gone and only its octets are left."""

    labels: frozenset[int] = frozenset()
    deleted: bool = False


def read_letters(letters: str) -> State:
    """Return what the flags of a Maildir file say: without S nobody has read it."""
    labels = {_LETTERS[letter] for letter in letters if letter in _LETTERS}
    return State(frozenset(labels if "S" in letters else labels | {UNREAD}))


def read_status(raw: bytes) -> State:
    """Return what a message's own status fields say; one without any counts as read."""
    end = _BLANK.search(raw, 0, MIME_MAX_HEADER_BYTES)
    stop = end.start() + 1 if end else min(len(raw), MIME_MAX_HEADER_BYTES)
    fields = {name.lower(): value.lower() for name, value in _STATUS.findall(b"\n" + raw[:stop])}
    if not fields:
        return State()
    labels = set()
    mozilla = fields.get(b"x-mozilla-status", b"")
    if re.fullmatch(rb"[0-9a-f]{4}", mozilla):
        bits = int(mozilla, 16)
        if bits & _MOZILLA_EXPUNGED:
            return State(deleted=True)
        labels |= {STARRED} if bits & _MOZILLA_MARKED else set()
        read = bool(bits & _MOZILLA_READ)
    else:
        read = b"r" in fields.get(b"status", b"")
    marks = fields.get(b"x-status", b"")
    labels |= {STARRED} if b"f" in marks else set()
    labels |= {TRASH} if b"d" in marks else set()
    labels |= {DRAFT} if b"t" in marks else set()
    return State(frozenset(labels if read else labels | {UNREAD}))


def folder_name(directory: str) -> str:
    """Return what a Maildir++ directory is called: `.Work.Entw&APw-rfe` is Work/Entwürfe."""
    return decode_utf7(directory.removeprefix(".")).replace(".", "/")


def label_of(folder: str) -> tuple[frozenset[int], tuple[str, ...]]:
    """Return the labels of mail in a folder: a system label, a user label, or none."""
    name = folder.removeprefix("INBOX/").strip("/")
    lower = name.casefold()
    if lower in _SYSTEM:
        return frozenset({_SYSTEM[lower]}), ()
    if not name or lower in _NOWHERE:
        return frozenset(), ()
    return frozenset(), (name,)


def decode_utf7(text: str) -> str:
    """Return the text of a mailbox name; what is not modified UTF-7 stays as it is."""
    return _SHIFTED.sub(_unshift, text) if "&" in text else text


def _unshift(match: re.Match[str]) -> str:
    if not match[1]:
        return "&"
    coded = match[1].replace(",", "/")
    try:
        return binascii.a2b_base64(coded + "=" * (-len(coded) % 4)).decode("utf-16-be")
    except ValueError:
        return match[0]
