"""What every mailbox store must do. A subclass gives the `mailboxes` fixture.

Written against ports/mailbox.py alone; ids and times are the tests' own. What searching for
words means has its own suite.
"""

import hashlib
import itertools
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.contract.mail import MAILBOX, NOW_MS, make_message, read_new_message

from penfold.base.errors import ConflictError, NotFoundError
from penfold.base.labels import (
    DRAFT,
    FIRST_USER_LABEL,
    INBOX,
    SENT,
    SPAM,
    STARRED,
    SYSTEM_LABELS,
    TRASH,
    UNREAD,
)
from penfold.base.limits import INLINE_RAW_MAX_BYTES, RECEIPT_HOURS, SENT_KEPT_MS
from penfold.ports.mailbox import (
    Change,
    DraftRow,
    Extraction,
    HistoryEntry,
    HistoryRow,
    LabelRow,
    Query,
    Sent,
)
from penfold.proto.search.parse import parse_query
from penfold.proto.smtp.parameters import NO_OPTIONS, MailOptions, ReportRequest
from penfold.spec.schemas import Filter, VacationSettings


class Box:
    """One mailbox, with a change or a look as one call."""

    def __init__(self, mailboxes, mailbox_id):
        self.mailboxes = mailboxes
        self.id = mailbox_id

    def change(self, change):
        return self.mailboxes.change(self.id, change)

    def look(self, question):
        with self.mailboxes.open_reader(self.id) as reader:
            return question(reader)

    def add(self, number, **facts):
        return self.change(lambda box: box.add_message(make_message(number, **facts)))

    def set_labels(self, number, *labels):
        return self.change(lambda box: box.set_labels(number, frozenset(labels)))

    def delete(self, number):
        return self.change(lambda box: box.delete_message(number))

    def label(self, number):
        return self.look(lambda box: box.find_label(number))

    def counts(self, number):
        row = self.label(number)
        return (row.messages_total, row.messages_unread, row.threads_total, row.threads_unread)

    def list(self, *labels, **facts):
        query = Query(**{"limit": 100, "labels": frozenset(labels), **facts})
        return [number for number, _ in self.look(lambda box: box.list_messages(query))]

    def list_threads(self, *labels, **facts):
        query = Query(**{"limit": 100, "labels": frozenset(labels), **facts})

        def read(box):
            found = box.list_threads(query)
            return list(
                zip([n for n, _ in found], box.get_threads([t for _, t in found]), strict=True)
            )

        return self.look(read)


def a_label(name, **facts):
    return structs.replace(LabelRow(0, name, "show", "labelShow", "", "", 0, 0, 0, 0), **facts)


