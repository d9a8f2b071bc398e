"""Emails in memory."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from msgspec.structs import replace

from penfold.base.errors import NotFoundError
from penfold.base.limits import SENDING_SHARE
from penfold.base.priority import Priority, divide
from penfold.ports.sending.emails import (
    WAITING,
    Backlog,
    Email,
    EmailLease,
    EmailState,
    NewEmail,
    Recipient,
)
from penfold.testing.sending.state import Held, Part


class Numbered(Protocol):
    @property
    def number(self) -> int: ...


T = TypeVar("T", bound=Numbered)


def page(items: Iterable[T], *, older: int | None, newer: int | None, limit: int) -> list[T]:
    """Return a page of items with numbers, the newest first."""
    found = sorted(items, key=lambda one: one.number)
    if newer is not None:
        return [one for one in found if one.number > newer][:limit][::-1]
    return [one for one in reversed(found) if older is None or one.number < older][:limit]


class MemoryEmails(Part):
    def find_email(self, email_id: str, account_id: str) -> Email | None:
        mine = [one for one in self._state.emails.values() if one.account_id == account_id]
        return next((one for one in mine if one.id == email_id), None)

    def find_unowned_email(self, email_id: str) -> Email | None:
        return next((one for one in self._state.emails.values() if one.id == email_id), None)

    def get_email(self, number: int) -> Email:
        if number not in self._state.emails:
            raise NotFoundError("no such email", number=number)
        return self._state.emails[number]

    def list_emails(
        self, account_id: str, *, older: int | None = None, newer: int | None = None, limit: int
    ) -> list[Email]:
        mine = [one for one in self._state.emails.values() if one.account_id == account_id]
        return page(mine, older=older, newer=newer, limit=limit)

    def list_recipients(self, number: int) -> list[Recipient]:
        return [one for (email, _), one in self._state.recipients.items() if email == number]

    def find_content(self, number: int) -> bytes | None:
        return self._state.bodies.get(number)

    def measure_content(self, number: int) -> int:
        return len(self._state.bodies.get(number, b""))

    def find_next_due(self) -> int | None:
        due = [self._state.held[number].due_ms for number in self._waiting()]
        return min(due, default=None)

    def list_backlog(self, *, now_ms: int) -> list[Backlog]:
        since: dict[str, list[int]] = {}
        for one in self._state.emails.values():
            if one.state in WAITING and one.scheduled_ms <= now_ms:
                since.setdefault(one.stream, []).append(max(one.created_ms, one.scheduled_ms))
        return [Backlog(stream, len(each), min(each)) for stream, each in sorted(since.items())]

    # --- changes

    def add_email(self, new: NewEmail) -> int:
        number = self._state.next("email")
        email = replace(new.email, number=number)
        self._state.emails[number] = email
        self._state.held[number] = Held(email.scheduled_ms or email.created_ms)
        self._state.bodies[number] = new.content
        for at, (address, kind) in enumerate(new.addresses):
            self._state.recipients[number, at] = Recipient(at, address, kind)
        return number

    def reschedule(self, number: int, scheduled_ms: int) -> bool:
        email = self._state.emails[number]
        if email.state is not EmailState.SCHEDULED:
            return False
        self._state.emails[number] = replace(email, scheduled_ms=scheduled_ms, paced=False)
        self._state.held[number] = Held(scheduled_ms)
        return True

    def cancel(self, number: int) -> bool:
        email = self._state.emails[number]
        if email.state not in WAITING or self._state.held[number].lease:
            return False
        self._state.emails[number] = replace(email, state=EmailState.CANCELLED)
        return True

    def take_emails(self, *, now_ms: int, lease_ms: int, limit: int) -> list[EmailLease]:
        held = self._state.held
        due = sorted((held[number].due_ms, number) for number in self._waiting())
        found: dict[Priority, list[int]] = {each: [] for each in Priority}
        for at_ms, number in due:
            if at_ms <= now_ms:
                found[self._state.emails[number].priority].append(number)
        waiting = {each: len(numbers) for each, numbers in found.items()}
        counts = divide(waiting, limit, share=SENDING_SHARE)
        leases = []
        for number in [one for each, count in counts.items() for one in found[each][:count]]:
            held[number] = Held(now_ms + lease_ms, held[number].lease + 1, taken=True)
            email = self._state.emails[number]
            leases.append(EmailLease(email, held[number].lease))
            self._state.emails[number] = replace(email, state=EmailState.QUEUED)
        return leases

    def put_off(self, lease: EmailLease, until_ms: int) -> None:
        number = lease.email.number
        self._state.emails[number] = replace(
            self._state.emails[number],
            state=EmailState.SCHEDULED,
            scheduled_ms=until_ms,
            paced=True,
        )
        self._state.held[number] = Held(until_ms)

    def settle_email(self, lease: EmailLease, state: EmailState, *, due_ms: int = 0) -> bool:
        number = lease.email.number
        held, email = self._state.held[number], self._state.emails[number]
        if (held.lease, held.taken) != (lease.number, True) or email.state not in WAITING:
            return False
        self._state.emails[number] = replace(email, state=state)
        self._state.held[number] = Held(due_ms, held.lease)
        return True

    def set_queue_rows(self, number: int, rows: Sequence[tuple[int, int]]) -> None:
        for position, row in rows:
            found = self._state.recipients[number, position]
            self._state.recipients[number, position] = replace(found, queue_row=row)

    def release_emails(self, *, now_ms: int) -> int:
        taken = [number for number, held in self._state.held.items() if held.taken]
        for number in taken:
            self._state.held[number] = Held(now_ms, self._state.held[number].lease)
        return len(taken)

    def drop_bodies(self, *, before_ms: int, limit: int) -> int:
        kept = sorted(
            (email.created_ms, number)
            for number, email in self._state.emails.items()
            if email.created_ms < before_ms and email.state not in WAITING
            and number in self._state.bodies
        )[:limit]  # fmt: skip
        for _, number in kept:
            del self._state.bodies[number]
        return len(kept)

    def _waiting(self) -> list[int]:
        return [number for number, one in self._state.emails.items() if one.state in WAITING]
