"""What SQLite's errors mean to our callers.

busy, locked            MailboxBusyError        waited for the lock too long
full                    StorageFullError        nothing was stored
corrupt, not a database MailboxDamagedError     the caller quarantines the file
cannot open             NotFoundError when there is no file, else UnavailableError
anything else           UnavailableError        with SQLite's words in the detail
"""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from penfold.base.errors import (
    MailboxBusyError,
    MailboxDamagedError,
    PenfoldError,
    StorageFullError,
    UnavailableError,
)

_MEANING: tuple[tuple[type[BaseException], type[PenfoldError]], ...] = (
    (apsw.BusyError, MailboxBusyError),
    (apsw.LockedError, MailboxBusyError),
    (apsw.FullError, StorageFullError),
    (apsw.CorruptError, MailboxDamagedError),
    (apsw.NotADBError, MailboxDamagedError),
)


def translate(error: BaseException, mailbox_id: str) -> PenfoldError:
    """Return our error for one of SQLite's, with it as the cause."""
    kind = next((ours for theirs, ours in _MEANING if isinstance(error, theirs)), UnavailableError)
    ours = kind(f"{type(error).__name__}: {error}", mailbox=mailbox_id)
    ours.__cause__ = error
    return ours


@contextmanager
def translated(file: str) -> Iterator[None]:
    """Raise our errors for those of a file that is no mailbox."""
    try:
        yield
    except apsw.FullError as error:
        raise StorageFullError(f"no room in {file}") from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise UnavailableError(f"{file} is busy") from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise MailboxDamagedError(f"{file} is damaged") from error
    except apsw.ConnectionClosedError as error:
        raise UnavailableError("the process is ending") from error
