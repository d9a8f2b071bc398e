"""What erasing an account took away, for whoever asked for it and for the record.

It names the account by its id alone, which means nothing once the account is gone.
"""

from msgspec import Struct


class Erasure(Struct, frozen=True):
    """former: the account's id. files, octets: of the mailbox and its uploads.

    blobs: large messages that nobody else had; kept: those another mailbox has, or may be about
    to. queue: rows of the outbound queue. notices: watches, notifications and complaints.
    """

    former: str
    erased_ms: int
    messages: int = 0
    files: int = 0
    octets: int = 0
    blobs: int = 0
    kept: int = 0
    queue: int = 0
    notices: int = 0
