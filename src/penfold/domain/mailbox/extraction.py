"""Read the attachments of messages and index these anew with their text.

Nothing a client sees of the message changes: no labels, no dates, no history. The note that it
waits goes away with the transaction that indexes the text, so a process killed in between reads the
message again and nothing is lost or doubled.

An attachment that ends its reader is tried EXTRACT_TRIES times, behind all that were tried less;
then its text is missing for good, and the note says so. The other attachments' text is indexed.
"""

import threading
from collections.abc import Callable, Sequence
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


class Finding(NamedTuple):
    """What is to be noted of a message. waiting: as it will be. settled: it waits no more."""

    waiting: Extraction
    settled: bool = True
    indexed: tuple[Summary, str] | None = None

    @property
    def size(self) -> int:
        """Characters to index, about."""
        return len(self.indexed[1]) if self.indexed else 0


def extract(
    mailboxes: Mailboxes,
    extractor: Extractor,
    mailbox_id: str,
    waiting: Sequence[Extraction],
    *,
    stopping: threading.Event,
    watch: Watch,
) -> list[Extraction]:
    """Read the attachments of messages that wait and return those that wait no more.

    Their `problem` says why text is missing for good. What is found is noted together, as each
    transaction costs arriving mail a turn at the disk; UnavailableError when nothing can be read
    or noted now.
    """
    settled: list[Extraction] = []
    found: list[Finding] = []
    size = 0
    for each in waiting:
        if each.tries or size >= EXTRACT_TEXT_MAX_BYTES:
            settled += _note(mailboxes, mailbox_id, found)
            found, size = [], 0
        finding = _read(mailboxes, extractor, mailbox_id, each, stopping=stopping, watch=watch)
        if stopping.is_set():
            break
        found.append(finding)
        size += finding.size
    return settled + _note(mailboxes, mailbox_id, found)


def _read(
    mailboxes: Mailboxes,
    extractor: Extractor,
    mailbox_id: str,
    waiting: Extraction,
    *,
    stopping: threading.Event,
    watch: Watch,
) -> Finding:
    try:
        with mailboxes.open_reader(mailbox_id) as box:
            loaded = _load(box, waiting.message_id)
    except NotFoundError:
        return Finding(waiting)
    if isinstance(loaded, str):
        return Finding(structs.replace(waiting, problem=loaded))
    raw, root = loaded
    found = read_attached(raw, root, extractor, stopping=stopping, watch=watch)
    waiting = structs.replace(waiting, tries=waiting.tries + 1)
    if found.failed and waiting.tries < EXTRACT_TRIES:
        return Finding(waiting, settled=False)
    indexed = (summarize(raw, root), found.text) if found.text else None
    return Finding(structs.replace(waiting, problem=found.problem), indexed=indexed)


def _note(mailboxes: Mailboxes, mailbox_id: str, found: Sequence[Finding]) -> list[Extraction]:
    """Index and note what was found; messages that are gone are as well."""
    if not found:
        return []

    def change(box: MailboxWriter) -> list[Extraction]:
        settled = []
        for waiting, is_settled, indexed in found:
            there = box.find_message(waiting.message_id) is not None
            if there and indexed is not None:
                box.index_attached(waiting.message_id, *indexed)
            if there and (waiting.problem or not is_settled):
                box.put_extraction(waiting)
            else:
                box.delete_extraction(waiting.message_id)
            if is_settled or not there:
                settled.append(waiting if there else Extraction(waiting.message_id))
        return settled

    return mailboxes.change(mailbox_id, change)


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
