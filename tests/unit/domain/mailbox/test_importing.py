"""What becomes of each message of an import, on mailboxes in memory whose changes run twice."""

from random import Random

import pytest

from penfold.base.clock import FixedClock
from penfold.base.labels import DRAFT, IMPORTANT, INBOX, SENT, SPAM, STARRED, TRASH, UNREAD
from penfold.base.limits import IMPORT_HISTORY_MESSAGES, IMPORT_REMEMBERED_DAYS, THREAD_MAX
from penfold.domain.mailbox.importing import Importer, clean_label_name
from penfold.domain.mailbox.labels import create_label
from penfold.ports.mailbox import Change, Query
from penfold.ports.moving import Place, Ready, Skipped
from penfold.ports.settings import ImportMark
from penfold.proto.mime.summary import read_message
from penfold.spec.schemas import Label
from penfold.testing.mailbox import MemoryMailboxes, MemoryPacker

BOX = "m" + "0" * 20
DATE_MS = 1_553_172_268_000
HEAD = b"Date: Thu, 21 Mar 2019 12:44:28 +0000\r\n"


def letter(number, *, date=HEAD, message_id=True, extra=b""):
    head = date + (b"Message-ID: <%d@x.example>\r\n" % number if message_id else b"")
    return head + extra + b"Subject: about %d\r\n\r\ntext\r\n" % number


def ready(raw, *labels, names=(), at=0, thread=None, date=None):
    root, summary = read_message(raw)
    packed = MemoryPacker().pack(raw, root, summary)
    return Ready(
        place=Place(0, "", at),
        packed=packed,
        summary=summary,
        labels=frozenset(labels),
        names=names,
        thread_id=thread,
        internal_ms=summary.date_ms if date is None else date,
    )


class Source:
    """A list of messages; each is at the offset of its number."""

    def __init__(self, items, identity=b"a file"):
        self.items = items
        self.identity = identity
        self.read = []

    def iter_ready(self, after):
        for number, item in enumerate(self.items, start=1):
            if number > after.offset:
                self.read.append(number)
                yield item


class Bench:
    def __init__(self):
        self.clock = FixedClock()
        self.mailboxes = MemoryMailboxes(runs_twice=True)
        self.mailboxes.create(BOX)
        self.importer = Importer(
            self.mailboxes,
            Random(7),
            now_ms=self.clock.now_ms,
            seconds=lambda: 0.0,
            pause=lambda _: None,
            commit_s=0.25,
        )

    def run(self, *items, **options):
        items = [
            item if isinstance(item, Skipped) else _at(item, number)
            for number, item in enumerate(items, start=1)
        ]
        return self.importer.run(BOX, Source(items), **options)

    def rows(self):
        with self.mailboxes.open_reader(BOX) as box:
            found = box.list_messages(Query(limit=10_000, hidden=True))
            return [box.find_message(number) for number, _ in reversed(found)]

    def look(self, question):
        with self.mailboxes.open_reader(BOX) as box:
            return question(box)

    def names_of(self, row):
        return {self.look(lambda box, n=n: box.find_label(n)).name for n in row.labels if n >= 100}


def _at(item, number):
    import msgspec

    return msgspec.structs.replace(item, place=Place(0, "", number))


@pytest.fixture
def bench():
    return Bench()


def test_a_message_gets_the_labels_and_the_date_it_came_with(bench):
    tally = bench.run(ready(letter(1), INBOX, UNREAD, names=("Work/2024", "Bills, open")))
    [row] = bench.rows()
    assert (tally.imported, tally.known, tally.finished) == (1, 0, True)
    assert row.labels >= {INBOX, UNREAD}
    assert bench.names_of(row) == {"Work/2024", "Bills, open"}
    assert row.internal_ms == DATE_MS
    assert bench.look(lambda box: box.get_raw(row.id)) == letter(1)


def test_a_message_without_a_date_has_that_of_its_import(bench):
    bench.run(ready(letter(1, date=b"")))
    [row] = bench.rows()
    assert row.internal_ms == bench.clock.now_ms()


@pytest.mark.parametrize("message_id", [True, False])
def test_the_same_octets_are_one_message_in_one_run_and_the_next(bench, message_id):
    raw = letter(1, message_id=message_id)
    first = bench.run(ready(raw), ready(raw), ready(letter(2, message_id=message_id)))
    again = bench.run(ready(raw), ready(raw), ready(letter(2, message_id=message_id)))
    assert (first.imported, first.known) == (2, 1)
    assert (again.imported, again.known) == (0, 3)
    assert len(bench.rows()) == 2


def test_other_octets_with_the_same_id_and_date_are_another_message(bench):
    bench.run(ready(letter(1)), ready(letter(1, extra=b"X-Copy: 2\r\n")))
    assert len(bench.rows()) == 2


def test_labels_of_copies_in_one_import_are_united_whatever_their_order(bench):
    raws = [letter(1), letter(2)]
    kept = [ready(raws[0], INBOX, UNREAD), ready(raws[1], TRASH)]
    other = [ready(raws[0], TRASH, names=("Old",)), ready(raws[1], INBOX, UNREAD, names=("Old",))]
    bench.run(*kept, *other)
    for row in bench.rows():
        assert row.labels & {INBOX, TRASH, UNREAD} == {INBOX}
        assert bench.names_of(row) == {"Old"}


