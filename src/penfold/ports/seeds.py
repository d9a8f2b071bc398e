"""Mailboxes of the operator's at other providers, into which placement tests look."""

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from penfold.base.errors import PenfoldError


class SeedError(PenfoldError):
    """A seed mailbox could not be looked into; the detail says why, for the operator."""

    public = "The mailbox cannot be looked into"


class Where(StrEnum):
    """category: a tab of Gmail's inbox. folder: of IMAP, or a label. archive: in no folder."""

    INBOX = "inbox"
    CATEGORY = "category"
    FOLDER = "folder"
    ARCHIVE = "archive"
    SPAM = "spam"
    TRASH = "trash"


class Place(Struct, frozen=True, gc=False):
    """Where a message lies. name: of the category or folder, "" for the others."""

    where: Where
    name: str = ""

    def __str__(self) -> str:
        return f"{self.where} {self.name}".rstrip()


class SeedMailbox(Protocol):
    """For one thread at a time."""

    def find(self, message_id: str) -> Place | None:
        """Return where the message with this Message-ID is, without brackets; None: nowhere.

        SeedError. Blocks, for a bounded time.
        """
        ...
