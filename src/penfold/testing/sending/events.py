"""Events, and their deliveries to webhooks, in memory."""

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from penfold.base.errors import NotFoundError
from penfold.base.limits import SENDING_RECORDS_MAX
from penfold.ports.sending.counts import list_counters
from penfold.ports.sending.events import FINAL, LATE, Event, NewEvent, is_wanted
from penfold.ports.sending.records import Webhook
from penfold.ports.sending.webhooks import (
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookLease,
)
from penfold.testing.sending.counts import MemoryCounts
from penfold.testing.sending.emails import MemoryEmails, page
from penfold.testing.sending.records import MemoryRecords
from penfold.testing.sending.state import Held, Part


class MemoryDeliveries(Part):
    def list_deliveries(
        self, webhook_id: str, *, older: int | None = None, limit: int
    ) -> list[WebhookDelivery]:
        mine = [self._show(n) for n, one in self._state.deliveries.items()
                if one.webhook_id == webhook_id]  # fmt: skip
        return page(mine, older=older, newer=None, limit=limit)

    def list_webhook_attempts(self, number: int) -> list[WebhookAttempt]:
        return [one for (delivery, _), one in self._state.attempts.items() if delivery == number]

    def list_webhooks_due(self, *, now_ms: int) -> list[str]:
        first: dict[str, int] = {}
        for number in self._waits():
            name, due_ms = self._state.deliveries[number].webhook_id, self._due(number)
            first[name] = min(first.get(name, due_ms), due_ms)
        due = sorted((due_ms, name) for name, due_ms in first.items() if due_ms <= now_ms)
        return [name for _, name in due]

    def count_all_waiting(self) -> int:
        return len(self._waits())

    def count_deliveries_waiting(self, webhook_id: str, *, limit: int) -> int:
        return min(limit, len(self._waits(webhook_id)))

    def add_deliveries(
        self, webhook_id: str, events: Sequence[int], *, now_ms: int, replay: bool
    ) -> list[int]:
        numbers = []
        for event in events:
            number = self._state.next("delivery")
            self._state.deliveries[number] = WebhookDelivery(
                number, webhook_id, event, DeliveryState.WAITING, now_ms, 0, now_ms, replay
            )
            self._state.deliveries_held[number] = Held(now_ms)
            numbers.append(number)
        return numbers

    def take_deliveries(
        self, webhook_id: str, *, now_ms: int, lease_ms: int, limit: int
    ) -> list[WebhookLease]:
        held = self._state.deliveries_held
        due = [number for number in self._waits(webhook_id) if held[number].due_ms <= now_ms]
        leases = []
        for number in sorted(due, key=lambda one: (held[one].due_ms, one))[:limit]:
            shown = self._show(number)
            tries = held[number].lease + 1
            held[number] = Held(now_ms + lease_ms, tries, taken=True)
            leases.append(WebhookLease(replace(shown, tries=tries), tries))
        return leases

    def settle_delivery(
        self,
        lease: WebhookLease,
        attempt: WebhookAttempt | None,
        state: DeliveryState,
        *,
        due_ms: int = 0,
    ) -> bool:
        number = lease.delivery.number
        held = self._state.deliveries_held.get(number)
        if held is None or (held.lease, held.taken) != (lease.number, True):
            return False
        self._state.deliveries[number] = replace(self._state.deliveries[number], state=state)
        self._state.deliveries_held[number] = Held(due_ms, held.lease)
        if attempt is not None:
            count = len(self.list_webhook_attempts(number)) + 1
            self._state.attempts[number, count] = replace(attempt, number=count)
        return True

    def release_deliveries(self, *, now_ms: int) -> int:
        held = self._state.deliveries_held
        taken = [number for number, one in held.items() if one.taken]
        for number in taken:
            held[number] = Held(now_ms, held[number].lease)
        return len(taken)

    def end_deliveries(self, webhook_id: str) -> int:
        waiting = self._waits(webhook_id)
        for number in waiting:
            one = self._state.deliveries[number]
            self._state.deliveries[number] = replace(one, state=DeliveryState.FAILED)
            held = self._state.deliveries_held[number]
            self._state.deliveries_held[number] = Held(held.due_ms, held.lease)
        return len(waiting)

    def expire_deliveries(self, *, before_ms: int, limit: int) -> int:
        every = sorted(self._state.deliveries.values(), key=lambda one: one.number)
        looked = [one for one in every if one.state is not DeliveryState.WAITING][:limit]
        over = [one.number for one in looked if one.created_ms < before_ms]
        for number in over:
            self._drop(number)
        return len(over)

    def drop_deliveries(self, webhook_id: str) -> None:
        for number, one in list(self._state.deliveries.items()):
            if one.webhook_id == webhook_id:
                self._drop(number)

    def _drop(self, number: int) -> None:
        del self._state.deliveries[number], self._state.deliveries_held[number]
        for key in [key for key in self._state.attempts if key[0] == number]:
            del self._state.attempts[key]

    def _show(self, number: int) -> WebhookDelivery:
        held = self._state.deliveries_held[number]
        return replace(self._state.deliveries[number], due_ms=held.due_ms, tries=held.lease)

    def _due(self, number: int) -> int:
        return self._state.deliveries_held[number].due_ms

    def _waits(self, webhook_id: str = "") -> list[int]:
        return [
            number
            for number, one in self._state.deliveries.items()
            if one.state is DeliveryState.WAITING and webhook_id in ("", one.webhook_id)
        ]


