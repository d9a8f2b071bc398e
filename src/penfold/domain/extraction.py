"""Read the attachments of one message and index it anew with their text.

Nothing a client sees of the message changes: no labels, no dates, no history. The note that it
waits goes away with the transaction that indexes the text, so a process killed in between reads the
message again and nothing is lost or doubled.

An attachment that ends its reader is tried EXTRACT_TRIES times, behind all that were tried less;
then its text is missing for good, and the note says so. The other attachments' text is indexed.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple

from msgspec import structs

from penfold.base.errors import MailboxDamagedError, NotFoundError
from penfold.base.limits import EXTRACT_MESSAGE_MAX_BYTES, EXTRACT_TEXT_MAX_BYTES, EXTRACT_TRIES
from penfold.ports.extracting import Extracted, Extractor
from penfold.ports.mailbox import Extraction, Mailboxes, MailboxReader, MailboxWriter
from penfold.proto.extract.kinds import iter_files
from penfold.proto.mime.body import decode_body
from penfold.proto.mime.model import Part, Summary
from penfold.proto.mime.summary import summarize

#: Told of each file that was read.
Watch = Callable[[Extracted], None]


class Found(NamedTuple):
    """Text of a message's attachments, and what is wrong with those that have none."""

    text: str = ""
    unreadable: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def problem(self) -> str:
        return ", ".join(dict.fromkeys(self.unreadable + self.failed))


class Outcome(NamedTuple):
    """settled: the message waits no more. problem: why some of its text is missing."""

    settled: bool
    problem: str = ""


def extract(
    mailboxes: Mailboxes,
    extractor: Extractor,
    mailbox_id: str,
    waiting: Extraction,
    *,
    stopping: threading.Event,
    watch: Watch,
) -> Outcome:
    """Read the attachments of a message that waits; UnavailableError when that has to be later."""
    try:
        with mailboxes.open_reader(mailbox_id) as box:
            loaded = _load(box, waiting.message_id)
    except NotFoundError:
        return Outcome(settled=True)
    if isinstance(loaded, str):
        return _settle(mailboxes, mailbox_id, waiting, loaded, None)
    raw, root = loaded
    found = read_attached(raw, root, extractor, stopping=stopping, watch=watch)
    if stopping.is_set():
        return Outcome(settled=False)
    waiting = structs.replace(waiting, tries=waiting.tries + 1)
    if found.failed and waiting.tries < EXTRACT_TRIES:
        _change(mailboxes, mailbox_id, lambda box: box.put_extraction(waiting))
        return Outcome(settled=False)
    indexed = (summarize(raw, root), found.text) if found.text else None
    return _settle(mailboxes, mailbox_id, waiting, found.problem, indexed)


def _load(box: MailboxReader, message_id: int) -> tuple[bytes, Part] | str:
    """Return the octets and the tree of a message, or why there is nothing to read."""
    row = box.find_message(message_id)
    if row is not None and row.size > EXTRACT_MESSAGE_MAX_BYTES:
        return "too large"
    try:
        return box.get_raw(message_id), box.get_structure(message_id)
    except MailboxDamagedError:
        return "message is damaged"


def read_attached(
    raw: bytes, root: Part, extractor: Extractor, *, stopping: threading.Event, watch: Watch
) -> Found:
    """Return the text of all attachments, EXTRACT_TEXT_MAX_BYTES at most."""
    texts, unreadable, failed = [], [], []
    left = EXTRACT_TEXT_MAX_BYTES
    for part, kind in iter_files(root):
        if stopping.is_set() or left <= 0:
            break
        data = decode_body(raw, part)
        got = extractor.read(kind, data, charset=part.charset, limit=left, stopping=stopping)
        if stopping.is_set():
            break
        watch(got)
        match got.outcome:
            case "read":
                texts.append(got.text)
                left -= len(got.text.encode("utf-8", "replace")) + 1
            case "unreadable":
                unreadable.append(got.problem)
            case "failed":
                failed.append(got.problem)
    return Found("\n".join(texts), tuple(unreadable), tuple(failed))


def _settle(
    mailboxes: Mailboxes,
    mailbox_id: str,
    waiting: Extraction,
    problem: str,
    indexed: tuple[Summary, str] | None,
) -> Outcome:
    def change(box: MailboxWriter) -> None:
        if indexed is not None:
            box.index_attached(waiting.message_id, *indexed)
        if problem:
            box.put_extraction(structs.replace(waiting, problem=problem))
        else:
            box.delete_extraction(waiting.message_id)

    there = _change(mailboxes, mailbox_id, change)
    return Outcome(settled=True, problem=problem if there else "")


def _change(mailboxes: Mailboxes, mailbox_id: str, change: Callable[[MailboxWriter], None]) -> bool:
    """Change the mailbox; returns False when the message is gone, which is as well."""
    try:
        mailboxes.change(mailbox_id, change)
    except NotFoundError:
        return False
    return True