def test_what_was_there_before_gets_labels_but_stays_where_it_is(bench):
    bench.run(ready(letter(1), names=("Mine",)))
    bench.importer.run(
        BOX,
        Source(
            [ready(letter(1), INBOX, UNREAD, STARRED, IMPORTANT, names=("Theirs",), at=1)], b"other"
        ),
        labels=("Moved",),
    )
    [row] = bench.rows()
    assert row.labels & {INBOX, UNREAD, STARRED, IMPORTANT} == {STARRED, IMPORTANT}
    assert bench.names_of(row) == {"Mine", "Theirs", "Moved"}


def test_a_label_for_all_may_be_a_system_label(bench):
    bench.run(ready(letter(1)), labels=("Inbox", "STARRED", "Moved"))
    [row] = bench.rows()
    assert row.labels >= {INBOX, STARRED}
    assert bench.names_of(row) == {"Moved"}


def test_an_existing_label_is_used_and_unusable_names_are_mended(bench):
    bench.mailboxes.change(BOX, lambda box: create_label(box, Label(name="work-2024")))
    bench.run(ready(letter(1), names=("Work/2024", "Starred", "\x00", "x" * 300)))
    [row] = bench.rows()
    assert bench.names_of(row) == {"work-2024", "Starred (label)", "x" * 225}


def test_names_are_cleaned_as_label_names_are():
    assert clean_label_name(" a\tb  c ") == "a b c"
    assert clean_label_name("\n") == ""


def test_messages_of_one_thread_number_are_one_thread_that_keeps_it(bench):
    bench.run(*(ready(letter(n), thread=1234) for n in range(3)), ready(letter(9)))
    assert [row.thread_id for row in bench.rows()].count(1234) == 3


def test_a_full_thread_takes_no_more(bench):
    bench.run(*(ready(letter(n), thread=1234) for n in range(THREAD_MAX + 2)))
    assert len(bench.look(lambda box: box.list_thread(1234))) == THREAD_MAX
    assert len(bench.rows()) == THREAD_MAX + 2


def test_without_a_thread_number_replies_join_what_they_answer(bench):
    answer = b"Message-ID: <2@x>\r\nIn-Reply-To: <1@x.example>\r\nSubject: Re: about 1\r\n\r\n"
    later = b"Date: Fri, 22 Mar 2019 12:44:28 +0000\r\n" + answer
    bench.run(ready(later), ready(letter(1)))
    first, second = bench.rows()
    assert first.thread_id == second.thread_id


def test_drafts_are_drafts(bench):
    bench.run(ready(letter(1), DRAFT))
    [row] = bench.rows()
    assert bench.look(lambda box: box.find_draft_of(row.id)).message_id == row.id


def test_history_names_every_message_in_few_records(bench):
    start = bench.look(lambda box: box.get_totals().history_id)
    count = 2 * IMPORT_HISTORY_MESSAGES + 3
    bench.run(*(ready(letter(n), SENT) for n in range(count)))
    records = bench.look(lambda box: list(box.iter_history(start)))
    assert {record.change for record in records} == {Change.MESSAGE_ADDED}
    assert sum(len(record.entries) for record in records) == count
    assert len(records) < 10
    history = {e.message_id: record.id for record in records for e in record.entries}
    assert history == {row.id: row.history_id for row in bench.rows()}


def test_what_is_skipped_is_told_and_counted(bench):
    skipped = [Skipped(Place(0, "", n), "file", "why", lost=n == 1) for n in (1, 2)]
    tally = bench.run(*skipped, ready(letter(1), SPAM))
    assert (tally.skipped, tally.lost, tally.told) == (2, 1, skipped)


def test_an_import_that_stopped_goes_on_behind_what_it_has(bench):
    items = [_at(ready(letter(n)), n) for n in range(1, 301)]
    source = Source(items)
    stopped = bench.importer.run(BOX, source, stop=lambda: len(source.read) > 120)
    assert not stopped.finished
    assert 0 < stopped.imported < 121
    again = Source(items)
    done = bench.importer.run(BOX, again)
    assert (done.imported, done.resumed, done.finished) == (300, True, True)
    assert again.read == list(range(stopped.imported + 1, 301))
    assert len(bench.rows()) == 300
    assert bench.look(lambda box: box.list_settings(ImportMark)) == []


def test_the_place_of_another_source_and_an_old_place_do_not_count(bench):
    source = Source([_at(ready(letter(n)), n) for n in range(1, 101)])
    bench.importer.run(BOX, source, stop=lambda: len(source.read) > 60)
    other = Source([_at(ready(letter(n)), n) for n in range(1, 4)], b"another")
    bench.importer.run(BOX, other)
    assert other.read == [1, 2, 3]
    bench.clock.advance(days=IMPORT_REMEMBERED_DAYS + 1)
    again = Source(source.items)
    assert not bench.importer.run(BOX, again).resumed
    assert len(again.read) == 100
