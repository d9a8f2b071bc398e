"""Mail on its way in from files and out to them, by the thousand.

A source yields what it finds in a fixed order, so that an import which was cut off can go on
behind the place of what it has. What can be done before the mailbox is touched (reading,
hashing, packing) has been done by then, perhaps elsewhere and for several messages at a time.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from penfold.base.errors import PenfoldError
from penfold.ports.mailbox import Packed
from penfold.proto.mime.model import Summary

Format = Literal["auto", "takeout", "mbox", "mboxo", "mboxcl2", "maildir", "eml"]


class NotMailError(PenfoldError):
    """A file or folder holds no mail that is understood here, or cannot be read."""

    public = "Not a mailbox"


class Place(Struct, frozen=True, gc=False):
    """Where reading goes on: behind everything up to here.

    source: number of the file or folder that was named. path: within it, "" for itself.
    offset: octets of that file that are done.
    """

    source: int = 0
    path: str = ""
    offset: int = 0


class Ready(Struct, frozen=True, gc=False):
    """A message to import, read and packed. summary: only what threading and listing need.

    labels are numbers of system labels, names those of user labels; thread_id: the thread it
    came with. internal_ms: the date it came with, its own, or that of its surroundings (postmark,
    file); None when no id can have any of them.
    """

    place: Place
    packed: Packed
    summary: Summary
    labels: frozenset[int]
    names: tuple[str, ...]
    thread_id: int | None
    internal_ms: int | None


class Skipped(Struct, frozen=True, gc=False):
    """Something that is not imported. where: for a person; reason: a few words.

    lost: it is or may be mail that somebody wants.
    """

    place: Place
    where: str
    reason: str
    lost: bool = True


class Source(Protocol):
    """What is to be imported."""

    #: What tells whether this is the same source as last time.
    identity: bytes
    #: Octets on disk, for a progress bar; and how many of them were read so far.
    total_bytes: int

    @property
    def done_bytes(self) -> int: ...

    def iter_ready(self, after: Place) -> Iterator[Ready | Skipped]:
        """Yield what lies behind that place, in order."""
        ...

    def close(self) -> None:
        """Stop reading; safe to call twice."""
        ...


class Sources(Protocol):
    def open(self, paths: Sequence[str], style: Format) -> Source:
        """Look at what is there. NotMailError when one of them is nothing to import."""
        ...


class Sink(Protocol):
    """A file an export is written to."""

    def write(self, data: bytes) -> None: ...
    def finish(self) -> None:
        """Give the file its name, once all of it is on disk."""
        ...

    def close(self) -> None:
        """Let go; without finish nothing of it is left. Safe to call twice."""
        ...


class Written(Struct, frozen=True, gc=False):
    """A file that was written. sha256: in hex."""

    name: str
    size: int
    sha256: str


class Folder(Protocol):
    """A new folder an export is written to, readable by its owner alone."""

    def open(self, name: str) -> Sink:
        """Begin a file, which counts once it is finished; there is no file of that name."""
        ...

    def list_written(self) -> list[Written]:
        """Return the files that are finished, in their order."""
        ...
