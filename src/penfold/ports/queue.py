"""The durable outbound queue: one row per recipient, with every attempt kept."""

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from penfold.base.priority import Priority
from penfold.proto.smtp.parameters import NO_OPTIONS, NO_REQUEST, MailOptions, ReportRequest

#: The origin of what the sending API hands over; its number is that of the email. What comes of
#: such a row is told as an event (domain.sending), not to a mailbox.
SENDING: Final = "sending"


class QueueState(StrEnum):
    QUEUED = "queued"
    CAPTURED = "captured"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Tried(Struct, frozen=True, gc=False, omit_defaults=True):
    """One server that was called in an attempt, and what it said.

    demand, policy: what TLS had to be, and by which policy (proto.tls_ladder). stage, fate, reason,
    code, enhanced, text: as in proto.smtp.client.outcome. tls: "" in clear, else version, cipher
    and how the certificate was judged. dsn: the sender's wishes for reports were
    passed on. ms: how long it took from the call to its answer.
    """

    host: str
    address: str
    port: int
    demand: str
    policy: str
    stage: str
    fate: str
    reason: str
    code: int = 0
    enhanced: str = ""
    text: str = ""
    tls: str = ""
    reused: bool = False
    ms: int = 0
    dsn: bool = False


class Facts(Struct, frozen=True, gc=False, omit_defaults=True):
    """Why an attempt came out as it did.

    dns: the answers it was routed by, a line for each. tried: servers in their order, the last
    decided. rule: which rule classified that (proto.smtp.outcomes). blame: who can mend it.
    """

    dns: tuple[str, ...] = ()
    tried: tuple[Tried, ...] = ()
    rule: str = ""
    blame: str = ""


class Told(StrEnum):
    """What the sender of a row heard of it last; OUTCOME: how it ended, or it wants no news."""

    NOTHING = ""
    DELAY = "delay"
    OUTCOME = "outcome"


class Attempt(Struct, frozen=True, gc=False):
    """One try: when, what came of it, and the conversation.

    outcome: in the server's words, or ours. kind: their class (proto.smtp.outcomes.rule.Kind).
    """

    at_ms: int
    outcome: str
    transcript: str
    kind: str = ""
    facts: Facts = Facts()


class QueueRow(Struct, frozen=True, gc=False):
    """One recipient's copy. origin, number: the outbox row it came from, or SENDING and an email.

    options, report: what the sender wants done (RFC 3461, RFC 8689). message_id: the message's,
    without brackets, "" when it has none. told: what the sender heard so far.
    """

    id: int
    origin: str
    number: int
    sender: str
    recipient: str
    state: QueueState
    size: int
    subject: str
    created_ms: int
    next_attempt_ms: int
    options: MailOptions = NO_OPTIONS
    report: ReportRequest = NO_REQUEST
    message_id: str = ""
    told: Told = Told.NOTHING
    priority: Priority = Priority.NORMAL


class NewQueueRow(Struct, frozen=True, gc=False):
    origin: str
    number: int
    sender: str
    recipient: str
    subject: str
    raw: bytes
    created_ms: int
    options: MailOptions = NO_OPTIONS
    report: ReportRequest = NO_REQUEST
    message_id: str = ""
    priority: Priority = Priority.NORMAL


class Lease(Struct, frozen=True, gc=False):
    """A row that was taken to be delivered. number: what came of it counts under this one alone.

    tries: how often it was taken, this time included.
    """

    row: QueueRow
    number: int
    tries: int


class Settlement(Struct, frozen=True, gc=False):
    """What came of a lease. next_attempt_ms: of a row that is QUEUED again."""

    lease: Lease
    attempt: Attempt
    state: QueueState
    next_attempt_ms: int = 0


class Untried(Struct, frozen=True, gc=False):
    """A lease that is given back: nothing was tried, and it counts as no try."""

    lease: Lease
    next_attempt_ms: int


class Destination(Struct, frozen=True, gc=False):
    """A domain to which mail waits, or which is held. due_ms: nothing of it is due before."""

    domain: str
    due_ms: int
    held_ms: int
    why: str


#: Says of a row's sender and recipient that it is to be passed over.
Unless = Callable[[str, str], bool]


