"""users.watch: who is told of whose changes, and what there is to tell.

A watch belongs to an account and a project and lives for WATCH_DAYS. `watch` answers after its
first notification is stored. Later ones are found by `look`: it reads the history beyond what
the watch has seen and says whether anything in it counts. Publishing and noting how far the
watch has come are one transaction of the book, so nothing is lost and the last state is always
told. Gmail: documented and reported by clients unless a line says otherwise.
"""

import json
import re
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.errors import NotFoundError
from penfold.base.ids import project_id
from penfold.base.limits import HISTORY_SCAN_MAX, NOTIFY_GAP_MS, WATCH_DAYS
from penfold.domain.mailbox.labels import get_label_numbers
from penfold.domain.push.pubsub import may_gmail_publish
from penfold.domain.push.pubsub_names import TOPICS, make_name, short_name
from penfold.ports.directory import Account
from penfold.ports.mailbox import HistoryRow, MailboxReader
from penfold.ports.pubsub import PubsubBook, Telling, Watch
from penfold.spec.problems import (
    INVALID_TOPIC_NAME,
    ONE_WATCH_ONLY,
    TOPIC_FORBIDDEN,
    TOPIC_NOT_FOUND,
    ProblemError,
)
from penfold.spec.schemas import WatchRequest

_DAY_MS: Final = 86_400_000
_TOPIC: Final = re.compile(r"projects/([^/]+)/topics/([^/]+)")


class Caller(Struct, frozen=True, gc=False):
    """Who watches: the account, and the number of the project that is to be told."""

    account: Account
    project: str


def start_watch(
    box: MailboxReader, book: PubsubBook, caller: Caller, request: WatchRequest, *, now_ms: int
) -> Watch:
    """Store the watch, with its first notification; both are durable on return.

    Gmail (assumed): the order of the checks.
    """
    project = project_id(caller.project)
    topic = _read_topic(request.topic_name or "", caller.project)
    labels = get_label_numbers(box, request.label_ids or ())
    behavior = request.label_filter_behavior or request.label_filter_action
    there = book.find_watch(caller.account.id, project)
    if there is not None and there.topic != topic and there.expires_ms > now_ms:
        raise ProblemError(ONE_WATCH_ONLY)
    found = book.find_topic(topic)
    if found is None:
        raise _no_topic(topic)
    if not may_gmail_publish(found):
        raise ProblemError(TOPIC_FORBIDDEN, topic=topic)
    watch = Watch(
        mailbox=caller.account.id,
        project=project,
        address=caller.account.address,
        topic=topic,
        labels=tuple(sorted(labels)),
        exclude=behavior == "exclude" and bool(labels),
        seen=box.get_totals().history_id,
        told_ms=now_ms,
        expires_ms=now_ms + WATCH_DAYS * _DAY_MS,
    )
    try:
        book.put_watch(watch, make_notification(watch), now_ms=now_ms)
    except NotFoundError as error:  # deleted in the same moment
        raise _no_topic(topic) from error
    return watch


def stop_watch(book: PubsubBook, caller: Caller) -> None:
    """End the watch, if there is one."""
    book.delete_watch(caller.account.id, project_id(caller.project))


def make_notification(watch: Watch) -> bytes:
    """Return what a topic is told. Gmail (observed): the history id is a JSON number."""
    value = {"emailAddress": watch.address, "historyId": watch.seen}
    return json.dumps(value, separators=(",", ":")).encode()


def is_resting(watch: Watch, *, now_ms: int) -> bool:
    """Return whether the watch was told less than a second ago; a clock set back does not count."""
    return 0 <= now_ms - watch.told_ms < NOTIFY_GAP_MS


def look(box: MailboxReader, watch: Watch, *, now_ms: int) -> Telling | None:
    """Return how far the watch has come and what is to be told of it; None when nothing is new."""
    latest = box.get_totals().history_id
    if latest == watch.seen:
        return None
    if latest < watch.seen or watch.seen < box.get_history_floor():
        # A restored mailbox, or history that has expired: nobody can tell what happened.
        return _tell(replace(watch, seen=latest, told_ms=now_ms))
    for count, row in enumerate(box.iter_history(watch.seen), 1):
        if _counts(row, watch):
            return _tell(replace(watch, seen=latest, told_ms=now_ms))
        if count == HISTORY_SCAN_MAX:
            return Telling(replace(watch, seen=row.id), None)
    return Telling(replace(watch, seen=latest), None)


def may_tell(book: PubsubBook, watch: Watch) -> bool:
    """Return whether the watch's topic is there and still lets Gmail publish."""
    topic = book.find_topic(watch.topic)
    return topic is not None and may_gmail_publish(topic)


def _tell(watch: Watch) -> Telling:
    return Telling(watch, make_notification(watch))


def _counts(row: HistoryRow, watch: Watch) -> bool:
    """Return whether a record is of a message the watch asks about; labels are OR-ed."""
    if not watch.labels:
        return True
    wanted = set(watch.labels)
    return any(
        wanted.isdisjoint(entry.labels + entry.changed) == watch.exclude for entry in row.entries
    )


def _read_topic(text: str, project: str) -> str:
    """Return the topic's full name; it must be of the caller's project, by number or id."""
    match = _TOPIC.fullmatch(text)
    own = project_id(project)
    if not match or match[1] not in (project, own):
        raise ProblemError(INVALID_TOPIC_NAME, project=own)
    try:
        return make_name(own, TOPICS, match[2])
    except ProblemError as error:
        raise ProblemError(INVALID_TOPIC_NAME, project=own) from error


def _no_topic(topic: str) -> ProblemError:
    return ProblemError(TOPIC_NOT_FOUND, topic=topic, resource=short_name(topic))
