"""End a transaction, and know what to think when that fails.

A COMMIT that fails has either surely stored nothing, or nobody knows: Linux forgets the pages it
could not write, and a row SQLite reported as failed was found after reopening (measured). In the
second case nothing may be answered and the process must end (`fatal`); a retry could be told
"done" by a kernel that has lost the data.
"""

import errno
from collections.abc import Callable
from typing import Final

import apsw

from penfold.base.errors import OutcomeUnknownError

#: Ends the process. Absent in a command, which ends by itself with the error it gets.
Fatal = Callable[[BaseException], None]

#: A write refused with these did not happen, so the transaction surely did not either.
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def commit(connection: apsw.Connection, fatal: Fatal | None = None, **facts: object) -> None:
    """COMMIT. Raises SQLite's error when nothing was stored, OutcomeUnknownError otherwise."""
    try:
        connection.execute("COMMIT")
    except apsw.Error as error:
        if _stored_nothing(connection, error):
            raise
        unknown = OutcomeUnknownError("commit failed", **facts)
        unknown.__cause__ = error
        if fatal:
            fatal(unknown)
        raise unknown from error


def _stored_nothing(connection: apsw.Connection, error: apsw.Error) -> bool:
    # Damage is found while pages are put together (the index does that at the end), so before
    # the log is written; the file is set apart then, which ending the process would not do.
    if isinstance(error, apsw.FullError | apsw.BusyError | apsw.CorruptError):
        return True
    refused = getattr(error, "extendedresult", None) == apsw.SQLITE_IOERR_WRITE
    return refused and connection.system_errno in _NO_ROOM
