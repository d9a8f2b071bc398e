"""Import mail by the thousand: what becomes of each message, and how an import goes on.

A lot of messages and the note of how far reading got are one transaction, so an import that is
cut off at any moment goes on behind what it has, and has nothing twice. A message is *there
already* when one with the same octets is found by its date (the id of an imported message is its
date and some of its hash) or by its Message-ID. Then only its labels are united:

    put there by this import   all of its labels count; one copy outside SPAM and TRASH, or
                               one that was read, decides
    there before               it gets STARRED, IMPORTANT and user labels; where it lies and
                               whether it was read is the affair of who has it

Threads: the one it came with, if that has room; else as messages.import finds it. Filters,
forwarding and the vacation reply do not act. History: one record for IMPORT_HISTORY_MESSAGES
messages, as clients read records by the page and a record each would be a third of all rows.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import UNSET, Struct, structs

from penfold.base.chance import Chance
from penfold.base.errors import ConflictError, ParseError, UnavailableError
from penfold.base.ids import RANDOM_BITS, make_message_id
from penfold.base.labels import (
    DRAFT,
    FIRST_USER_LABEL,
    IMPORTANT,
    SPAM,
    STARRED,
    TRASH,
    UNREAD,
    find_label_number,
)
from penfold.base.limits import (
    IMPORT_COMMIT_BYTES,
    IMPORT_COMMIT_MAX,
    IMPORT_COMMIT_MIN,
    IMPORT_GAP_S,
    IMPORT_HISTORY_MESSAGES,
    IMPORT_REMEMBERED_DAYS,
    LABEL_NAME_MAX,
    LABELS_MAX,
    SKIPPED_TOLD_MAX,
    THREAD_MAX,
)
from penfold.domain.mailbox.changes import NO_LABELS, change_labels, record_all_added, settle_labels
from penfold.domain.mailbox.labels import RESERVED_NAMES, create_label
from penfold.domain.mailbox.messages import make_draft_id
from penfold.domain.mailbox.threading import find_thread_by_subject
from penfold.ports.mailbox import Mailboxes, MailboxReader, MailboxWriter, MessageRow, NewMessage
from penfold.ports.moving import Place, Ready, Skipped, Source
from penfold.ports.settings import ImportMark
from penfold.proto.search.tree import label_key, label_name
from penfold.proto.takeout import find_system_label
from penfold.spec.schemas import Label

_HIDDEN: Final = frozenset({SPAM, TRASH})
#: Of a copy that this import meets later: these say what one copy is, not what the message is.
_NOT_UNITED: Final = frozenset({UNREAD, DRAFT, SPAM, TRASH})
_DAY_MS: Final = 86_400_000
#: Octets of a hash that make one id; ids are tried as long as there are octets, then by chance.
_ID_STEP: Final = 3
_ID_TRIES: Final = 32


class Tally(Struct):
    """What an import did. known: there already. told: the first of those it skipped.

    lost: how many of the skipped were mail, or may have been.
    """

    imported: int = 0
    known: int = 0
    skipped: int = 0
    lost: int = 0
    octets: int = 0
    #: Labels that were left out, as the mailbox has room for no more.
    unlabelled: int = 0
    told: list[Skipped] = []
    resumed: bool = False
    finished: bool = False

    @property
    def seen(self) -> int:
        return self.imported + self.known + self.skipped

    def add(self, other: "Tally") -> None:
        self.imported += other.imported
        self.known += other.known
        self.skipped += other.skipped
        self.lost += other.lost
        self.octets += other.octets
        self.unlabelled += other.unlabelled
        self.told.extend(other.told[: SKIPPED_TOLD_MAX - len(self.told)])


class Importer:
    """Runs imports.

    seconds: a clock that only goes forward; pause: waits so many seconds; commit_s: how many a
    transaction may take about.
    """

    def __init__(
        self,
        mailboxes: Mailboxes,
        chance: Chance,
        *,
        now_ms: Callable[[], int],
        seconds: Callable[[], float],
        pause: Callable[[float], None],
        commit_s: float,
    ) -> None:
        self._mailboxes = mailboxes
        self._chance = chance
        self._now_ms = now_ms
        self._seconds = seconds
        self._pause = pause
        self._commit_s = commit_s

    def run(
        self,
        mailbox_id: str,
        source: Source,
        *,
        labels: Sequence[str] = (),
        tell: Callable[[Tally], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Tally:
        """Import all of a source, behind what an import of it that was cut off has done.

        labels: names for every message. tell: told after each transaction. stop: asked whether
        to end here; the tally then says that it is not finished.
        """
        for name in labels:
            if _find_system(name) is None and not clean_label_name(name):
                raise ParseError("no label can have this name", label=repr(name))
        key = source.identity.hex()
        mark = self._mailboxes.change(mailbox_id, lambda box: self._begin(box, key))
        resumed = (mark.source, mark.path, mark.offset) != (0, "", 0)
        tally = Tally(mark.imported, mark.known, mark.skipped, mark.lost, resumed=resumed)
        tell(tally)
        for lot in self._lots(source, Place(mark.source, mark.path, mark.offset), stop):
            started = self._seconds()
            add = _Lot(lot, mark, labels, self._now_ms(), self._chance)
            done, mark = self._mailboxes.change(mailbox_id, add)
            self._adapt(len(lot), self._seconds() - started)
            tally.add(done)
            tell(tally)
            self._pause(IMPORT_GAP_S)
        if not stop():
            self._mailboxes.change(mailbox_id, lambda box: box.delete_setting(ImportMark, key))
            self._mailboxes.settle(mailbox_id)
            tally.finished = True
        return tally

    def _begin(self, box: MailboxWriter, key: str) -> ImportMark:
        """Return how far an import of this got; forgets those that were never gone on with."""
        now_ms = self._now_ms()
        for old in box.list_settings(ImportMark):
            if old.at_ms < now_ms - IMPORT_REMEMBERED_DAYS * _DAY_MS:
                box.delete_setting(ImportMark, old.key)
        found = box.find_setting(ImportMark, key)
        return found or ImportMark(key, 0, "", 0, box.get_totals().history_id, now_ms)

    def _lots(
        self, source: Source, after: Place, stop: Callable[[], bool]
    ) -> Iterator[list[Ready | Skipped]]:
        self._step = IMPORT_COMMIT_MIN
        lot: list[Ready | Skipped] = []
        octets = 0
        for each in source.iter_ready(after):
            if stop():
                return
            lot.append(each)
            octets += len(each.packed.raw or b"") if isinstance(each, Ready) else 0
            if len(lot) >= self._step or octets >= IMPORT_COMMIT_BYTES:
                yield lot
                lot, octets = [], 0
        if lot:
            yield lot

    def _adapt(self, count: int, took: float) -> None:
        """Choose the size of the next transaction by how long this one took."""
        if count:
            fitting = int(count * self._commit_s / max(took, 0.001))
            self._step = max(IMPORT_COMMIT_MIN, min(fitting, 2 * self._step, IMPORT_COMMIT_MAX))


class _Lot:
    """One transaction of an import; may run more than once, so it keeps nothing."""

    def __init__(
        self,
        lot: Sequence[Ready | Skipped],
        mark: ImportMark,
        labels: Sequence[str],
        now_ms: int,
        chance: Chance,
    ) -> None:
        self._lot = lot
        self._mark = mark
        self._labels = labels
        self._now_ms = now_ms
        self._chance = chance

    def __call__(self, box: MailboxWriter) -> tuple[Tally, ImportMark]:
        """Add the messages; return what was done and the new mark."""
        adding = _Adding(box, self._mark, self._labels, self._now_ms, self._chance)
        ready = [each for each in self._lot if isinstance(each, Ready)]
        skipped = [each for each in self._lot if isinstance(each, Skipped)]
        # In the order of ids: the index writes a segment whenever one is lower than the last.
        dated = [
            (self._now_ms if each.internal_ms is None else each.internal_ms, each) for each in ready
        ]
        for internal_ms, each in sorted(dated, key=lambda one: (one[0], one[1].packed.sha256)):
            adding.take(each, internal_ms)
        adding.flush()
        tally = adding.tally
        tally.skipped = len(skipped)
        tally.lost = sum(each.lost for each in skipped)
        tally.told = skipped[:SKIPPED_TOLD_MAX]
        place = self._lot[-1].place
        mark = structs.replace(
            self._mark,
            source=place.source,
            path=place.path,
            offset=place.offset,
            at_ms=self._now_ms,
            imported=self._mark.imported + tally.imported,
            known=self._mark.known + tally.known,
            skipped=self._mark.skipped + tally.skipped,
            lost=self._mark.lost + tally.lost,
        )
        box.put_setting(mark, mark.key)
        return tally, mark


class _Adding:
    """The messages of one transaction."""

    def __init__(
        self,
        box: MailboxWriter,
        mark: ImportMark,
        labels: Sequence[str],
        now_ms: int,
        chance: Chance,
    ) -> None:
        self._box = box
        self._began = mark.history_id
        self._now_ms = now_ms
        self._chance = chance
        self._numbers: dict[str, int | None] = {}
        self._rows: list[MessageRow] = []
        self.tally = Tally()
        self._always = frozenset(self._find_labels(labels, system=True))

    def take(self, ready: Ready, internal_ms: int) -> None:
        """Add a message, or unite its labels with those of the one that is there."""
        names = frozenset(self._find_labels(ready.names, system=False))
        wanted = settle_labels(NO_LABELS, add=ready.labels | names | self._always)
        row = self._find_copy(ready)
        if row is None:
            row = self._add(ready, wanted, internal_ms)
        if row is not None:
            self._unite(row, wanted)
            self.tally.known += 1

    def flush(self) -> None:
        """Write the history of what was added."""
        record_all_added(self._box, self._rows, now_ms=self._now_ms)
        self._rows = []

    def _find_copy(self, ready: Ready) -> MessageRow | None:
        """Return the message that is there already, if its Message-ID leads to it."""
        header_id, packed = ready.summary.message_id, ready.packed
        if not header_id:
            return None
        found = self._box.find_copy(packed.sha256, size=packed.size, header_id=header_id)
        return None if found is None else self._box.find_message(found)

    def _add(self, ready: Ready, labels: frozenset[int], internal_ms: int) -> MessageRow | None:
        """Add a message; when its id shows that it is there already, return that one instead."""
        box, sha256 = self._box, ready.packed.sha256
        thread_id = self._find_thread(ready)
        for tries, bits in enumerate(self._iter_bits(sha256)):
            message_id = make_message_id(internal_ms, bits)
            message = NewMessage(
                id=message_id,
                thread_id=message_id if thread_id is None else thread_id,
                internal_ms=internal_ms,
                labels=labels,
                raw=ready.packed,
                root=None,
                summary=ready.summary,
            )
            try:
                row = box.add_message(message)
                break
            except ConflictError:
                if box.find_digest(message_id) == sha256:
                    return box.find_message(message_id)
                if tries == _ID_TRIES:
                    raise UnavailableError("no free message id", ms=internal_ms) from None
        self.tally.imported += 1
        self.tally.octets += ready.packed.size
        if DRAFT in labels:
            box.put_draft(make_draft_id(box, self._chance), row.id)
        self._rows.append(row)
        if len(self._rows) >= IMPORT_HISTORY_MESSAGES:
            self.flush()
        return None

    def _iter_bits(self, sha256: bytes) -> Iterator[int]:
        """Yield ends of ids: the same for the same octets, and when those are taken any."""
        for at in range(0, len(sha256) - _ID_STEP + 1, _ID_STEP):
            octets = sha256[at : at + _ID_STEP]
            yield int.from_bytes(octets, "big") >> (8 * _ID_STEP - RANDOM_BITS)
        while True:
            yield self._chance.getrandbits(RANDOM_BITS)

    def _find_thread(self, ready: Ready) -> int | None:
        """Return the thread a message joins; the one it came with need not be there yet."""
        given = ready.thread_id
        if given is not None and self._box.count_thread(given) < THREAD_MAX:
            return given
        return find_thread_by_subject(self._box, ready.summary)

    def _unite(self, row: MessageRow, wanted: frozenset[int]) -> None:
        own = row.history_id > self._began
        users = {number for number in wanted if number >= FIRST_USER_LABEL}
        add = wanted - _NOT_UNITED if own else wanted & (users | {STARRED, IMPORTANT})
        add = frozenset(add | self._always) - row.labels
        remove: set[int] = set()
        if own and not wanted & _HIDDEN:
            remove |= _HIDDEN
        if own and UNREAD not in wanted:
            remove.add(UNREAD)
        remove &= row.labels - add
        if add or remove:
            self.flush()  # the rows above were promised the next record
            change_labels(self._box, [row], add=add, remove=frozenset(remove), now_ms=self._now_ms)

    def _find_labels(self, names: Sequence[str], *, system: bool) -> Iterator[int]:
        """Yield the numbers of labels by name; user labels that are missing are made.

        system: names may also be those of system labels.
        """
        for name in names:
            number = _find_system(name) if system else None
            if number is None:
                if name not in self._numbers:
                    self._numbers[name] = self._get_user_label(name)
                number = self._numbers[name]
            if number is None:
                self.tally.unlabelled += 1
            else:
                yield number

    def _get_user_label(self, name: str) -> int | None:
        clean = clean_label_name(name)
        found = self._box.find_label_by_key(label_key(clean)) if clean else None
        if found is not None:
            return found.number
        if not clean or count_user_labels(self._box) >= LABELS_MAX:
            return None
        made = create_label(self._box, Label(name=clean))
        return None if made.id is UNSET else find_label_number(made.id)


def _find_system(name: str) -> int | None:
    """Return the system label with this id, or this name in Takeout."""
    number = find_label_number(name)
    return number if number and number < FIRST_USER_LABEL else find_system_label(name)


def clean_label_name(name: str) -> str:
    """Return a name a user label can have, "" when nothing is left of it."""
    printable = "".join(mark if mark.isprintable() else " " for mark in name)
    clean = label_name(printable)[:LABEL_NAME_MAX].rstrip()
    return f"{clean} (label)" if clean.lower() in RESERVED_NAMES else clean


def count_user_labels(box: MailboxReader) -> int:
    return sum(row.number >= FIRST_USER_LABEL for row in box.list_labels())
