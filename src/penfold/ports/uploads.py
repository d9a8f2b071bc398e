"""Messages on their way in: uploads that may be cut off and go on, and what reads large ones.

What an upload has acknowledged is durable. An upload has a secret name; who knows it may go on with
it. Finishing is noted, so that an answer that was lost can be given again.
"""

from typing import Protocol

from msgspec import Struct

from penfold.ports.mailbox import StoredRaw
from penfold.proto.mime.model import Part, Summary


class Upload(Struct, frozen=True, gc=False):
    """How a resumable upload was begun: what is needed to make the call once it is complete.

    values: of the path; pairs: the query, without tokens; metadata: the JSON, as it came.
    total: octets that were announced, None when nobody said. The last four are of the credential.
    """

    method_id: str
    values: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    metadata: bytes
    total: int | None
    created_ms: int
    account_id: str
    owner_id: str
    client_id: str
    project: str
    service: bool


class Digest(Struct, frozen=True, gc=False):
    """A large message, read: its octets are among the blobs."""

    raw: StoredRaw
    root: Part
    summary: Summary


class Spool(Protocol):
    """Octets that arrived, on disk. One holder at a time; a writer appends."""

    @property
    def size(self) -> int: ...
    def write(self, data: bytes) -> None:
        """Append; StorageFullError when there is no room."""
        ...

    def sync(self) -> None:
        """Wait until everything is durable."""
        ...

    def read(self) -> bytes: ...
    def digest(self) -> Digest:
        """Read the message in a process of its own; UnavailableError when that fails."""
        ...

    def close(self) -> None:
        """Let go; what has no name is removed. Safe to call twice."""
        ...


class Uploads(Protocol):
    def start(self, upload: Upload) -> str:
        """Begin an upload, durable on return, and return its name.

        ConflictError when the account has too many.
        """
        ...

    def find(self, name: str, *, now_ms: int) -> Upload | None:
        """Return how it was begun; None when it is not there or too old."""
        ...

    def open(self, name: str) -> Spool:
        """Return its octets, once nobody else holds them.

        UnavailableError after a while; NotFoundError when it is gone.
        """
        ...

    def find_answer(self, name: str) -> bytes | None: ...
    def finish(self, name: str, answer: bytes) -> None:
        """Keep the answer in place of the octets, durable on return."""
        ...

    def cancel(self, name: str) -> None: ...
    def spool(self) -> Spool:
        """Return a place for octets that come in one go, gone when it is closed."""
        ...
