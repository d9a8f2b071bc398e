"""A Queue in memory, for tests. It keeps the contract of ports.queue and nothing on disk."""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import count
from threading import RLock

from msgspec import structs

from penfold.base.errors import ConflictError, NotFoundError
from penfold.base.limits import SENT_ROWS_MAX
from penfold.ports.queue import (
    SENDING,
    Attempt,
    Destination,
    Lease,
    NewQueueRow,
    QueueRow,
    QueueState,
    Settlement,
    Told,
    Unless,
    Untried,
)
from penfold.proto.smtp.parameters import MailOptions


class MemoryQueue:
    def __init__(self) -> None:
        self._lock = RLock()
        self._rows: dict[int, QueueRow] = {}
        self._raw: dict[tuple[str, int], bytes] = {}
        self._wishes: dict[tuple[str, int], tuple[MailOptions, str]] = {}
        self._ids: dict[tuple[str, int, str], int] = {}
        self._attempts: dict[int, list[Attempt]] = {}
        self._next = count(1)
        self._leases: dict[int, int] = {}
        self._taken: set[int] = set()
        self._untried: Counter[int] = Counter()  # leases of a row that were given back
        self._holds: dict[str, tuple[int, str]] = {}

    def add(self, rows: Sequence[NewQueueRow], *, state: QueueState) -> list[int]:
        with self._lock:
            return [self._add(row, state) for row in rows]

    def _add(self, row: NewQueueRow, state: QueueState) -> int:
        key = (row.origin, row.number, row.recipient)
        if key not in self._ids:
            raw = self._raw.setdefault(key[:2], row.raw)
            known = self._wishes.setdefault(key[:2], (row.options, row.message_id))
            options, message_id = known
            row_id = self._ids[key] = next(self._next)
            self._rows[row_id] = QueueRow(
                id=row_id,
                origin=row.origin,
                number=row.number,
                sender=row.sender,
                recipient=row.recipient,
                state=state,
                size=len(raw),
                subject=row.subject,
                created_ms=row.created_ms,
                next_attempt_ms=row.created_ms,
                options=options,
                report=row.report,
                message_id=message_id,
                priority=row.priority,
            )
        return self._ids[key]

    def list_rows(
        self,
        *,
        state: QueueState | None = None,
        domain: str | None = None,
        due_ms: int | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[QueueRow]:
        rows = [
            row
            for row in self._newest()
            if state in (None, row.state)
            and domain in (None, _domain_of(row))
            and (due_ms is None or _is_due(row, due_ms))
            and (before is None or row.id < before)
        ]
        return rows[:limit]

    def _newest(self) -> list[QueueRow]:
        with self._lock:
            return sorted(self._rows.values(), key=lambda row: -row.id)

    def find_by_message_id(self, message_id: str, *, limit: int) -> list[QueueRow]:
        rows = [row for row in self._newest() if message_id and row.message_id == message_id]
        return rows[::-1][:limit]

    def list_by_address(self, address: str, *, limit: int) -> list[QueueRow]:
        wanted = address.lower()
        ends = [(row, (row.sender.lower(), row.recipient.lower())) for row in self._newest()]
        return [row for row, addresses in ends if wanted in addresses][:limit]

    def list_by_origin(
        self, origin: str, *, before: int | None = None, limit: int
    ) -> list[QueueRow]:
        rows = [row for row in self._newest() if row.origin == origin]
        wanted = {row.number for row in rows if before is None or row.number < before}
        last = sorted(wanted, reverse=True)[:limit]
        return [row for number in last for row in reversed(rows) if row.number == number]

    def get_row(self, row_id: int) -> QueueRow:
        with self._lock:
            if row_id not in self._rows:
                raise NotFoundError("no such queue row", id=row_id)
            return self._rows[row_id]

    def get_raw(self, row_id: int) -> bytes:
        row = self.get_row(row_id)
        return self._raw[row.origin, row.number]

    def list_attempts(self, row_id: int) -> list[Attempt]:
        with self._lock:
            return list(self._attempts.get(row_id, ()))

    def add_attempt(self, row_id: int, attempt: Attempt, *, state: QueueState) -> None:
        with self._lock:
            self._rows[row_id] = structs.replace(self.get_row(row_id), state=state)
            self._attempts.setdefault(row_id, []).append(attempt)

    def count_by_state(self) -> dict[QueueState, int]:
        with self._lock:
            states = [row.state for row in self._rows.values()]
            return {state: states.count(state) for state in QueueState}

    def find_oldest(self, state: QueueState) -> QueueRow | None:
        with self._lock:
            return next((row for row in self._rows.values() if row.state is state), None)

    def retry(self, row_id: int, *, now_ms: int) -> None:
        with self._lock:
            row = self.get_row(row_id)
            if row.state not in (QueueState.QUEUED, QueueState.FAILED):
                raise ConflictError("only a message that waits or failed can be retried")
            if row_id in self._taken:
                raise ConflictError("the message is being tried at this moment")
            self._rows[row_id] = structs.replace(
                row, state=QueueState.QUEUED, next_attempt_ms=now_ms, told=Told.NOTHING
            )
            self._holds.pop(_domain_of(row), None)

    def cancel(self, row_id: int) -> None:
        with self._lock:
            row = self.get_row(row_id)
            if row.state is not QueueState.QUEUED:
                raise ConflictError("only a message that waits can be cancelled")
            self._rows[row_id] = structs.replace(row, state=QueueState.CANCELLED)

    # --- to deliver

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
        with self._lock:
            due = [each for each in self.list_destinations() if each.due_ms <= now_ms]
            found = []
            for domain in (each.domain for each in due if each.domain not in skip):
                rows = [row for row in self._waiting(domain) if row.next_attempt_ms <= now_ms]
                if unless is not None:
                    rows = [row for row in rows if not unless(row.sender, row.recipient)]
                rows.sort(key=lambda row: -row.priority if oldest else row.priority)
                if rows:
                    found.append((*_find_turn(rows, oldest=oldest), domain, rows))
                elif not self._waiting(domain):
                    self._holds.pop(domain, None)
            if not found:
                return []
            *_, domain, rows = min(found, key=lambda one: one[:3])
            self._holds.pop(domain, None)
            return self._take(rows[:limit], now_ms + lease_ms)

    def _take(self, rows: Sequence[QueueRow], until_ms: int) -> list[Lease]:
        leases = []
        for row in rows:
            number = self._leases[row.id] = self._leases.get(row.id, 0) + 1
            self._rows[row.id] = structs.replace(row, next_attempt_ms=until_ms)
            self._taken.add(row.id)
            leases.append(Lease(row, number, number - self._untried[row.id]))
        return leases

    def _waiting(self, domain: str) -> list[QueueRow]:
        found = (
            row
            for row in self._rows.values()
            if row.state is QueueState.QUEUED and _domain_of(row) == domain
        )
        return sorted(found, key=lambda row: (row.next_attempt_ms, row.id))

    def renew(self, leases: Sequence[Lease], *, until_ms: int) -> None:
        with self._lock:
            for lease in leases:
                row = self._rows[lease.row.id]
                if self._leases.get(row.id) == lease.number and row.id in self._taken:
                    self._rows[row.id] = structs.replace(row, next_attempt_ms=until_ms)

    def settle(self, settlements: Sequence[Settlement | Untried]) -> list[bool]:
        with self._lock:
            return [self._settle(each) for each in settlements]

    def _give_back(self, untried: Untried) -> bool:
        lease = untried.lease
        row = self._rows[lease.row.id]
        if self._leases.get(row.id) != lease.number or row.id not in self._taken:
            return False
        self._taken.discard(row.id)
        self._untried[row.id] += 1
        self._rows[row.id] = structs.replace(row, next_attempt_ms=untried.next_attempt_ms)
        return True

    def _settle(self, settlement: Settlement | Untried) -> bool:
        if isinstance(settlement, Untried):
            return self._give_back(settlement)
        lease, state = settlement.lease, settlement.state
        row = self._rows[lease.row.id]
        if self._leases.get(row.id) != lease.number:
            return False
        if row.state is QueueState.CANCELLED and state is not QueueState.SENT:
            state = row.state
        self._taken.discard(row.id)
        self._rows[row.id] = structs.replace(
            row, state=state, next_attempt_ms=settlement.next_attempt_ms
        )
        self._attempts.setdefault(row.id, []).append(settlement.attempt)
        return True

    def release(self, *, now_ms: int) -> int:
        with self._lock:
            taken, self._taken = self._taken, set()
            for row_id in taken:
                self._rows[row_id] = structs.replace(self._rows[row_id], next_attempt_ms=now_ms)
            return len(taken)

    def hold(self, domain: str, *, until_ms: int, why: str) -> None:
        with self._lock:
            self._holds[domain] = (until_ms, why)

    def list_destinations(self) -> list[Destination]:
        with self._lock:
            waits = {
                _domain_of(row) for row in self._rows.values() if row.state is QueueState.QUEUED
            }
            return [self._destination(domain) for domain in sorted(waits | self._holds.keys())]

    def find_destination(self, domain: str) -> Destination | None:
        return next((each for each in self.list_destinations() if each.domain == domain), None)

    def count_waiting(self) -> dict[str, int]:
        return dict(
            Counter(_domain_of(row) for row in self._newest() if row.state is QueueState.QUEUED)
        )

    def _destination(self, domain: str) -> Destination:
        held_ms, why = self._holds.get(domain, (0, ""))
        rows = self._waiting(domain)
        due_ms = max(rows[0].next_attempt_ms if rows else 0, held_ms)
        return Destination(domain, due_ms, held_ms, why)

    def find_next_due(self) -> int | None:
        return min((each.due_ms for each in self.list_destinations()), default=None)

    # --- what the sender is told

    def mark_told(self, row_id: int, told: Told) -> None:
        with self._lock:
            if row_id in self._rows:
                self._rows[row_id] = structs.replace(self._rows[row_id], told=told)

    def mark_all_told(self, row_ids: Sequence[int]) -> None:
        for row_id in row_ids:
            self.mark_told(row_id, Told.OUTCOME)

    def list_untold(
        self, *, sending: bool = False, after: int = 0, limit: int = 100
    ) -> list[QueueRow]:
        with self._lock:
            found = [row for _, row in sorted(self._rows.items()) if row.id > after]
            of_kind = [row for row in found if (row.origin == SENDING) == sending]
            return [row for row in of_kind if _is_untold(row)][:limit]

    def expire(self, *, before_ms: int, limit: int) -> int:
        with self._lock:
            old = [
                row
                for _, row in sorted(self._rows.items())
                if row.state is not QueueState.QUEUED
                and not _is_untold(row)
                and row.id not in self._taken
                and self._last_ms(row) < before_ms
            ][:limit]
            for row in old:
                del self._rows[row.id], self._ids[row.origin, row.number, row.recipient]
                self._attempts.pop(row.id, None)
            kept = {(row.origin, row.number) for row in self._rows.values()}
            for of_letter in (self._raw, self._wishes):
                for key in of_letter.keys() - kept:
                    del of_letter[key]
            return len(old)

    def _last_ms(self, row: QueueRow) -> int:
        return max([row.created_ms, *(each.at_ms for each in self._attempts.get(row.id, ()))])

    def find_sent(self, origin: str, message_id: str) -> list[QueueRow]:
        with self._lock:
            found = [
                row
                for _, row in sorted(self._rows.items())
                if message_id and (row.origin, row.message_id) == (origin, message_id)
            ]
            return [row for row in found if row.state is QueueState.SENT][:SENT_ROWS_MAX]


def _find_turn(rows: Sequence[QueueRow], *, oldest: bool) -> tuple[int, int]:
    """Return when it is a domain's turn: the highest priority of its rows, and since when."""
    first = 0 if oldest else min(row.priority for row in rows)
    return first, min(row.next_attempt_ms for row in rows if oldest or row.priority == first)


def _is_due(row: QueueRow, due_ms: int) -> bool:
    return row.state is QueueState.QUEUED and row.next_attempt_ms <= due_ms


def _is_untold(row: QueueRow) -> bool:
    wanted = row.state is QueueState.FAILED or (
        row.state is QueueState.SENT and "SUCCESS" in row.report.notify
    )
    if row.origin == SENDING:
        wanted = row.state in (QueueState.FAILED, QueueState.SENT, QueueState.CANCELLED)
    return wanted and row.told is not Told.OUTCOME


def _domain_of(row: QueueRow) -> str:
    return row.recipient.rpartition("@")[2].lower()
