"""How the command ends: exit codes, and the one line a person reads when it cannot go on."""

import os
import sys
from typing import Final, NoReturn

from penfold.base.errors import PenfoldError

DONE: Final = 0
#: The thing asked for failed.
FAILED: Final = 1
#: Wrong use, wrong settings, or an environment that does not allow it.
WRONG_USE: Final = 2
#: A process of ours ends itself because the outcome of a write is unknown (sysexits EX_SOFTWARE).
OUTCOME_UNKNOWN: Final = 70


class StartError(PenfoldError):
    """The server or command cannot start. The text is one line for the person who typed it."""

    def __init__(self, detail: str, *, code: int = WRONG_USE) -> None:
        super().__init__(detail)
        self.code = code


def stop_at_once(error: BaseException) -> NoReturn:
    """End this command: whether its change is on disk is not known."""
    sys.stderr.write(f"penfold: the outcome of the change is not known: {error}\n")
    os._exit(FAILED)