class MailboxContract:
    @pytest.fixture
    def box(self, mailboxes):
        mailboxes.create(MAILBOX)
        return Box(mailboxes, MAILBOX)

    # --- mailboxes

    def test_unknown_mailbox_is_not_found(self, mailboxes):
        for ask in (
            mailboxes.check,
            lambda name: mailboxes.change(name, lambda box: box.get_totals()),
            lambda name: mailboxes.open_reader(name).__enter__(),
        ):
            with pytest.raises(NotFoundError):
                ask("mffffffffffffffffffff")

    def test_creating_twice_keeps_the_first(self, box):
        box.add(5)
        box.mailboxes.create(MAILBOX)
        assert box.look(lambda reader: reader.find_message(5)) is not None

    def test_mailbox_that_is_there_passes_the_check(self, box):
        box.mailboxes.check(MAILBOX)

    def test_mailboxes_know_nothing_of_each_other(self, box):
        other = Box(box.mailboxes, "m" + "f" * 20)
        box.mailboxes.create(other.id)
        box.add(5, labels=[INBOX])
        assert other.look(lambda reader: reader.get_totals()).messages == 0
        assert other.list(INBOX) == []

    def test_secret_is_32_octets_and_stays(self, box):
        first = box.look(lambda reader: reader.get_secret())
        assert len(first) == 32
        assert box.change(lambda writer: writer.get_secret()) == first

    def test_version_stands_while_nothing_changes_and_never_comes_back(self, box):
        def version():
            return box.look(lambda reader: reader.get_version())

        seen = [version()]
        assert version() == seen[0]
        for change in (
            lambda writer: writer.add_message(make_message(7, labels=[INBOX])),
            lambda writer: writer.set_labels(7, frozenset({UNREAD})),
            lambda writer: writer.add_label(a_label("Work"), key="work"),
            lambda writer: writer.put_draft(-5, 7),
            lambda writer: writer.delete_message(7),
        ):
            box.change(change)
            assert version() not in seen
            seen.append(version())

    # --- messages

    def test_added_message_is_there_as_given(self, box):
        message = make_message(7, labels=[INBOX, UNREAD], thread=3)
        row = box.change(lambda writer: writer.add_message(message))
        assert (row.id, row.thread_id, row.labels) == (7, 3, {INBOX, UNREAD})
        assert (row.internal_ms, row.size) == (NOW_MS + 7, len(message.raw))
        assert row.snippet == "some words to find"
        with box.mailboxes.open_reader(MAILBOX) as reader:
            assert reader.find_message(7) == row
            assert reader.get_raw(7) == message.raw
            assert reader.get_structure(7) == message.root

    def test_missing_message_is_none_or_not_found(self, box):
        with box.mailboxes.open_reader(MAILBOX) as reader:
            assert reader.find_message(7) is None
            for ask in (reader.get_raw, reader.get_structure):
                with pytest.raises(NotFoundError):
                    ask(7)
        for change in (
            lambda writer: writer.set_labels(7, frozenset()),
            lambda writer: writer.delete_message(7),
        ):
            with pytest.raises(NotFoundError):
                box.change(change)

    def test_taken_id_is_a_conflict_and_changes_nothing(self, box):
        first = make_message(7)
        box.change(lambda writer: writer.add_message(first))
        with pytest.raises(ConflictError):
            box.add(7, body="other", labels=[INBOX])
        assert box.look(lambda reader: reader.get_raw(7)) == first.raw
        assert box.counts(INBOX) == (0, 0, 0, 0)

    def test_conflict_can_be_answered_within_the_change(self, box):
        """The domain tries another id when one is taken."""
        box.add(7)

        def change(writer):
            with pytest.raises(ConflictError):
                writer.add_message(make_message(7, labels=[INBOX]))
            return writer.add_message(make_message(8, labels=[INBOX]))

        box.change(change)
        assert box.list(INBOX) == [8]
        assert box.counts(INBOX) == (1, 0, 1, 0)

    def test_a_packed_message_is_kept_as_if_it_had_come_in_the_usual_way(self, box, packer):
        raw = b"Message-ID: <1@x>\r\nSubject: words here\r\n\r\nbody\r\n"
        message = read_new_message(7, raw, labels=(INBOX,))
        packed = packer.pack(raw, message.root, message.summary)
        bare = structs.replace(message, raw=packed, root=None)
        row = box.change(lambda writer: writer.add_message(bare))
        assert row.size == len(raw)
        assert box.look(lambda reader: reader.get_raw(7)) == raw
        assert box.look(lambda reader: reader.get_structure(7)) == message.root
        tree = parse_query("subject:words body", now_ms=NOW_MS)
        assert box.look(lambda reader: reader.list_messages(Query(limit=5, tree=tree))) == [(7, 7)]

    @pytest.mark.parametrize(
        "q",
        [
            "", "words", "in:inbox", "label:nowhere", "words in:inbox -report", "-words", "larger:1",
            "words OR (report -in:inbox)", "after:2020/01/01", "rfc822msgid:7@sender.example",
            "report AROUND 3 words", "in:snoozed", "from:me has:attachment", "in:anywhere",
        ],
    )  # fmt: skip
    def test_every_search_can_be_explained(self, box, q):
        box.add(7, labels=[INBOX])
        tree = parse_query(q, now_ms=NOW_MS) if q else None
        query = Query(limit=5, tree=tree, me=("alice@penfold.test",))
        how = box.look(lambda reader: reader.explain(query))
        assert how.steps[0].walked
        assert all(step.what.isprintable() and step.messages >= 0 for step in how.steps)
        assert how.cost_ms >= 0

    def test_a_copy_is_found_by_its_octets_among_those_of_its_message_id(self, box):
        raws = [b"Message-ID: <1@x>\n\nfirst", b"Message-ID: <1@x>\n\nother", b"Subject: x\n\n"]
        for number, raw in enumerate(raws, start=7):
            box.change(lambda writer, n=number, r=raw: writer.add_message(read_new_message(n, r)))
        digests = [hashlib.sha256(raw).digest() for raw in raws]
        assert [box.look(lambda r, n=n: r.find_digest(n)) for n in (7, 8, 9)] == digests
        assert box.look(lambda reader: reader.find_digest(10)) is None

        def find(digest, **facts):
            facts = {"size": len(raws[1]), "header_id": "1@x"} | facts
            return box.look(lambda reader: reader.find_copy(digest, **facts))

        assert find(digests[1]) == 8
        assert find(digests[2]) is None
        assert find(digests[1], size=5) is None
        assert find(digests[1], header_id="2@x") is None

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"\r\n",
            bytes(range(256)) * 3,
            b"X: y\n\n" + b"\0" * 5000,
            b"S: big\r\n\r\n" + b"0123456789abcdef" * (INLINE_RAW_MAX_BYTES // 16),
        ],
        ids=["empty", "line", "every-octet", "nulls", "larger-than-inline"],
    )
    def test_octets_come_back_as_they_were(self, box, raw):
        box.add(7, raw=raw)
        assert box.look(lambda reader: reader.get_raw(7)) == raw
        assert box.look(lambda reader: reader.find_message(7)).size == len(raw)

    def test_history_id_of_a_message_is_that_of_the_next_record(self, box):
        def change(writer):
            row = writer.add_message(make_message(7))
            return row, writer.add_history(Change.MESSAGE_ADDED, (), now_ms=NOW_MS)

        row, record = box.change(change)
        assert row.history_id == record
        assert box.look(lambda reader: reader.find_message(7)).history_id == record

    def test_labels_are_replaced(self, box):
        box.add(7, labels=[INBOX, UNREAD])
        row = box.set_labels(7, INBOX, STARRED)
        assert row.labels == {INBOX, STARRED}
        assert box.look(lambda reader: reader.find_message(7)) == row
        assert (box.list(UNREAD), box.list(STARRED), box.list(INBOX)) == ([], [7], [7])

    def test_deleted_message_leaves_nothing(self, box):
        row = box.add(7, labels=[INBOX, UNREAD])
        assert box.delete(7) == row
        assert box.list(hidden=True) == []
        assert box.counts(INBOX) == (0, 0, 0, 0)
        assert box.look(lambda reader: reader.find_by_message_id(["7@sender.example"])) == []
        assert box.look(lambda reader: reader.list_thread(7)) == []
        assert box.look(lambda reader: reader.get_totals()).messages == 0

    def test_id_of_a_deleted_message_can_be_used_again(self, box):
        box.add(7, body="first")
        box.delete(7)
        box.add(7, body="second", labels=[INBOX])
        assert b"second" in box.look(lambda reader: reader.get_raw(7))
        assert box.counts(INBOX) == (1, 0, 1, 0)

    def test_totals_count_everything(self, box):
        box.add(1, labels=[INBOX])
        box.add(2, thread=1, labels=[SPAM])
        box.add(3, labels=[TRASH])
        totals = box.look(lambda reader: reader.get_totals())
        assert (totals.messages, totals.threads) == (3, 2)
        box.delete(1)
        totals = box.look(lambda reader: reader.get_totals())
        assert (totals.messages, totals.threads) == (2, 2)
        box.delete(2)
        totals = box.look(lambda reader: reader.get_totals())
        assert (totals.messages, totals.threads) == (1, 1)

    # --- listings

    def test_listing_is_newest_first_and_without_spam_and_trash(self, box):
        for number, label in ((3, INBOX), (1, SENT), (5, SPAM), (4, TRASH), (2, DRAFT)):
            box.add(number, labels=[label])
        assert box.list() == [3, 2, 1]
        assert box.list(hidden=True) == [5, 4, 3, 2, 1]
        assert box.list(SPAM) == []
        assert box.list(SPAM, hidden=True) == [5]

    def test_every_label_of_a_query_must_be_there(self, box):
        box.add(1, labels=[INBOX])
        box.add(2, labels=[INBOX, UNREAD])
        box.add(3, labels=[UNREAD])
        assert box.list(INBOX, UNREAD) == [2]

    def test_message_that_leaves_the_trash_is_listed_again(self, box):
        box.add(1, labels=[TRASH])
        box.set_labels(1, INBOX)
        assert box.list() == [1]
        box.set_labels(1, SPAM)
        assert box.list() == []

    def test_pages_join_without_gap_or_repeat(self, box):
        box.change(
            lambda writer: [
                writer.add_message(make_message(n, labels=[INBOX])) for n in range(1, 8)
            ]
        )
        first = box.list(INBOX, limit=3)
        second = box.list(INBOX, limit=3, before=first[-1])
        third = box.list(INBOX, limit=3, before=second[-1])
        assert [first, second, third] == [[7, 6, 5], [4, 3, 2], [1]]
        assert box.list(INBOX, before=1) == []

    def test_thread_is_listed_once_at_its_newest_match(self, box):
        box.add(1, labels=[INBOX])
        box.add(2, labels=[INBOX])
        box.add(3, thread=1, labels=[INBOX])
        box.add(4, thread=2, labels=[SENT])
        assert [(n, row.id) for n, row in box.list_threads()] == [(4, 2), (3, 1)]
        assert [(n, row.id) for n, row in box.list_threads(INBOX)] == [(3, 1), (2, 2)]
        assert [n for n, _ in box.list_threads(INBOX, limit=1)] == [3]
        assert [n for n, _ in box.list_threads(INBOX, before=3)] == [2]

    def test_later_page_of_threads_overlooks_what_came_after_the_first(self, box):
        for number in (1, 2, 3):
            box.add(number, labels=[INBOX])
        box.add(4, thread=3, labels=[INBOX])
        box.add(5, thread=1, labels=[INBOX])  # after a first page that ended with thread 3
        assert [(n, row.id) for n, row in box.list_threads(before=4)] == [(2, 2)]
        assert [(n, row.id) for n, row in box.list_threads(before=4, newest=4)] == [(2, 2), (1, 1)]

    def test_thread_shows_newest_snippet_and_history(self, box):
        def change(writer):
            writer.add_message(make_message(1, labels=[INBOX], snippet="old"))
            writer.add_history(Change.MESSAGE_ADDED, (), now_ms=NOW_MS)
            writer.add_message(make_message(2, thread=1, labels=[SENT], snippet="new"))
            writer.add_history(Change.MESSAGE_ADDED, (), now_ms=NOW_MS)
            writer.set_labels(1, frozenset({INBOX, STARRED}))
            return writer.add_history(Change.LABEL_ADDED, (), now_ms=NOW_MS)

        newest = box.change(change)
        [(number, row)] = box.list_threads(INBOX)
        assert (number, row.id, row.snippet, row.history_id) == (1, 1, "new", newest)

    # --- threads

    def test_thread_is_oldest_first(self, box):
        box.add(5)
        box.add(3, thread=5)
        box.add(9, thread=5, labels=[TRASH])
        with box.mailboxes.open_reader(MAILBOX) as reader:
            assert [row.id for row in reader.list_thread(5)] == [3, 5, 9]
            assert reader.list_thread(3) == []
            assert [reader.count_thread(number) for number in (5, 3)] == [3, 0]

    def test_messages_are_found_by_message_id(self, box):
        box.add(1, message_id="one@x", subject="One")
        box.add(3, message_id="two@x", thread=1, labels=[SPAM])
        box.add(2, message_id="two@x")
        box.add(4, message_id="")
        with box.mailboxes.open_reader(MAILBOX) as reader:
            hints = reader.find_by_message_id(["two@x", "none@x", "one@x", "two@x", ""])
        assert [(h.message_id, h.thread_id) for h in hints] == [(1, 1), (2, 2), (3, 1)]
        assert (hints[0].subject_key, hints[2].labels) == ("one", {SPAM})

    def test_newest_message_is_found_by_subject(self, box):
        box.add(1, subject="Lunch", thread=1)
        box.add(5, subject="Lunch", labels=[INBOX])
        box.add(9, subject="Dinner")
        with box.mailboxes.open_reader(MAILBOX) as reader:
            hint = reader.find_by_subject("lunch")
            assert (hint.message_id, hint.thread_id, hint.subject_key) == (5, 5, "lunch")
            assert hint.labels == {INBOX}
            assert reader.find_by_subject("breakfast") is None

    # --- labels

    def test_system_labels_are_there_in_order(self, box):
        rows = box.look(lambda reader: reader.list_labels())
        assert [row.name for row in rows] == list(SYSTEM_LABELS)
        assert [row.number for row in rows] == list(range(1, len(SYSTEM_LABELS) + 1))

    def test_user_label_is_stored_as_given_and_listed_last(self, box):
        given = a_label("Receipts", background_color="#ffffff", text_color="#000000")
        row = box.change(lambda writer: writer.add_label(given, key="receipts"))
        assert row.number >= FIRST_USER_LABEL
        assert row == structs.replace(given, number=row.number)
        with box.mailboxes.open_reader(MAILBOX) as reader:
            assert reader.find_label(row.number) == row
            assert reader.find_label_by_key("receipts") == row
            assert reader.find_label_by_key("Receipts") is None
            assert reader.list_labels()[-1] == row
            assert reader.find_label(row.number + 1) is None

    def test_system_label_has_no_key(self, box):
        assert box.look(lambda reader: reader.find_label_by_key("inbox")) is None
        assert box.look(lambda reader: reader.find_label_by_key("INBOX")) is None

    def test_taken_key_is_a_conflict(self, box):
        first = box.change(lambda writer: writer.add_label(a_label("A"), key="a"))
        other = box.change(lambda writer: writer.add_label(a_label("B"), key="b"))
        with pytest.raises(ConflictError):
            box.change(lambda writer: writer.add_label(a_label("A"), key="a"))
        with pytest.raises(ConflictError):
            box.change(lambda writer: writer.update_label(other, key="a"))
        assert box.look(lambda reader: reader.find_label_by_key("a")) == first

    def test_label_is_renamed_and_keeps_its_messages(self, box):
        row = box.change(lambda writer: writer.add_label(a_label("A"), key="a"))
        box.add(1, labels=[row.number, UNREAD])
        new = a_label("B", number=row.number, label_list_visibility="labelHide")
        box.change(lambda writer: writer.update_label(new, key="b"))
        assert box.counts(row.number) == (1, 1, 1, 1)
        found = box.look(lambda reader: reader.find_label_by_key("b"))
        assert (found.name, found.label_list_visibility) == ("B", "labelHide")
        assert box.look(lambda reader: reader.find_label_by_key("a")) is None

    def test_label_may_keep_its_own_key(self, box):
        row = box.change(lambda writer: writer.add_label(a_label("A"), key="a"))
        box.change(lambda writer: writer.update_label(row, key="a"))
        assert box.look(lambda reader: reader.find_label_by_key("a")) == row

    def test_missing_label_is_not_found(self, box):
        for change in (
            lambda writer: writer.update_label(a_label("A", number=777), key="a"),
            lambda writer: writer.delete_label(777),
        ):
            with pytest.raises(NotFoundError):
                box.change(change)

    def test_number_of_a_deleted_label_is_never_used_again(self, box):
        first = box.change(lambda writer: writer.add_label(a_label("A"), key="a")).number
        box.change(lambda writer: writer.delete_label(first))
        second = box.change(lambda writer: writer.add_label(a_label("A"), key="a")).number
        assert second > first
        assert box.label(first) is None

    def test_messages_of_a_label_are_oldest_first_also_in_trash(self, box):
        row = box.change(lambda writer: writer.add_label(a_label("A"), key="a"))
        for number, labels in ((3, [row.number]), (1, [row.number, TRASH]), (2, [INBOX])):
            box.add(number, labels=labels)
        assert box.change(lambda writer: writer.list_labelled(row.number)) == [1, 3]

    # --- counters

    def test_counters_follow_labels(self, box):
        box.add(1, labels=[INBOX, UNREAD])
        box.add(2, thread=1, labels=[INBOX])
        box.add(3, thread=1, labels=[SENT, UNREAD])
        assert box.counts(INBOX) == (2, 1, 1, 1)
        assert box.counts(SENT) == (1, 1, 1, 1)
        assert box.counts(UNREAD) == (2, 2, 1, 1)
        box.set_labels(1, INBOX)
        assert box.counts(INBOX) == (2, 0, 1, 0)
        assert box.counts(UNREAD) == (1, 1, 1, 1)
        box.set_labels(2)
        assert box.counts(INBOX) == (1, 0, 1, 0)
        box.delete(1)
        assert box.counts(INBOX) == (0, 0, 0, 0)

    def test_counters_within_a_change_count_that_change(self, box):
        def change(writer):
            writer.add_message(make_message(1, labels=[INBOX, UNREAD]))
            writer.add_message(make_message(2, labels=[INBOX]))
            row = writer.find_label(INBOX)
            return (row.messages_total, row.messages_unread), writer.get_totals().messages

        assert box.change(change) == ((2, 1), 2)

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(data=st.data())
    def test_counters_and_listings_equal_a_recount(self, mailboxes, data):
        mailbox_id = f"m{next(_numbers):020x}"
        mailboxes.create(mailbox_id)
        box, model = Box(mailboxes, mailbox_id), {}
        for _ in range(data.draw(st.integers(1, 6), label="changes")):
            steps = data.draw(st.lists(_steps(), max_size=5), label="steps")
            box.change(lambda writer, steps=steps: _run_steps(writer, steps))
            _run_steps(_Model(model), steps)
        _compare(box, model)

    # --- drafts

    def test_draft_points_at_its_message(self, box):
        box.add(1, labels=[DRAFT])
        box.add(2, thread=1, labels=[DRAFT])
        box.change(lambda writer: writer.put_draft(-5, 1))
        with box.mailboxes.open_reader(MAILBOX) as reader:
            assert reader.find_draft(-5) == DraftRow(-5, 1, 1)
            assert reader.find_draft_of(1) == DraftRow(-5, 1, 1)
            assert reader.find_draft_of(2) is None
            assert reader.find_draft(5) is None
        box.change(lambda writer: writer.put_draft(-5, 2))
        assert box.look(lambda reader: reader.find_draft(-5)) == DraftRow(-5, 2, 1)

    def test_drafts_are_listed_by_their_messages(self, box):
        for number in (1, 2, 3):
            box.add(number, labels=[DRAFT])
        for draft, number in ((30, 1), (10, 3), (20, 2)):
            box.change(lambda writer, d=draft, n=number: writer.put_draft(d, n))
        rows = box.look(lambda reader: reader.list_drafts(Query(limit=2)))
        assert rows == [DraftRow(10, 3, 3), DraftRow(20, 2, 2)]
        rows = box.look(lambda reader: reader.list_drafts(Query(limit=2, before=2)))
        assert rows == [DraftRow(30, 1, 1)]

    def test_deleted_draft_is_gone(self, box):
        box.add(1, labels=[DRAFT])
        box.change(lambda writer: writer.put_draft(5, 1))
        box.change(lambda writer: writer.delete_draft(5))
        assert box.look(lambda reader: reader.find_draft(5)) is None
        with pytest.raises(NotFoundError):
            box.change(lambda writer: writer.delete_draft(5))

    # --- history

    def test_history_is_read_back_in_order(self, box):
        entries = (HistoryEntry(1, 2, (3, 15), (15,)), HistoryEntry(4, 2, (), (15,)))

        def change(writer):
            first = writer.add_history(Change.LABEL_ADDED, entries, now_ms=NOW_MS)
            return first, writer.add_history(Change.MESSAGE_DELETED, entries[:1], now_ms=NOW_MS)

        start = box.look(lambda reader: reader.get_totals()).history_id
        first, second = box.change(change)
        assert start < first < second
        with box.mailboxes.open_reader(MAILBOX) as reader:
            assert list(reader.iter_history(start)) == [
                HistoryRow(first, Change.LABEL_ADDED, entries),
                HistoryRow(second, Change.MESSAGE_DELETED, entries[:1]),
            ]
            assert [row.id for row in reader.iter_history(first)] == [second]
            assert list(reader.iter_history(second)) == []
            assert reader.get_totals().history_id == second

    def test_long_history_is_complete(self, box):
        ids = box.change(
            lambda writer: [
                writer.add_history(Change.MESSAGE_ADDED, (), now_ms=NOW_MS) for _ in range(1000)
            ]
        )
        found = box.look(lambda reader: [row.id for row in reader.iter_history(ids[0])])
        assert found == ids[1:]

    def test_new_mailbox_may_be_asked_from_its_current_id(self, box):
        with box.mailboxes.open_reader(MAILBOX) as reader:
            assert reader.get_history_floor() <= reader.get_totals().history_id

    def test_expired_history_raises_the_floor(self, box):
        def change(writer):
            return [
                writer.add_history(Change.MESSAGE_ADDED, (), now_ms=NOW_MS + day)
                for day in range(4)
            ]

        def expire(writer):
            return writer.expire_history(before_ms=NOW_MS + 2, limit=9)

        ids = box.change(change)
        assert box.change(expire) == 2
        with box.mailboxes.open_reader(MAILBOX) as reader:
            assert reader.get_history_floor() == ids[1]
            assert [row.id for row in reader.iter_history(0)] == ids[2:]
        assert box.change(expire) == 0
        assert box.look(lambda reader: reader.get_history_floor()) == ids[1]

    def test_history_expires_by_steps_oldest_first(self, box):
        def change(writer):
            return [writer.add_history(Change.MESSAGE_ADDED, (), now_ms=NOW_MS) for _ in range(5)]

        def expire(writer):
            return writer.expire_history(before_ms=NOW_MS + 1, limit=2)

        ids = box.change(change)
        assert [box.change(expire) for _ in range(4)] == [2, 2, 1, 0]
        assert box.look(lambda reader: reader.get_history_floor()) == ids[-1]

    def test_the_newest_record_before_a_time_is_found(self, box):
        assert box.look(lambda reader: reader.find_history_before(NOW_MS)) is None

        def change(writer):
            return [
                writer.add_history(Change.MESSAGE_ADDED, (), now_ms=NOW_MS + 10 * day)
                for day in range(7)
            ]

        ids = box.change(change)
        for after, found in ((0, None), (1, 0), (10, 0), (11, 1), (35, 3), (60, 5), (61, 6)):
            wanted = None if found is None else ids[found]
            got = box.look(lambda reader, ms=NOW_MS + after: reader.find_history_before(ms))
            assert got == wanted
        box.change(lambda writer: writer.expire_history(before_ms=NOW_MS + 11, limit=9))
        assert box.look(lambda reader: reader.find_history_before(NOW_MS + 11)) is None
        assert box.look(lambda reader: reader.find_history_before(NOW_MS + 21)) == ids[2]

    # --- hand-over

    def test_outbox_is_kept_until_it_is_taken(self, box):
        def add(writer):
            return writer.add_outbox(
                sender="a@x", recipients=["b@y", "ü@z"], raw=b"one\r\n" * 50, now_ms=NOW_MS
            )

        first, second = box.change(add), box.change(add)
        rows = box.look(lambda reader: reader.list_outbox(limit=10))
        assert [row.number for row in rows] == [first, second]
        assert rows[0].sender == "a@x"
        assert (rows[0].recipients, rows[0].raw) == (("b@y", "ü@z"), b"one\r\n" * 50)
        assert rows[0].created_ms == NOW_MS
        assert len(box.look(lambda reader: reader.list_outbox(limit=1))) == 1
        box.change(lambda writer: writer.delete_outbox(second))
        assert box.change(add) > second
        assert box.look(lambda reader: reader.list_outbox(limit=1))[0].number == first

    @pytest.mark.parametrize(("octets", "count"), [(1, 1), (250, 1), (251, 2), (999, 3)])
    def test_outbox_is_listed_up_to_a_size_and_the_first_row_whatever_that_is(
        self, box, octets, count
    ):
        def add(writer):
            raw = b"one\r\n" * 50
            return writer.add_outbox(sender="a@x", recipients=["b@y"], raw=raw, now_ms=NOW_MS)

        numbers = [box.change(add) for _ in range(3)]
        rows = box.look(lambda reader: reader.list_outbox(limit=10, octets=octets))
        assert [row.number for row in rows] == numbers[:count]

    def test_outbox_keeps_what_the_sender_wants_done(self, box):
        options = MailOptions(require_tls=True, ret="HDRS", envid="QQ 314")
        reports = (
            ReportRequest(("SUCCESS", "DELAY"), "rfc822", "b@old"),
            ReportRequest(("NEVER",)),
        )

        def add(writer, **wishes):
            return writer.add_outbox(
                sender="a@x", recipients=["b@y", "c@z"], raw=b"x", now_ms=NOW_MS, **wishes
            )

        box.change(lambda writer: add(writer, options=options, reports=reports))
        box.change(add)
        wanted, plain = box.look(lambda reader: reader.list_outbox(limit=2))
        assert (wanted.options, wanted.reports) == (options, reports)
        assert (plain.options, plain.reports) == (NO_OPTIONS, ())

    def test_receipt_is_found_for_a_day(self, box):
        hour = 3_600_000
        box.change(lambda writer: writer.add_receipt(b"k" * 32, 7, now_ms=NOW_MS))
        box.change(lambda writer: writer.add_receipt(b"l" * 32, 8, now_ms=NOW_MS + hour))
        assert box.look(lambda reader: reader.find_receipt(b"k" * 32)) == 7
        assert box.look(lambda reader: reader.find_receipt(b"x" * 32)) is None
        late = NOW_MS + RECEIPT_HOURS * hour + 1
        box.change(lambda writer: writer.add_receipt(b"m" * 32, 9, now_ms=late))
        assert box.look(lambda reader: reader.find_receipt(b"k" * 32)) is None
        assert box.look(lambda reader: reader.find_receipt(b"l" * 32)) == 8

    # --- transactions

    def test_failed_change_leaves_nothing(self, box):
        box.add(1, labels=[INBOX])
        before = box.look(lambda reader: reader.get_totals())
        told = []

        def change(writer):
            writer.after_commit(lambda: told.append("effect"))
            writer.add_message(make_message(2, labels=[INBOX, UNREAD]))
            writer.set_labels(1, frozenset({STARRED}))
            writer.add_history(Change.MESSAGE_ADDED, (), now_ms=NOW_MS)
            writer.add_label(a_label("A"), key="a")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            box.change(change)
        assert box.look(lambda reader: reader.get_totals()) == before
        assert box.list(hidden=True) == [1]
        assert box.counts(INBOX) == (1, 0, 1, 0)
        assert box.look(lambda reader: reader.find_label_by_key("a")) is None
        assert told == []

    def test_failed_change_does_not_touch_its_neighbours(self, box):
        answers = Answers()
        for number in range(1, 41):
            box.mailboxes.submit(MAILBOX, _add_or_fail(number), answers.waiter(number))
        results = answers.wait(40)
        assert {number for number, (_, error) in results.items() if error} == set(range(5, 41, 5))
        assert sorted(box.list(INBOX)) == [n for n in range(1, 41) if n % 5]
        assert box.counts(INBOX) == (32, 0, 32, 0)

    def test_effects_run_once_after_the_change_is_visible(self, box):
        seen = []
        answers = Answers()

        def change(writer):
            writer.add_message(make_message(1, labels=[INBOX]))
            writer.after_commit(lambda: seen.append(box.list(INBOX)))

        box.mailboxes.submit(MAILBOX, change, answers.waiter(1))
        answers.wait(1)
        box.change(lambda writer: writer.get_totals())  # behind the effects of the first
        assert seen == [[1]]

    def test_changes_run_in_the_order_they_came(self, box):
        answers = Answers()
        for number in range(1, 31):
            box.mailboxes.submit(
                MAILBOX,
                lambda writer, n=number: writer.add_history(
                    Change.MESSAGE_ADDED, (HistoryEntry(n, n, ()),), now_ms=NOW_MS
                ),
                answers.waiter(number),
            )
        answers.wait(30)
        rows = box.look(lambda reader: list(reader.iter_history(0)))
        assert [row.entries[0].message_id for row in rows] == list(range(1, 31))

    def test_many_threads_lose_nothing(self, box):
        def work(first):
            for number in range(first, first + 20):
                box.add(number, labels=[INBOX])

        threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(1, 6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert box.counts(INBOX) == (100, 0, 100, 0)

    def test_reader_sees_one_state(self, box):
        box.add(1, labels=[INBOX])
        with box.mailboxes.open_reader(MAILBOX) as reader:
            assert reader.get_totals().messages == 1
            box.add(2, labels=[INBOX])
            assert reader.get_totals().messages == 1
            assert reader.find_message(2) is None
        assert box.look(lambda reader: reader.get_totals()).messages == 2

    def test_change_sees_what_came_before_it_and_itself(self, box):
        box.add(1, labels=[INBOX])

        def change(writer):
            writer.add_message(make_message(2, labels=[INBOX]))
            return writer.list_messages(Query(limit=10, labels=frozenset({INBOX})))

        assert box.change(change) == [(2, 2), (1, 1)]

    def test_closing_twice_is_fine(self, box):
        box.mailboxes.close()
        box.mailboxes.close()


class Answers:
    """Gathers what `done` was called with; a second call for one change is a failure."""

    def __init__(self):
        self._changed = threading.Condition()
        self._results = {}

    def waiter(self, name):
        def done(result, error):
            with self._changed:
                assert name not in self._results
                self._results[name] = (result, error)
                self._changed.notify_all()

        return done

    def wait(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._results) >= count, timeout=30)
            return dict(self._results)

    # --- sent mail

    def test_nothing_sent_counts_nothing(self, box):
        assert box.look(lambda reader: reader.count_sent(since_ms=0)) == Sent(0, 0, None)

    def test_sent_mail_is_counted_from_a_time_on(self, box):
        for at_ms, recipients in ((NOW_MS, 3), (NOW_MS + 10, 4), (NOW_MS + 20, 5)):
            box.change(lambda writer, r=recipients, at=at_ms: writer.add_sent(r, now_ms=at))
        found = box.look(lambda reader: reader.count_sent(since_ms=NOW_MS))
        assert found == Sent(2, 9, NOW_MS + 10)
        listed = box.look(lambda reader: reader.list_sent(since_ms=NOW_MS))
        assert listed == [(NOW_MS + 10, 4), (NOW_MS + 20, 5)]

    def test_notes_of_sent_mail_are_dropped_after_a_day(self, box):
        box.change(lambda writer: writer.add_sent(1, now_ms=NOW_MS))
        box.change(lambda writer: writer.add_sent(1, now_ms=NOW_MS + SENT_KEPT_MS + 1))
        assert box.look(lambda reader: reader.count_sent(since_ms=0)).messages == 1

    # --- settings

    def test_setting_that_was_never_stored_is_none(self, box):
        assert box.look(lambda reader: reader.find_setting(VacationSettings)) is None
        assert box.look(lambda reader: reader.list_settings(Filter)) == []

    def test_settings_come_back_as_they_were_stored_in_their_order(self, box):
        for key in "zam":
            box.change(lambda writer, key=key: writer.put_setting(Filter(id=key), key))
        box.change(lambda writer: writer.put_setting(Filter(id="a2"), "a"))
        box.change(lambda writer: writer.put_setting(VacationSettings(end_time="1")))
        found = box.look(lambda reader: reader.list_settings(Filter))
        assert found == [Filter(id="z"), Filter(id="a2"), Filter(id="m")]
        assert box.look(lambda reader: reader.find_setting(Filter, "a")) == Filter(id="a2")
        found = box.look(lambda reader: reader.list_settings(VacationSettings, Filter))
        assert [type(record) for record in found] == [Filter, Filter, Filter, VacationSettings]
        assert box.look(lambda reader: reader.find_setting(VacationSettings)).end_time == "1"

    def test_setting_that_is_deleted_is_gone(self, box):
        box.change(lambda writer: writer.put_setting(Filter(id="a"), "a"))
        assert box.change(lambda writer: writer.delete_setting(Filter, "a"))
        assert not box.change(lambda writer: writer.delete_setting(Filter, "a"))
        assert box.look(lambda reader: reader.find_setting(Filter, "a")) is None

    def test_setting_makes_a_new_version(self, box):
        before = box.look(lambda reader: reader.get_version())
        box.change(lambda writer: writer.put_setting(VacationSettings()))
        assert box.look(lambda reader: reader.get_version()) != before

    # --- text in attachments

    def test_a_message_with_files_waits_and_one_without_does_not(self, box):
        box.add(1)
        add_file(box, 2)
        assert box.look(lambda b: b.list_extractions(limit=9)) == [Extraction(2)]
        assert box.look(lambda b: b.count_extractions()) == 1
        assert box.look(lambda b: b.find_extraction(1)) is None
        box.delete(2)
        assert box.look(lambda b: b.find_extraction(2)) is None

    def test_least_tried_messages_come_first_and_then_the_newest(self, box):
        for number in (1, 2, 3, 4):
            add_file(box, number)
        box.change(lambda b: b.put_extraction(Extraction(4, tries=1)))
        box.change(lambda b: b.put_extraction(Extraction(2, problem="encrypted")))
        found = box.look(lambda b: b.list_extractions(limit=9))
        assert found == [Extraction(3), Extraction(1), Extraction(4, tries=1)]
        assert box.look(lambda b: b.list_extractions(limit=1)) == found[:1]
        assert box.look(lambda b: b.count_extractions()) == 3
        assert box.look(lambda b: b.find_extraction(2)) == Extraction(2, problem="encrypted")
        box.change(lambda b: b.delete_extraction(2))
        assert box.look(lambda b: b.find_extraction(2)) is None

    def test_text_of_attachments_is_found_beside_the_old_and_no_row_changes(self, box):
        message = add_file(box, 1)
        before = box.look(lambda b: (b.find_message(1), b.get_totals()))
        box.change(lambda b: b.index_attached(1, message.summary, "wombat inside"))
        assert box.list(tree=parse_query("wombat report", now_ms=0)) == [1]
        assert box.list(tree=parse_query("subject:wombat", now_ms=0)) == []
        assert box.look(lambda b: (b.find_message(1), b.get_totals())) == before
        box.delete(1)
        assert box.list(tree=parse_query("wombat", now_ms=0)) == []

    def test_text_of_attachments_takes_the_place_of_what_was_there(self, box):
        message = add_file(box, 1)
        for word in ("wombat", "numbat"):
            box.change(lambda b, word=word: b.index_attached(1, message.summary, word))
        assert box.list(tree=parse_query("wombat", now_ms=0)) == []
        assert box.list(tree=parse_query("numbat", now_ms=0)) == [1]

    def test_a_message_that_is_gone_is_not_indexed(self, box):
        message = add_file(box, 1)
        box.delete(1)
        for change in (
            lambda b: b.index_attached(1, message.summary, "wombat"),
            lambda b: b.put_extraction(Extraction(1)),
        ):
            with pytest.raises(NotFoundError):
                box.change(change)
        box.change(lambda b: b.delete_extraction(1))


