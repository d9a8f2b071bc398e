"""Errors we raise on purpose, cut by what the caller does next.

    PenfoldError                  root; `public` is all a peer ever reads
    ├── ParseError                input does not follow its standard
    ├── NotFoundError             the thing asked for is not there
    ├── ConflictError             it is there already
    ├── UnavailableError          try again later (retry = True)
    │   ├── MailboxBusyError      the write lock was held too long
    │   ├── MailboxDamagedError   this mailbox is quarantined; others live on
    │   ├── BacklogFullError      too much waits for delivery; nothing was published
    │   ├── TooCostlyError        this search takes too long, and will again (retry = False)
    │   └── StorageFullError      no room; nothing was stored
    ├── SealBrokenError           a secret was sealed elsewhere, or for something else
    ├── NewerDataError            the data was written by a newer release
    └── OutcomeUnknownError       a commit failed half-way: send no answer, restart the process

`detail` and `facts` go to the log, never to the peer. HTTP status and SMTP codes are tables
in front/; answers in Gmail's words are `penfold.spec.problems.ProblemError`.
"""

from typing import ClassVar


class PenfoldError(Exception):
    """Anything we raise on purpose. `public` is all a peer will ever read."""

    retry: ClassVar[bool] = False
    public: ClassVar[str] = "Internal error"

    def __init__(self, detail: str = "", **facts: object) -> None:
        super().__init__(detail or self.public)
        self.facts = facts


class ParseError(PenfoldError):
    public = "The input is malformed"


class NotFoundError(PenfoldError):
    public = "Not found"


class ConflictError(PenfoldError):
    public = "Already exists"


class UnavailableError(PenfoldError):
    retry = True
    public = "Temporarily unavailable, try again"


class MailboxBusyError(UnavailableError):
    public = "The mailbox is busy, try again"


class MailboxDamagedError(UnavailableError):
    public = "The mailbox is being repaired, try again later"


class BacklogFullError(UnavailableError):
    public = "Too many messages wait for delivery"


class TooCostlyError(UnavailableError):
    retry = False
    public = "The search takes too long: add a date, a sender or a label to it"


class StorageFullError(UnavailableError):
    public = "Insufficient system storage"


class SealBrokenError(PenfoldError):
    public = "A stored secret cannot be read"


class NewerDataError(PenfoldError):
    public = "The data was written by a newer release"


class OutcomeUnknownError(PenfoldError):
    public = "Internal error"
