"""Topics, subscriptions and watches on disk: <data>/pubsub.db, a shared.SharedFile.

What a commit of unknown outcome published may come twice, which at-least-once delivery allows.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from penfold.base.errors import (
    BacklogFullError,
    ConflictError,
    NotFoundError,
)
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
from penfold.store.sqlite.commit import Fatal
from penfold.store.sqlite.shared import SharedFile

_encode: Final = msgspec.json.Encoder().encode
_read_topic: Final = msgspec.json.Decoder(Topic).decode
_read_subscription: Final = msgspec.json.Decoder(Subscription).decode
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(NewMessage).decode
#: Octets of a page of the file, see store.sqlite.open.
_PAGE_BYTES: Final = 4096
_WATCH: Final = "mailbox, project, address, topic, labels, exclude, seen, told_ms, expires_ms"


#: Whether there is something to expire or to bury.
_OVER: Final = (
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM delivery WHERE expires_ms <= ?1)"
    " OR EXISTS (SELECT 1 FROM watch WHERE expires_ms <= ?1)"
    " OR EXISTS (SELECT 1 FROM subscription CROSS JOIN delivery ON subscription = subscription.id"
    " WHERE json_extract(CAST(record AS TEXT), '$.dead.tries') IS NOT NULL"
    " AND due_ms <= ?1 AND attempts >= json_extract(CAST(record AS TEXT), '$.dead.tries'))"
)


class SqlitePubsub:
    """A PubsubBook. Safe to use from several threads and beside other processes."""

    def __init__(
        self,
        path: Path,
        *,
        create: bool,
        fatal: Fatal | None = None,
        max_bytes: int = PUBSUB_STORE_MAX_BYTES,
    ) -> None:
        """Open the file; `create` makes it when it is missing. fatal: see commit.py."""
        self._max_pages = max_bytes // _PAGE_BYTES
        self._file = SharedFile(path, "pubsub", create=create, fatal=fatal)

    # --- topics

    def add_topic(self, topic: Topic) -> None:
        values = (topic.name, project_of(topic.name), _encode(topic))
        self._file.change(lambda db: _insert(db, "topic (name, project, record)", values))

    def find_topic(self, name: str) -> Topic | None:
        rows = self._file.read("SELECT record FROM topic WHERE name = ?", (name,))
        return _read_topic(rows[0][0]) if rows else None

    def list_topics(self, project: str, *, after: str, limit: int) -> list[Topic]:
        rows = self._file.read(
            "SELECT record FROM topic WHERE project = ? AND name > ? ORDER BY name LIMIT ?",
            (project, after, limit),
        )
        return [_read_topic(record) for (record,) in rows]

    def replace_topic(self, topic: Topic) -> None:
        values = (_encode(topic), topic.name)
        self._file.change(
            lambda db: _must(db, "UPDATE topic SET record = ? WHERE name = ?", values)
        )

    def delete_topic(self, name: str) -> None:
        def change(db: apsw.Connection) -> None:
            _must(db, "DELETE FROM topic WHERE name = ?", (name,))
            rows = list(db.execute("SELECT record FROM subscription WHERE topic = ?", (name,)))
            for (record,) in rows:
                old = _read_subscription(record)
                _replace(db, msgspec.structs.replace(old, topic=DELETED_TOPIC))

        self._file.change(change)

    # --- subscriptions

    def add_subscription(self, subscription: Subscription) -> None:
        values = (
            subscription.name,
            project_of(subscription.name),
            subscription.topic,
            int(subscription.push is not None),
            _encode(subscription),
        )

        def change(db: apsw.Connection) -> None:
            if not db.execute("SELECT 1 FROM topic WHERE name = ?", (subscription.topic,)).get:
                raise NotFoundError(subscription.topic)
            _insert(db, "subscription (name, project, topic, push, record)", values)

        self._file.change(change)

    def find_subscription(self, name: str) -> Subscription | None:
        rows = self._file.read("SELECT record FROM subscription WHERE name = ?", (name,))
        return _read_subscription(rows[0][0]) if rows else None

    def list_subscriptions(
        self, *, project: str = "", topic: str = "", after: str, limit: int
    ) -> list[Subscription]:
        column, value = ("topic", topic) if topic else ("project", project)
        rows = self._file.read(
            f"SELECT record FROM subscription WHERE {column} = ? AND name > ?"
            " ORDER BY name LIMIT ?",
            (value, after, limit),
        )
        return [_read_subscription(record) for (record,) in rows]

    def replace_subscription(self, subscription: Subscription) -> None:
        self._file.change(lambda db: _replace(db, subscription))

    def delete_subscription(self, name: str) -> None:
        def change(db: apsw.Connection) -> None:
            number, _ = _get_subscription(db, name)
            db.execute("DELETE FROM subscription WHERE id = ?", (number,))
            sql = "DELETE FROM delivery WHERE subscription = ? RETURNING message"
            _drop_messages(db, list(db.execute(sql, (number,))))

        self._file.change(change)

    # --- messages

    def publish(self, topic: str, messages: Sequence[NewMessage], *, now_ms: int) -> list[int]:
        def change(db: apsw.Connection) -> list[int]:
            self._check_room(db)
            return _publish(db, topic, messages, now_ms)

        return self._file.change(change)

    def has_due(self, subscription: str, *, now_ms: int) -> bool:
        sql = (
            "SELECT 1 FROM delivery WHERE due_ms <= ? AND subscription ="
            " (SELECT id FROM subscription WHERE name = ?) LIMIT 1"
        )
        return bool(self._file.read(sql, (now_ms, subscription)))

    def list_push_due(self, *, now_ms: int) -> list[str]:
        rows = self._file.read(
            "SELECT name FROM subscription WHERE push = 1 AND EXISTS"
            " (SELECT 1 FROM delivery WHERE subscription = subscription.id AND due_ms <= ?)",
            (now_ms,),
        )
        return [name for (name,) in rows]

    def lease(self, subscription: str, *, limit: int, until_ms: int, now_ms: int) -> list[Delivery]:
        def change(db: apsw.Connection) -> list[Delivery]:
            number, record = _get_subscription(db, subscription)
            if record.dead:
                _bury(db, number, record, now_ms)
            found = list(
                db.execute(
                    "SELECT message, attempts + 1, published_ms, record FROM delivery"
                    " JOIN message ON message.id = delivery.message"
                    " WHERE subscription = ? AND due_ms <= ? ORDER BY message LIMIT ?",
                    (number, now_ms, limit),
                )
            )
            db.executemany(
                "UPDATE delivery SET attempts = ?, due_ms = ? WHERE subscription = ?"
                " AND message = ?",
                [
                    (attempt, until_ms + record.backoff.wait_ms(attempt), number, message)
                    for message, attempt, _, _ in found
                ],
            )
            return [
                Delivery(message, attempt, _unpack(octets), published)
                for message, attempt, published, octets in found
            ]

        return self._file.change(change)

    def settle(
        self,
        subscription: str,
        *,
        done: Collection[int] = (),
        later: Mapping[int, tuple[int, int]] = {},
        untried: Mapping[int, int] = {},
    ) -> None:
        def change(db: apsw.Connection) -> None:
            number, _ = _get_subscription(db, subscription)
            db.executemany(
                "UPDATE delivery SET due_ms = ? WHERE subscription = ? AND message = ?"
                " AND attempts = ?",
                [(due, number, message, attempt) for message, (attempt, due) in later.items()],
            )
            db.executemany(
                "UPDATE delivery SET due_ms = ?, attempts = max(attempts - 1, 0)"
                " WHERE subscription = ? AND message = ?",
                [(due, number, message) for message, due in untried.items()],
            )
            _drop_deliveries(db, [(number, message) for message in done])

        self._file.change(change)

    def release_pushes(self, *, now_ms: int) -> None:
        self._file.change(
            lambda db: db.execute(
                "UPDATE delivery SET due_ms = ?1 WHERE due_ms > ?1 AND subscription IN"
                " (SELECT id FROM subscription WHERE push = 1)",
                (now_ms,),
            )
        )

    def expire(self, *, now_ms: int, limit: int) -> int:
        if not self._file.read(_OVER, (now_ms,)):
            return 0  # asked often; nothing to write then

        def change(db: apsw.Connection) -> int:
            found = list(
                db.execute(
                    "SELECT subscription, message FROM delivery WHERE expires_ms <= ? LIMIT ?",
                    (now_ms, limit),
                )
            )
            _drop_deliveries(db, found)
            rows = list(db.execute("SELECT id, record FROM subscription"))
            buried = sum(
                _bury(db, number, record, now_ms)
                for number, record in ((row[0], _read_subscription(row[1])) for row in rows)
                if record.dead
            )
            db.execute("DELETE FROM watch WHERE expires_ms <= ?", (now_ms,))
            ended = db.changes()
            if ended:
                db.execute("UPDATE mark SET number = number + 1")
            return len(found) + buried + ended

        return self._file.change(change)

    # --- watches

    def find_watch(self, mailbox: str, project: str) -> Watch | None:
        sql = f"SELECT {_WATCH} FROM watch WHERE mailbox = ? AND project = ?"
        rows = self._file.read(sql, (mailbox, project))
        return _watch(rows[0]) if rows else None

    def list_watches(self) -> list[Watch]:
        return [_watch(row) for row in self._file.read(f"SELECT {_WATCH} FROM watch", ())]

    def get_watch_mark(self) -> int:
        number: int = self._file.read("SELECT number FROM mark", ())[0][0]
        return number

    def put_watch(self, watch: Watch, data: bytes, *, now_ms: int) -> None:
        values = (
            *(watch.mailbox, watch.project, watch.address, watch.topic),
            *(json.dumps(watch.labels), int(watch.exclude)),
            *(watch.seen, watch.told_ms, watch.expires_ms),
        )

        def change(db: apsw.Connection) -> None:
            self._check_room(db)
            _publish(db, watch.topic, [NewMessage(data)], now_ms)
            db.execute(
                f"INSERT OR REPLACE INTO watch ({_WATCH}) VALUES (?,?,?,?,?,?,?,?,?)", values
            )
            db.execute("UPDATE mark SET number = number + 1")

        self._file.change(change)

    def delete_watch(self, mailbox: str, project: str) -> bool:
        if self.find_watch(mailbox, project) is None:
            return False  # stop is called often; nothing to write then

        def change(db: apsw.Connection) -> bool:
            db.execute("DELETE FROM watch WHERE mailbox = ? AND project = ?", (mailbox, project))
            gone = bool(db.changes())
            db.execute("UPDATE mark SET number = number + 1")
            return gone

        return self._file.change(change)

    def tell(self, tellings: Sequence[Telling], *, now_ms: int) -> int:
        def change(db: apsw.Connection) -> int:
            if any(telling.data is not None for telling in tellings):
                self._check_room(db)
            return sum(_tell(db, telling, now_ms) for telling in tellings)

        return self._file.change(change)

    def close(self) -> None:
        """Safe to call twice."""
        self._file.close()

    def _check_room(self, db: apsw.Connection) -> None:
        used = db.execute("PRAGMA page_count").get - db.execute("PRAGMA freelist_count").get
        if used > self._max_pages:
            raise BacklogFullError("pubsub.db is full", pages=used)


def _insert(db: apsw.Connection, into: str, values: tuple[object, ...]) -> None:
    places = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {into} VALUES ({places}) ON CONFLICT DO NOTHING", values)
    if not db.changes():
        raise ConflictError(str(values[0]))


def _must(db: apsw.Connection, sql: str, values: tuple[object, ...]) -> None:
    """Run a statement that changes a row named last; NotFoundError when it changes none."""
    db.execute(sql, values)
    if not db.changes():
        raise NotFoundError(str(values[-1]))


def _replace(db: apsw.Connection, subscription: Subscription) -> None:
    pushed = int(subscription.push is not None)
    values = (subscription.topic, pushed, _encode(subscription), subscription.name)
    _must(db, "UPDATE subscription SET topic = ?, push = ?, record = ? WHERE name = ?", values)


def _get_subscription(db: apsw.Connection, name: str) -> tuple[int, Subscription]:
    row = db.execute("SELECT id, record FROM subscription WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFoundError(name)
    return row[0], _read_subscription(row[1])


def _publish(
    db: apsw.Connection, topic: str, messages: Iterable[NewMessage], now_ms: int
) -> list[int]:
    """Store messages and a delivery for each subscription; return their ids."""
    if not db.execute("SELECT 1 FROM topic WHERE name = ?", (topic,)).get:
        raise NotFoundError(topic)
    rows = list(db.execute("SELECT id, record FROM subscription WHERE topic = ?", (topic,)))
    waiting = [(row[0], _read_subscription(row[1]).retention_s) for row in rows]
    ids: list[int] = []
    for message in messages:
        db.execute(
            "INSERT INTO message (published_ms, record) VALUES (?, ?)", (now_ms, _pack(message))
        )
        number = db.last_insert_rowid()
        ids.append(number)
        db.executemany(
            "INSERT INTO delivery (subscription, message, due_ms, attempts, expires_ms)"
            " VALUES (?, ?, ?, 0, ?)",
            [(sub, number, now_ms, now_ms + 1000 * kept_s) for sub, kept_s in waiting],
        )
    if not waiting:  # stored all the same, because only that uses the ids up
        db.executemany("DELETE FROM message WHERE id = ?", [(number,) for number in ids])
    return ids


def _bury(db: apsw.Connection, number: int, record: Subscription, now_ms: int) -> int:
    """Move what had all its tries to the dead-letter topic; without that topic it stays."""
    dead = record.dead
    if dead is None or not db.execute("SELECT 1 FROM topic WHERE name = ?", (dead.topic,)).get:
        return 0
    found = list(
        db.execute(
            "SELECT message, attempts, published_ms, record FROM delivery"
            " JOIN message ON message.id = delivery.message"
            " WHERE subscription = ? AND due_ms <= ? AND attempts >= ? ORDER BY message",
            (number, now_ms, dead.tries),
        )
    )
    for message, attempt, published, octets in found:
        letter = Delivery(message, attempt, _unpack(octets), published)
        _publish(db, dead.topic, [dead_letter(record, letter)], now_ms)
    _drop_deliveries(db, [(number, row[0]) for row in found])
    return len(found)


def _drop_deliveries(db: apsw.Connection, keys: Sequence[tuple[int, int]]) -> None:
    db.executemany("DELETE FROM delivery WHERE subscription = ? AND message = ?", keys)
    _drop_messages(db, [(message,) for _, message in keys])


def _drop_messages(db: apsw.Connection, messages: Sequence[tuple[int]]) -> None:
    """Remove those of these messages that nobody waits for any more."""
    db.executemany(
        "DELETE FROM message WHERE id = ?1"
        " AND NOT EXISTS (SELECT 1 FROM delivery WHERE message = ?1)",
        messages,
    )


def _tell(db: apsw.Connection, telling: Telling, now_ms: int) -> int:
    watch = telling.watch
    db.execute(
        "UPDATE watch SET seen = ?, told_ms = ? WHERE mailbox = ? AND project = ?"
        " AND topic = ? AND expires_ms = ?",
        (
            *(watch.seen, watch.told_ms, watch.mailbox, watch.project),
            *(watch.topic, watch.expires_ms),
        ),
    )
    if not db.changes() or telling.data is None:
        return 0
    try:
        _publish(db, watch.topic, [NewMessage(telling.data)], now_ms)
    except NotFoundError:
        return 0
    return 1


def _watch(row: Sequence[Any]) -> Watch:
    mailbox, project, address, topic, labels, exclude, seen, told_ms, expires_ms = row
    return Watch(
        mailbox=mailbox,
        project=project,
        address=address,
        topic=topic,
        labels=tuple(json.loads(labels)),
        exclude=bool(exclude),
        seen=seen,
        told_ms=told_ms,
        expires_ms=expires_ms,
    )
