"""What reads files of strangers: elsewhere and within bounds, whatever they do."""

import threading
from typing import Literal, Protocol

from msgspec import Struct

from penfold.proto.extract.kinds import Kind


class Extracted(Struct, frozen=True, gc=False):
    """What became of one file.

    read: its text, in full or as much as was asked for. unreadable: there is none to be had, and
    why. failed: the process that read it ended, was ended, or was told to stop; another try may
    end differently. seconds: how long it took.
    """

    outcome: Literal["read", "unreadable", "failed"]
    text: str = ""
    problem: str = ""
    seconds: float = 0.0


class Extractor(Protocol):
    def read(
        self, kind: Kind, data: bytes, *, charset: str, limit: int, stopping: threading.Event
    ) -> Extracted:
        """Return the text of a file, at most `limit` octets of it, within bounded time.

        UnavailableError when no process can be started. Ends early once `stopping` is set.
        """
        ...

    def rest(self) -> None:
        """Let go of what is held while nothing has been read for a while."""
        ...

    def close(self) -> None: ...
