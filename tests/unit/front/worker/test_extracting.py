"""Which mailboxes are looked into for attachments, how often, and in which order."""

import threading

import pytest
from tests.contract.mail import read_new_message
from tests.unit.domain.mailbox.test_extraction import Answers, text

from penfold.base.clock import FixedClock
from penfold.base.errors import MailboxDamagedError, UnavailableError
from penfold.base.limits import EXTRACT_REST_S, EXTRACT_TURN, NOTIFY_REST_MS
from penfold.front.worker.extracting import Extracting
from penfold.front.worker.notifying import FileState
from penfold.front.worker.tasks import Report
from penfold.ports.extracting import Extracted
from penfold.testing.mailbox import MemoryMailboxes

BOX, OTHER = "m00000000000000000001", "m00000000000000000002"
RAW = b"Subject: s\r\nContent-Type: text/plain; name=a.txt\r\n\r\n%d\r\n"


class Watched(MemoryMailboxes):
    """Mailboxes that tell who looked into them, and of which some fail."""

    def __init__(self):
        super().__init__()
        self.looked = []
        self.errors = {}

    def open_reader(self, mailbox_id):
        self.looked.append(mailbox_id)
        if error := self.errors.get(mailbox_id):
            raise error
        return super().open_reader(mailbox_id)


class World:
    def __init__(self, *answers):
        self.clock = FixedClock()
        self.mailboxes = Watched()
        for mailbox_id in (BOX, OTHER):
            self.mailboxes.create(mailbox_id)
        self.states = dict.fromkeys((BOX, OTHER), FileState(1, 1, 1))
        self.extractor = Answers(*answers)
        self.marks, self.waits, self.gave_up, self.since = [], [], [], []
        self.stopping = threading.Event()
        self.extracting = Extracting(
            self.mailboxes,
            self.extractor,
            clock=self.clock,
            iter_changed=self._iter_changed,
            find_state=self.states.get,
            load_mark=lambda: 7,
            save_mark=self.marks.append,
            watch=lambda _: None,
            waits=self.waits.append,
            gave_up=lambda *facts: self.gave_up.append(facts),
        )

    def _iter_changed(self, since_ms):
        self.since.append(since_ms)
        return list(self.states)

    def add(self, number, mailbox_id=BOX):
        message = read_new_message(number, RAW % number)
        self.mailboxes.change(mailbox_id, lambda box: box.add_message(message))

    def run(self):
        self.mailboxes.looked.clear()
        return self.extracting.run(self.stopping)


@pytest.fixture
def quiet():
    """A world in which nothing waits and the files have been at rest."""
    world = World()
    world.clock.advance(ms=NOTIFY_REST_MS * 2)
    world.run()
    return world


def test_a_mailbox_at_rest_is_not_looked_into_again_until_its_file_changes(quiet):
    quiet.run()
    assert quiet.mailboxes.looked == []
    quiet.states[OTHER] = FileState(2, 1, 1)
    quiet.run()
    assert quiet.mailboxes.looked == [OTHER]


def test_a_file_that_changed_just_now_is_looked_into_again():
    world = World()
    now_ns = world.clock.now_ms() * 1_000_000
    world.states |= dict.fromkeys((BOX, OTHER), FileState(now_ns, 1, 1))
    world.run()
    world.run()
    assert set(world.mailboxes.looked) == {BOX, OTHER}


def test_newest_messages_are_read_first_and_mailboxes_take_turns():
    many = EXTRACT_TURN + 2
    world = World(*[text(f"w{n}") for n in range(2 * many)])
    for number in range(1, many + 1):
        world.add(number)
        world.add(1000 + number, OTHER)
    assert world.run() == Report(2, 2 * many, 0)
    order = [int(data) for _, data, _, _ in world.extractor.asked]
    mine, others = list(range(many, 0, -1)), list(range(1000 + many, 1000, -1))
    turn = EXTRACT_TURN
    assert order == mine[:turn] + others[:turn] + mine[turn:] + others[turn:]
    assert world.waits[-1] == 0
    assert 4 in world.waits


def test_what_is_given_up_is_told_once():
    world = World(Extracted("unreadable", problem="encrypted"))
    world.add(1)
    world.run()
    world.states[BOX] = FileState(2, 1, 1)
    world.run()
    assert world.gave_up == [(BOX, 1, "encrypted")]


def test_a_mailbox_that_fails_rests_and_the_others_go_on():
    world = World(text("wombat"))
    world.add(1)
    world.mailboxes.errors[OTHER] = UnavailableError("busy")
    assert world.run() == Report(1, 1, 1)
    assert world.marks == []
    world.run()
    assert OTHER not in world.mailboxes.looked
    world.clock.advance(s=int(EXTRACT_REST_S), ms=1)
    world.mailboxes.errors.clear()
    world.run()
    assert OTHER in world.mailboxes.looked
    assert world.marks != []


def test_a_damaged_mailbox_is_no_failure():
    world = World()
    world.mailboxes.errors[OTHER] = MailboxDamagedError("torn")
    assert world.run() == Report()
    assert world.marks != []


def test_messages_of_a_mailbox_that_is_gone_wait_no_more():
    world = World(Extracted("failed", problem="stopped"))
    world.extractor._first = world.stopping.set
    world.add(1)
    world.run()
    world.stopping.clear()
    del world.states[BOX]
    world.run()
    assert world.waits[-1] == 0


def test_the_search_goes_back_to_the_last_mark_and_the_mark_moves_on(quiet):
    assert quiet.since[0] == 7
    assert quiet.marks == [quiet.clock.now_ms()]
    quiet.run()
    assert quiet.since[-1] == quiet.marks[0]
    assert len(quiet.marks) == 1
    quiet.clock.advance(s=60)
    quiet.run()
    assert quiet.marks[1:] == [quiet.clock.now_ms()]


def test_a_stopping_server_begins_nothing():
    world = World()
    world.add(1)
    world.stopping.set()
    assert world.run() == Report()
    assert world.extractor.asked == []