class Queue(Protocol):
    def add(self, rows: Sequence[NewQueueRow], *, state: QueueState) -> list[int]:
        """Store the rows in one transaction, durable on return, and give their ids.

        Safe to repeat: a row with a known (origin, number, recipient) keeps its first id.
        """
        ...

    def list_rows(
        self,
        *,
        state: QueueState | None = None,
        domain: str | None = None,
        due_ms: int | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[QueueRow]:
        """Return rows newest first.

        state, domain (lower case), due_ms (QUEUED, and due by then): only those. before: only
        those with a lower id, the next page.
        """
        ...

    def find_by_message_id(self, message_id: str, *, limit: int) -> list[QueueRow]:
        """Return the rows of every mail with this Message-ID, without brackets; "" has none."""
        ...

    def list_by_address(self, address: str, *, limit: int) -> list[QueueRow]:
        """Return the rows from or to an address, in any case, newest first."""
        ...

    def list_by_origin(
        self, origin: str, *, before: int | None = None, limit: int
    ) -> list[QueueRow]:
        """Return all rows of the last messages a mailbox sent, the newest message first.

        limit: of messages. before: only those with a lower number, the next page.
        """
        ...

    def get_row(self, row_id: int) -> QueueRow: ...
    def get_raw(self, row_id: int) -> bytes: ...
    def list_attempts(self, row_id: int) -> list[Attempt]: ...
    def add_attempt(self, row_id: int, attempt: Attempt, *, state: QueueState) -> None: ...
    def count_by_state(self) -> dict[QueueState, int]: ...
    def find_oldest(self, state: QueueState) -> QueueRow | None:
        """Return the row of this state that was added first, None when there is none."""
        ...

    def retry(self, row_id: int, *, now_ms: int) -> None:
        """Make the row due now; ConflictError unless it waits or failed.

        While somebody has a lease on it it is being tried: a second try beside that one would
        send it twice. How it ends then is told anew.
        """
        ...

    def cancel(self, row_id: int) -> None:
        """Give the row up; ConflictError when it is done already.

        One that is being delivered at this moment may arrive all the same, and is SENT then.
        """
        ...

    # to deliver

    def take(
        self,
        *,
        now_ms: int,
        lease_ms: int,
        limit: int,
        oldest: bool = False,
        skip: Collection[str] = (),
        unless: Unless | None = None,
    ) -> list[Lease]:
        """Return rows that are due, all of one domain: by their priority, then how long they wait.

        The domain is the one that waits longest with HIGH rows, else with NORMAL ones, else with
        any. oldest: the one that waits longest with any, and LOW rows before others, so that they
        get their turn. Rows are due again after lease_ms, should nobody settle them. skip, unless:
        domains and rows to pass over; where there is an `unless`, TAKE_LOOKED_AT_MAX rows of each
        priority are looked at.
        """
        ...

    def renew(self, leases: Sequence[Lease], *, until_ms: int) -> None:
        """Have leases end at another moment; one that was settled or ended changes nothing."""
        ...

    def settle(self, settlements: Sequence[Settlement | Untried]) -> list[bool]:
        """Record what came of leases, durable on return, and say of each whether it counted.

        One whose row was taken by somebody else meanwhile changes nothing.
        """
        ...

    def release(self, *, now_ms: int) -> int:
        """End all leases: their rows are due now. Return how many there were.

        For the one process that delivers, when it starts: whoever held them is gone.
        """
        ...

    def hold(self, domain: str, *, until_ms: int, why: str) -> None:
        """Take nothing of this domain until then; a moment that is past lets it go."""
        ...

    def list_destinations(self) -> list[Destination]:
        """Return the domains to which mail waits or that are held, by name."""
        ...

    def find_destination(self, domain: str) -> Destination | None:
        """Return one of those by its name, in lower case."""
        ...

    def count_waiting(self) -> dict[str, int]:
        """Return how many rows wait for each domain to which some do."""
        ...

    def find_next_due(self) -> int | None:
        """Return when the next row can be due (epoch ms), None when nothing waits."""
        ...

    # what the sender is told

    def mark_told(self, row_id: int, told: Told) -> None:
        """Note what the sender has heard of a row; nothing happens when there is no such row."""
        ...

    def mark_all_told(self, row_ids: Sequence[int]) -> None:
        """Note of several rows, in one transaction, that their senders know how they ended."""
        ...

    def list_untold(
        self, *, sending: bool = False, after: int = 0, limit: int = 100
    ) -> list[QueueRow]:
        """Return rows that ended and whose sender does not know it, by id, those above `after`.

        FAILED ones, and SENT ones whose sender wants to know of success. sending: those of the
        sending API, which wants to know of all, CANCELLED ones too; they are in no other list.
        """
        ...

    def expire(self, *, before_ms: int, limit: int) -> int:
        """Forget some rows that were done before that time, `limit` at most; return how many.

        The oldest first, and as many as can go in a moment; 0: none is left.

        What counts is the last attempt or note of a row, or when it came if it has none. Rows that
        wait, and rows whose sender is still to be told, stay. Octets go with their last row.
        """
        ...

    def find_sent(self, origin: str, message_id: str) -> list[QueueRow]:
        """Return the SENT rows of that message, without brackets, from that mailbox; "" has none.

        At most SENT_ROWS_MAX.
        """
        ...