def _add_or_fail(number):
    def change(writer):
        writer.add_message(make_message(number, labels=[INBOX]))
        if number % 5 == 0:
            raise ZeroDivisionError

    return change


def add_file(box, number):
    raw = b"Subject: Report\r\nContent-Type: text/plain; name=a.txt\r\n\r\nx\r\n"
    message = read_new_message(number, raw)
    box.change(lambda writer: writer.add_message(message))
    return message


# --- a model of labels and threads, for the recount

_numbers = itertools.count(1)
_LABELS = (SENT, INBOX, TRASH, SPAM, STARRED, UNREAD)


def _steps():
    number = st.integers(1, 12)
    labels = st.frozensets(st.sampled_from(_LABELS))
    return st.one_of(
        st.tuples(st.just("add"), number, st.integers(1, 4), labels),
        st.tuples(st.just("set"), number, labels),
        st.tuples(st.just("delete"), number),
    )


def _run_steps(box, steps):
    for kind, number, *rest in steps:
        there = box.find_message(number) is not None
        if kind == "add" and not there:
            box.add_message(make_message(number, thread=rest[0], labels=rest[1]))
        elif kind == "set" and there:
            box.set_labels(number, rest[0])
        elif kind == "delete" and there:
            box.delete_message(number)


class _Model:
    """id -> (thread, labels)."""

    def __init__(self, rows):
        self._rows = rows

    def find_message(self, number):
        return self._rows.get(number)

    def add_message(self, message):
        self._rows[message.id] = (message.thread_id, message.labels)

    def set_labels(self, number, labels):
        self._rows[number] = (self._rows[number][0], labels)

    def delete_message(self, number):
        del self._rows[number]


def _compare(box, model):
    totals = box.look(lambda reader: reader.get_totals())
    assert (totals.messages, totals.threads) == (len(model), len({t for t, _ in model.values()}))
    for label in _LABELS:
        mine = {n: t for n, (t, labels) in model.items() if label in labels}
        unread = {n: t for n, t in mine.items() if UNREAD in model[n][1]}
        assert box.counts(label) == (
            len(mine), len(unread), len(set(mine.values())), len(set(unread.values())),
        )  # fmt: skip
        assert box.list(label, hidden=True) == sorted(mine, reverse=True)
    visible = [n for n, (_, labels) in model.items() if not labels & {SPAM, TRASH}]
    assert box.list() == sorted(visible, reverse=True)
