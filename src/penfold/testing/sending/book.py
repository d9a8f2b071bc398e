"""The whole book in memory."""

from collections.abc import Callable
from threading import RLock
from typing import TypeVar

from penfold.ports.sending.book import SendingReader, SendingWriter
from penfold.ports.sending.records import ApiKey, Webhook
from penfold.testing.sending.events import MemoryEvents
from penfold.testing.sending.ledger import MemoryAnswers, MemoryMeter, MemorySuppressions
from penfold.testing.sending.state import State

T = TypeVar("T")


class _Tables(MemoryEvents, MemorySuppressions, MemoryMeter, MemoryAnswers):
    def erase_account(self, account_id: str) -> int:
        state = self._state
        for webhook in self._list(Webhook, account_id):
            self.drop_deliveries(webhook.id)
        keys = {one.id for one in self._list(ApiKey, account_id)}
        mine = {number for number, one in state.emails.items() if one.account_id == account_id}
        events = sum(one.account_id == account_id for one in state.events.values())
        state.answers = {k: v for k, v in state.answers.items() if k[0] not in keys}
        state.emails = {k: v for k, v in state.emails.items() if k not in mine}
        state.held = {k: v for k, v in state.held.items() if k not in mine}
        state.bodies = {k: v for k, v in state.bodies.items() if k not in mine}
        state.recipients = {k: v for k, v in state.recipients.items() if k[0] not in mine}
        state.counters = {k: v for k, v in state.counters.items() if k.account_id != account_id}
        for name in ("records", "events", "suppressions"):
            table = getattr(state, name)
            setattr(state, name, {k: v for k, v in table.items() if v.account_id != account_id})
        return len(mine) + events


class MemorySending:
    """A SendingBook."""

    def __init__(self, *, runs_twice: bool = False) -> None:
        """runs_twice: every change runs once for nothing first, as a store may do."""
        self._runs_twice = runs_twice
        self._lock = RLock()
        self._state = State()

    def read(self, look: Callable[[SendingReader], T]) -> T:
        with self._lock:
            return look(_Tables(self._state))

    def change(self, change: Callable[[SendingWriter], T]) -> T:
        with self._lock:
            if self._runs_twice:
                change(_Tables(self._state.copy()))
            copy = self._state.copy()
            result = change(_Tables(copy))
            self._state = copy
            return result

    def close(self) -> None:
        """Nothing to close."""
