"""A PubsubBook in memory, for tests. It keeps the contract of ports.pubsub and nothing on disk."""

from collections.abc import Collection, Mapping, Sequence
from itertools import count
from threading import RLock

from msgspec import Struct, structs

from penfold.base.errors import BacklogFullError, ConflictError, NotFoundError
from penfold.base.limits import PUBSUB_STORE_MAX_BYTES
from penfold.ports.pubsub import (
    DELETED_TOPIC,
    Delivery,
    NewMessage,
    Subscription,
    Telling,
    Topic,
    Watch,
    dead_letter,
    project_of,
)


class _Waiting(Struct):
    message: NewMessage
    published_ms: int
    due_ms: int
    expires_ms: int
    attempts: int = 0


class MemoryPubsub:
    def __init__(self, *, max_bytes: int = PUBSUB_STORE_MAX_BYTES) -> None:
        self._lock = RLock()
        self._max_bytes = max_bytes
        self._topics: dict[str, Topic] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._waiting: dict[str, dict[int, _Waiting]] = {}
        self._watches: dict[tuple[str, str], Watch] = {}
        self._next = count(1)
        self._mark = 0

    # --- topics

    def add_topic(self, topic: Topic) -> None:
        with self._lock:
            if topic.name in self._topics:
                raise ConflictError(topic.name)
            self._topics[topic.name] = topic

    def find_topic(self, name: str) -> Topic | None:
        return self._topics.get(name)

    def list_topics(self, project: str, *, after: str, limit: int) -> list[Topic]:
        with self._lock:
            names = [name for name in sorted(self._topics) if project_of(name) == project]
            return [self._topics[name] for name in names if name > after][:limit]

    def replace_topic(self, topic: Topic) -> None:
        with self._lock:
            if topic.name not in self._topics:
                raise NotFoundError(topic.name)
            self._topics[topic.name] = topic

    def delete_topic(self, name: str) -> None:
        with self._lock:
            if self._topics.pop(name, None) is None:
                raise NotFoundError(name)
            for sub in list(self._subscriptions.values()):
                if sub.topic == name:
                    self._subscriptions[sub.name] = structs.replace(sub, topic=DELETED_TOPIC)

    # --- subscriptions

    def add_subscription(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription.topic not in self._topics:
                raise NotFoundError(subscription.topic)
            if subscription.name in self._subscriptions:
                raise ConflictError(subscription.name)
            self._subscriptions[subscription.name] = subscription
            self._waiting[subscription.name] = {}

    def find_subscription(self, name: str) -> Subscription | None:
        return self._subscriptions.get(name)

    def list_subscriptions(
        self, *, project: str = "", topic: str = "", after: str, limit: int
    ) -> list[Subscription]:
        with self._lock:
            return [
                sub
                for name, sub in sorted(self._subscriptions.items())
                if name > after and (sub.topic == topic if topic else project_of(name) == project)
            ][:limit]

    def replace_subscription(self, subscription: Subscription) -> None:
        with self._lock:
            self._get(subscription.name)
            self._subscriptions[subscription.name] = subscription

    def delete_subscription(self, name: str) -> None:
        with self._lock:
            self._get(name)
            del self._subscriptions[name], self._waiting[name]

    # --- messages

    def publish(self, topic: str, messages: Sequence[NewMessage], *, now_ms: int) -> list[int]:
        with self._lock:
            self._check_room()
            return [self._publish(topic, message, now_ms) for message in messages]

    def has_due(self, subscription: str, *, now_ms: int) -> bool:
        with self._lock:
            waiting = self._waiting.get(subscription, {})
            return any(row.due_ms <= now_ms for row in waiting.values())

    def list_push_due(self, *, now_ms: int) -> list[str]:
        with self._lock:
            pushed = [sub.name for sub in self._subscriptions.values() if sub.push]
            return [name for name in pushed if self.has_due(name, now_ms=now_ms)]

    def lease(self, subscription: str, *, limit: int, until_ms: int, now_ms: int) -> list[Delivery]:
        with self._lock:
            sub = self._get(subscription)
            self._bury(sub, now_ms)
            waiting = self._waiting[subscription]
            due = [number for number, row in sorted(waiting.items()) if row.due_ms <= now_ms]
            found = []
            for number in due[:limit]:
                row = waiting[number]
                row.attempts += 1
                row.due_ms = until_ms + sub.backoff.wait_ms(row.attempts)
                found.append(Delivery(number, row.attempts, row.message, row.published_ms))
            return found

    def settle(
        self,
        subscription: str,
        *,
        done: Collection[int] = (),
        later: Mapping[int, tuple[int, int]] = {},
        untried: Mapping[int, int] = {},
    ) -> None:
        with self._lock:
            self._get(subscription)
            waiting = self._waiting[subscription]
            for number, (attempt, due_ms) in later.items():
                if number in waiting and waiting[number].attempts == attempt:
                    waiting[number].due_ms = due_ms
            for number, due_ms in untried.items():
                if number in waiting:
                    waiting[number].due_ms = due_ms
                    waiting[number].attempts = max(waiting[number].attempts - 1, 0)
            for number in done:
                waiting.pop(number, None)

    def release_pushes(self, *, now_ms: int) -> None:
        with self._lock:
            for name, waiting in self._waiting.items():
                for row in waiting.values() if self._subscriptions[name].push else ():
                    row.due_ms = min(row.due_ms, now_ms)

    def expire(self, *, now_ms: int, limit: int) -> int:
        with self._lock:
            gone = [
                (waiting, number)
                for waiting in self._waiting.values()
                for number, row in waiting.items()
                if row.expires_ms <= now_ms
            ][:limit]
            for waiting, number in gone:
                del waiting[number]
            buried = sum(self._bury(sub, now_ms) for sub in list(self._subscriptions.values()))
            ended = [key for key, watch in self._watches.items() if watch.expires_ms <= now_ms]
            for key in ended:
                del self._watches[key]
            self._mark += bool(ended)
            return len(gone) + buried + len(ended)

    # --- watches

    def find_watch(self, mailbox: str, project: str) -> Watch | None:
        return self._watches.get((mailbox, project))

    def list_watches(self) -> list[Watch]:
        with self._lock:
            return [watch for _, watch in sorted(self._watches.items())]

    def get_watch_mark(self) -> int:
        return self._mark

    def put_watch(self, watch: Watch, data: bytes, *, now_ms: int) -> None:
        with self._lock:
            self._check_room()
            self._publish(watch.topic, NewMessage(data), now_ms)
            self._watches[watch.mailbox, watch.project] = watch
            self._mark += 1

    def delete_watch(self, mailbox: str, project: str) -> bool:
        with self._lock:
            gone = self._watches.pop((mailbox, project), None) is not None
            self._mark += gone
            return gone

    def tell(self, tellings: Sequence[Telling], *, now_ms: int) -> int:
        with self._lock:
            if any(telling.data is not None for telling in tellings):
                self._check_room()
            return sum(self._tell(telling, now_ms) for telling in tellings)

    def close(self) -> None:
        """Nothing to close."""

    def _get(self, name: str) -> Subscription:
        if name not in self._subscriptions:
            raise NotFoundError(name)
        return self._subscriptions[name]

    def _check_room(self) -> None:
        used = sum(
            len(row.message.data) for waiting in self._waiting.values() for row in waiting.values()
        )
        if used > self._max_bytes:
            raise BacklogFullError("too much waits")

    def _publish(self, topic: str, message: NewMessage, now_ms: int) -> int:
        if topic not in self._topics:
            raise NotFoundError(topic)
        number = next(self._next)
        for sub in self._subscriptions.values():
            if sub.topic == topic:
                until_ms = now_ms + 1000 * sub.retention_s
                self._waiting[sub.name][number] = _Waiting(message, now_ms, now_ms, until_ms)
        return number

    def _bury(self, sub: Subscription, now_ms: int) -> int:
        if sub.dead is None or sub.dead.topic not in self._topics:
            return 0
        waiting, buried = self._waiting[sub.name], 0
        for number, row in sorted(waiting.items()):
            if row.due_ms <= now_ms and row.attempts >= sub.dead.tries:
                letter = Delivery(number, row.attempts, row.message, row.published_ms)
                self._publish(sub.dead.topic, dead_letter(sub, letter), now_ms)
                del waiting[number]
                buried += 1
        return buried

    def _tell(self, telling: Telling, now_ms: int) -> int:
        watch = telling.watch
        there = self._watches.get((watch.mailbox, watch.project))
        if there is None or (there.topic, there.expires_ms) != (watch.topic, watch.expires_ms):
            return 0
        self._watches[watch.mailbox, watch.project] = watch
        if telling.data is None or watch.topic not in self._topics:
            return 0
        self._publish(watch.topic, NewMessage(telling.data), now_ms)
        return 1
