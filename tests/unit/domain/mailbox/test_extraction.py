"""What becomes of a message whose attachments are read: found, tried again, or given up."""

import threading

import pytest
from tests.contract.mail import MAILBOX, read_new_message

from penfold.base.errors import UnavailableError
from penfold.base.limits import EXTRACT_MESSAGE_MAX_BYTES, EXTRACT_TEXT_MAX_BYTES, EXTRACT_TRIES
from penfold.domain.mailbox.extraction import extract
from penfold.ports.extracting import Extracted
from penfold.ports.mailbox import Extraction, Query
from penfold.proto.search.parse import parse_query
from penfold.testing.mailbox import MemoryMailboxes

DIES = Extracted("failed", problem="takes too long")
LOCKED = Extracted("unreadable", problem="encrypted")


def text(words):
    return Extracted("read", text=words)


class Answers:
    """An extractor that answers what it is told, file by file, and does something before."""

    def __init__(self, *answers, first=None):
        self._answers = list(answers)
        self._first = first
        self.asked = []

    def read(self, kind, data, *, charset, limit, stopping):
        self.asked.append((kind, data, charset, limit))
        if self._first:
            self._first()
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def rest(self):
        pass

    def close(self):
        pass


class World:
    def __init__(self):
        self.mailboxes = MemoryMailboxes(runs_twice=True)
        self.mailboxes.create(MAILBOX)
        self.stopping = threading.Event()
        self.watched = []

    def add(self, number, *names):
        parts = "".join(
            f"--b\r\nContent-Type: text/plain; name={name}\r\n\r\n{name}\r\n" for name in names
        )
        head = "Subject: files\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        raw = f"{head}--b\r\n\r\nbody\r\n{parts}--b--\r\n".encode()
        return self.change(lambda box: box.add_message(read_new_message(number, raw)))

    def change(self, change):
        return self.mailboxes.change(MAILBOX, change)

    def extract(self, extractor, number=1):
        with self.mailboxes.open_reader(MAILBOX) as box:
            waiting = box.find_extraction(number) or Extraction(number)
        return self.extract_all(extractor, [waiting])

    def extract_all(self, extractor, waiting):
        return extract(
            self.mailboxes,
            extractor,
            MAILBOX,
            waiting,
            stopping=self.stopping,
            watch=self.watched.append,
        )

    def waits(self, number=1):
        with self.mailboxes.open_reader(MAILBOX) as box:
            return box.find_extraction(number)

    def found(self, query):
        with self.mailboxes.open_reader(MAILBOX) as box:
            tree = parse_query(query, now_ms=0)
            return [number for number, _ in box.list_messages(Query(limit=9, tree=tree))]


@pytest.fixture
def world():
    return World()


def test_text_of_every_file_is_indexed_and_the_message_waits_no_more(world):
    world.add(1, "a.txt", "b.txt")
    extractor = Answers(text("wombat"), text("numbat"))
    assert world.extract(extractor) == [Extraction(1, tries=1)]
    assert world.found("wombat numbat body") == [1]
    assert world.waits() is None
    assert [data for _, data, _, _ in extractor.asked] == [b"a.txt", b"b.txt"]
    assert [each.outcome for each in world.watched] == ["read", "read"]


def test_what_cannot_be_read_is_noted_and_the_rest_is_found(world):
    world.add(1, "a.txt", "b.txt")
    outcome = world.extract(Answers(LOCKED, text("numbat")))
    assert outcome == [Extraction(1, tries=1, problem="encrypted")]
    assert world.found("numbat") == [1]
    assert world.waits() == Extraction(1, tries=1, problem="encrypted")


def test_a_file_that_ends_its_reader_is_tried_and_then_given_up_for_good(world):
    world.add(1, "a.txt", "b.txt")
    for tries in range(1, EXTRACT_TRIES):
        assert world.extract(Answers(DIES, text("numbat"))) == []
        assert world.waits() == Extraction(1, tries=tries)
        assert world.found("numbat") == []
    outcome = world.extract(Answers(DIES, text("numbat")))
    assert outcome == [Extraction(1, EXTRACT_TRIES, "takes too long")]
    assert world.found("numbat") == [1]
    assert world.waits().problem == "takes too long"


