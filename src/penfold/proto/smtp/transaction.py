"""One mail transaction: who sends, for whom, how, and the message as far as it came in.

Holds what MAIL, RCPT, DATA and BDAT add up to (RFC 5321 §3.3, RFC 3030 §2) and says when they are
out of order; the state machine says when it is read. `clear` is what RSET means.
"""

from penfold.proto.smtp import replies
from penfold.proto.smtp.chunks import ChunkReader
from penfold.proto.smtp.commands import ChunkCommand
from penfold.proto.smtp.content import check_binary, check_content, find_fault_refusal
from penfold.proto.smtp.events import Message, Rcpt
from penfold.proto.smtp.framing import DataReader
from penfold.proto.smtp.parameters import NO_OPTIONS, NO_REQUEST, ReportRequest
from penfold.proto.smtp.profile import Profile
from penfold.proto.smtp.replies import Reply


class Transaction:
    """sender is None where none is open."""

    __slots__ = ("_reports", "chunks", "data", "options", "rcpt_seen", "recipients", "sender")

    def __init__(self) -> None:
        self._reports: dict[int, ReportRequest] = {}  # by place among the recipients
        self.clear()

    def clear(self) -> None:
        self.sender: str | None = None
        self.options = NO_OPTIONS
        self.rcpt_seen = False
        self.recipients: list[str] = []
        self.data: DataReader | None = None
        self.chunks: ChunkReader | None = None
        if self._reports:
            self._reports = {}

    def drop_content(self) -> None:
        self.data = self.chunks = None

    def add(self, recipient: Rcpt) -> None:
        if recipient.report is not None:
            self._reports[len(self.recipients)] = recipient.report
        self.recipients.append(recipient.address)

    def find_disorder(self, helo: str) -> Reply | None:
        """Return why no message can come now, None when it can; helo is "" before EHLO."""
        if self.recipients:
            return None
        if self.sender is None:
            return replies.MAIL_FIRST if helo else replies.HELO_FIRST
        # RFC 5321 §3.3: 503 when none was named, 554 when all were refused.
        return replies.NO_VALID_RECIPIENTS if self.rcpt_seen else replies.RCPT_FIRST

    # --- DATA ------------------------------------------------------------------------------

    def begin_data(self, profile: Profile, helo: str) -> Reply:
        if not self.recipients:
            return self.find_disorder(helo) or replies.RCPT_FIRST
        if self.chunks is not None:
            return replies.CHUNKS_BEGUN  # RFC 3030 §2: DATA and BDAT do not mix
        if self.options.body == "BINARYMIME":
            return replies.BINARY_NEEDS_BDAT  # RFC 3030 §3
        # Stuffed dots do not count (RFC 1870 §3), so the wire may carry a little more.
        self.data = DataReader(limit=profile.max_bytes + (profile.max_bytes >> 6) + 1024)
        return replies.GO_AHEAD

    def end_data(self, profile: Profile) -> Reply | Message:
        reader = self.data
        if reader is None:
            raise RuntimeError("no data was begun")
        self.data = None
        if reader.is_over:
            return self._refuse(replies.TOO_BIG)
        fault = reader.fault
        refusal = fault and find_fault_refusal(fault, profile)
        if refusal:
            return self._refuse(refusal)
        return self._make_message(check_content(reader.finish(), fault, profile))

    # --- BDAT ------------------------------------------------------------------------------

    def begin_chunk(self, command: ChunkCommand, profile: Profile, helo: str) -> bool:
        """Expect a chunk; False when the message would become absurdly large.

        RFC 3030 §2: whatever the reply will be, the octets are read first.
        """
        reader = self.chunks or ChunkReader(
            limit=profile.max_bytes,
            inspects=self.options.body != "BINARYMIME",
            refusal=self.find_disorder(helo),
        )
        reader.begin(command.size, is_last=command.is_last)
        self.chunks = reader
        return reader.size <= 2 * profile.max_bytes

    def end_chunk(self, profile: Profile) -> Reply | Message:
        """Judge the chunk that was read to its end."""
        reader = self.chunks
        if reader is None:
            raise RuntimeError("no chunk was begun")
        if reader.refusal is not None:
            self.chunks = None  # a matter of order: the transaction is what it was
            return reader.refusal
        if reader.is_over:
            return self._refuse(replies.TOO_BIG)
        fault = reader.find_fault()
        refusal = fault and find_fault_refusal(fault, profile)
        if refusal:
            return self._refuse(refusal)
        if not reader.is_last:
            return replies.make_chunk_taken(reader.chunk_size)
        self.chunks = None
        content = reader.finish()
        if self.options.body == "BINARYMIME":
            return self._make_message(check_binary(content, profile))
        return self._make_message(check_content(content, fault, profile))

    def _refuse(self, reply: Reply) -> Reply:
        """End the transaction; chunks sent ahead (RFC 2920) are then read and out of order."""
        self.clear()
        return reply

    def _make_message(self, content: bytes | Reply) -> Reply | Message:
        if isinstance(content, Reply):
            return self._refuse(content)
        recipients, said = tuple(self.recipients), self._reports
        reports: tuple[ReportRequest, ...] = ()
        if said:
            reports = tuple(said.get(place, NO_REQUEST) for place in range(len(recipients)))
        return Message(self.sender or "", recipients, content, self.options, reports)
