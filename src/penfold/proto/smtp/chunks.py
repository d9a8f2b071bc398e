"""A message that comes in chunks (BDAT, RFC 3030): exact counts, no terminator, no dots.

A chunk is so many octets whatever they are; also one that is refused is read to its end, because
everything behind it is commands. Memory is bounded by the limit however small the reads are.
"""

from io import BytesIO

from penfold.proto.smtp.framing import Fault, Inspector
from penfold.proto.smtp.replies import Reply


class ChunkReader(Inspector):
    """Collects the chunks of one message; counts on, but keeps nothing, beyond `limit`."""

    __slots__ = (
        "_content",
        "_inspects",
        "_limit",
        "chunk_size",
        "is_last",
        "left",
        "refusal",
        "size",
    )

    def __init__(self, *, limit: int, inspects: bool, refusal: Reply | None = None) -> None:
        """limit: octets of the message. inspects: look for what only BINARYMIME may hold.

        refusal: what every chunk is answered with once it is read; then none is kept.
        """
        super().__init__()
        self._content = BytesIO()
        self._inspects = inspects
        self._limit = limit
        self.refusal = refusal
        #: Octets of the message, of the chunk at hand, and how many of that are to come.
        self.size = self.chunk_size = self.left = 0
        self.is_last = False

    @property
    def is_over(self) -> bool:
        return self.size > self._limit

    @property
    def held_bytes(self) -> int:
        return self._content.tell()

    @property
    def taken(self) -> int:
        """Return the octets of the chunk at hand that came in so far."""
        return self.chunk_size - self.left

    def find_fault(self) -> Fault | None:
        """Return the first thing no text may hold; a CR at the end of a chunk may have its LF."""
        return self.final_fault() if self.is_last else self.fault

    def begin(self, size: int, *, is_last: bool) -> None:
        self.chunk_size = self.left = size
        self.size += size
        self.is_last = is_last
        if self.is_over:
            self._content = BytesIO()

    def feed(self, octets: bytes, start: int) -> int:
        """Take octets of the chunk from `start`; return where they end."""
        end = min(len(octets), start + self.left)
        self.left -= end - start
        if self.refusal is None and not self.is_over:
            taken = octets[start:end]
            self._content.write(taken)
            if self._inspects and self.fault is None:
                self.inspect(taken)
        return end

    def finish(self) -> bytes:
        """Return the message; for use once."""
        return self._content.getvalue()