class MemoryEvents(MemoryRecords, MemoryEmails, MemoryDeliveries, MemoryCounts):
    def find_event(self, event_id: str, account_id: str) -> Event | None:
        mine = [one for one in self._state.events.values() if one.account_id == account_id]
        return next((one for one in mine if one.id == event_id), None)

    def get_event(self, number: int) -> Event:
        if number not in self._state.events:
            raise NotFoundError("no such event", number=number)
        return self._state.events[number]

    def list_events(
        self,
        account_id: str,
        *,
        email: int | None = None,
        kinds: Collection[str] = (),
        older: int | None = None,
        newer: int | None = None,
        limit: int,
    ) -> list[Event]:
        mine = [
            one
            for one in self._state.events.values()
            if one.account_id == account_id
            and email in (None, one.email)
            and (not kinds or one.kind in kinds)
        ]
        return page(mine, older=older, newer=newer, limit=limit)

    def list_events_between(
        self,
        account_id: str,
        *,
        first_ms: int,
        last_ms: int,
        after: Event | None = None,
        limit: int,
    ) -> list[Event]:
        behind = (after.at_ms, after.number) if after else (first_ms, 0)
        mine = [
            one
            for one in self._state.events.values()
            if one.account_id == account_id
            and (one.at_ms, one.number) > behind
            and first_ms <= one.at_ms <= last_ms
        ]
        return sorted(mine, key=lambda one: (one.at_ms, one.number))[:limit]

    def list_heard(
        self, account_id: str, address: str, *, kind: str, since_ms: int, limit: int
    ) -> list[Event]:
        mine = [
            one
            for one in self._state.events.values()
            if (one.account_id, one.kind) == (account_id, kind)
            and one.address.lower() == address.lower()
            and one.at_ms >= since_ms
        ]
        return page(mine, older=None, newer=None, limit=limit)

    def expire_events(self, *, before_ms: int, limit: int) -> int:
        looked = sorted(self._state.events.items())[:limit]
        gone = {number for number, one in looked if one.at_ms < before_ms}
        state = self._state
        state.events = {k: v for k, v in state.events.items() if k not in gone}
        state.causes = {k: v for k, v in state.causes.items() if v not in gone}
        return len(gone)

    def list_notices(self, *, limit: int) -> list[Event]:
        events = self._state.events
        return [events[number] for number in sorted(self._state.notices) if number in events][
            :limit
        ]

    def end_notice(self, number: int) -> None:
        self._state.notices.pop(number, None)

    def add_event(self, new: NewEvent, *, notice: bool = False) -> int | None:
        recipient = self._state.recipients.get((new.email, new.position))
        ended = recipient is not None and recipient.final
        if new.cause in self._state.causes or (ended and new.kind not in LATE):
            return None
        final = recipient is not None and not ended and new.kind in FINAL
        known = any(
            (one.email, one.position, one.kind) == (new.email, new.position, new.kind)
            and not one.data.get("machine")
            for one in self._state.events.values()
        )
        number = self._state.next("event")
        email = self._state.emails.get(new.email)
        self._state.causes[new.cause] = number
        self._state.events[number] = Event(
            number, new.id, new.account_id, new.email, email.id if email else "", new.position,
            recipient.address if recipient else "", new.kind, new.at_ms, final, new.data,
        )  # fmt: skip
        if recipient is not None:
            self._state.recipients[new.email, new.position] = replace(
                recipient, last_event=new.kind, final=recipient.final or final
            )
        if email is not None and recipient is not None:
            self.count(list_counters(email, recipient, new, known=known))
        if email is not None:
            self._state.emails[new.email] = replace(email, last_event=new.kind)
        if notice:
            self._state.notices[number] = None
        for webhook in self.list_records(Webhook, new.account_id, limit=SENDING_RECORDS_MAX):
            if is_wanted(new, webhook):
                self.add_deliveries(webhook.id, [number], now_ms=new.at_ms, replay=False)
        return number