def test_another_try_may_end_well(world):
    world.add(1, "a.txt")
    world.extract(Answers(DIES))
    assert world.extract(Answers(text("numbat"))) == [Extraction(1, tries=2)]
    assert world.found("numbat") == [1]
    assert world.waits() is None


def test_a_message_deleted_meanwhile_leaves_nothing(world):
    world.add(1, "a.txt")
    for answer in (text("numbat"), LOCKED, DIES):
        world.add(2, "a.txt")
        extractor = Answers(
            answer, first=lambda: world.change(lambda box: box.delete_message(2) and None)
        )
        assert world.extract(extractor, 2) == [Extraction(2)]
        assert world.waits(2) is None
        assert world.found("numbat") == []
    assert world.extract(Answers(), 2) == [Extraction(2)]


def test_a_stopping_server_notes_nothing(world):
    world.add(1, "a.txt", "b.txt")
    outcome = world.extract(Answers(DIES, first=world.stopping.set))
    assert outcome == []
    assert world.waits() == Extraction(1)
    assert world.watched == []


def test_text_of_a_message_is_bounded_over_all_its_files(world):
    world.add(1, "a.txt", "b.txt", "c.txt")
    extractor = Answers(text("x" * (EXTRACT_TEXT_MAX_BYTES - 11)), text("y" * 9 + "z"))
    world.extract(extractor)
    assert [limit for *_, limit in extractor.asked] == [EXTRACT_TEXT_MAX_BYTES, 10]


def test_a_message_too_large_or_damaged_is_given_up_without_a_look(world):
    world.add(1, "a.txt")
    state = world.mailboxes._states[MAILBOX]  # a message of 35 MB, without making one
    from msgspec import structs

    large = structs.replace(state.messages[1], size=EXTRACT_MESSAGE_MAX_BYTES + 1)
    state.messages[1] = large
    assert world.extract(Answers()) == [Extraction(1, problem="too large")]
    assert world.waits().problem == "too large"


def test_where_no_process_can_be_started_the_message_waits(world):
    world.add(1, "a.txt")
    with pytest.raises(UnavailableError):
        world.extract(Answers(UnavailableError("no process")))
    assert world.waits() == Extraction(1)


def test_history_and_labels_stay_as_they_are(world):
    row = world.add(1, "a.txt")
    world.extract(Answers(text("wombat")))
    with world.mailboxes.open_reader(MAILBOX) as box:
        assert box.find_message(1) == row
        assert list(box.iter_history(0)) == []


def test_what_is_found_in_several_messages_is_noted_together_and_a_doubtful_one_apart(world):
    for number in (1, 2, 3):
        world.add(number, "a.txt")
    changes = []
    plain = world.mailboxes.change
    world.mailboxes.change = lambda *args: changes.append(1) or plain(*args)
    waiting = [Extraction(3), Extraction(2), Extraction(1, tries=1)]
    extractor = Answers(text("wombat"), text("wombat"), text("wombat"))
    assert [each.message_id for each in world.extract_all(extractor, waiting)] == [3, 2, 1]
    assert len(changes) == 2
    assert world.found("wombat") == [3, 2, 1]


def test_a_stopping_server_notes_what_it_has_read_to_the_end(world):
    for number in (1, 2):
        world.add(number, "a.txt")
    second = iter([lambda: None, world.stopping.set])
    extractor = Answers(text("wombat"), DIES, first=lambda: next(second)())
    assert world.extract_all(extractor, [Extraction(2), Extraction(1)]) == [Extraction(2, tries=1)]
    assert world.found("wombat") == [2]
    assert world.waits(1) == Extraction(1)
