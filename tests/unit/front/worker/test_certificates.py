"""New certificates from files and from an ACME server, and the warning before the end."""

import errno
import random
import threading

import pytest

from penfold.base.clock import FixedClock
from penfold.base.errors import ParseError
from penfold.base.limits import TLS_REFUSED_S
from penfold.domain.outgoing.renewal import Demand, Plan
from penfold.front.worker.certificates import AcmeRenewal, FileRenewal, InUse
from penfold.proto.acme.documents import AcmeError
from penfold.proto.served_certificate import Served
from penfold.spec.events import (
    CERTIFICATE_ENDING,
    CERTIFICATE_FAILED,
    CERTIFICATE_REFUSED,
    CERTIFICATE_SERVED,
)

DAY_MS = 86_400_000
NAMES = ("mail.example.com",)
DEMAND = Demand("https://acme.example/dir", NAMES, "http-01")
GO_ON = threading.Event()


class Log:
    def __init__(self):
        self.lines = []

    def emit(self, event, /, **fields):
        assert set(fields) <= event.fields
        self.lines.append((event, fields))

    def pop(self):
        lines, self.lines = self.lines, []
        return lines


class World:
    def __init__(self):
        self.clock = FixedClock()
        self.log = Log()
        self.in_use = InUse(self.make(b"first"), self.clock, self.log)
        self.installed = []

    def make(self, pem, *, days=90):
        now = self.clock.now_ms()
        return Served(pem, NAMES, "Test Authority", now, now + days * DAY_MS)


@pytest.fixture
def world():
    return World()


class Files:
    """The operator's files: what they look like, and what loading them gives."""

    def __init__(self, world):
        self.look, self.content, self.loaded = 0, world.make(b"first"), 0
        self.room, self.world = True, world
        self.renewal = FileRenewal(
            lambda: self.look,
            self.load,
            self.install,
            world.in_use,
            clock=world.clock,
            log=world.log,
        )

    def install(self, served):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.world.installed.append(served)

    def load(self):
        self.loaded += 1
        if isinstance(self.content, Exception):
            raise self.content
        return self.content

    def run(self, times=1):
        for _ in range(times):
            self.renewal.run(GO_ON)


def test_files_that_rest_are_taken_over_once(world):
    files = Files(world)
    files.run(5)
    assert (files.loaded, world.installed) == (1, [])  # the one in use already
    files.look, files.content = 1, world.make(b"second")
    files.run()
    assert world.installed == []  # perhaps the key is yet to come
    files.run(5)
    assert [each.pem for each in world.installed] == [b"second"]
    [(event, fields)] = world.log.pop()
    assert event is CERTIFICATE_SERVED
    assert fields["names"] == "mail.example.com"
    assert files.loaded == 2


def test_files_that_change_again_and_again_are_not_judged(world):
    files = Files(world)
    for files.look in range(9):
        files.run()
    assert files.loaded == 0


def test_damaged_files_are_told_once_and_mended_ones_taken(world):
    files = Files(world)
    files.look, files.content = 1, ParseError("the key does not fit")
    files.run(9)
    assert world.log.pop() == [
        (CERTIFICATE_REFUSED, {"source": "files", "problem": "the key does not fit"})
    ]
    assert world.installed == []
    files.look, files.content = 2, world.make(b"second")
    files.run(2)
    assert [each.pem for each in world.installed] == [b"second"]


def test_what_was_refused_is_told_once_and_taken_when_nothing_is_in_its_way_any_more(world):
    files = Files(world)
    files.look, files.content, files.room = 1, world.make(b"second"), False
    files.run(9)
    assert files.loaded == 1
    for _ in range(3):
        world.clock.advance(s=TLS_REFUSED_S)
        files.run(9)
    assert files.loaded == 4
    [(event, fields)] = world.log.pop()
    assert event is CERTIFICATE_REFUSED
    assert "No space left" in fields["problem"]
    files.room = True
    files.run(9)
    assert world.installed == []
    world.clock.advance(s=TLS_REFUSED_S)
    files.run(9)
    assert [each.pem for each in world.installed] == [b"second"]
    assert [event for event, _ in world.log.pop()] == [CERTIFICATE_SERVED]


class Issuer:
    """An ACME server that gives, or does what `outcome` is."""

    def __init__(self, world, plan=None, *, certified=False):
        self.demand, self.plan, self.certified = DEMAND, plan, certified
        self.world, self.outcome, self.asked, self.saved = world, None, 0, []

    def find_certified(self):
        return self.certified

    def load_plan(self):
        return self.plan

    def save_plan(self, plan):
        self.saved.append(plan)

    def obtain(self, stopping):
        self.asked += 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.world.make(b"from acme")

    def install(self, served):
        self.world.installed.append(served)

    def start(self):
        self.plan = self.saved[-1] if self.saved else self.plan
        world = self.world
        return AcmeRenewal(self, world.in_use, world.clock, random.Random(7), world.log)


def test_a_certificate_is_got_at_once_and_again_after_two_thirds_of_its_life(world):
    issuer = Issuer(world)
    renewal = issuer.start()
    renewal.run(GO_ON)
    renewal.run(GO_ON)
    assert (issuer.asked, len(world.installed)) == (1, 1)
    world.clock.advance(days=59)
    renewal.run(GO_ON)
    assert issuer.asked == 1
    world.clock.advance(days=4)
    renewal.run(GO_ON)
    assert issuer.asked == 2
    assert [event for event, _ in world.log.pop()] == [CERTIFICATE_SERVED] * 2


def test_a_failure_is_told_with_the_next_date_which_a_restart_keeps(world):
    issuer = Issuer(world)
    issuer.outcome = AcmeError("connection: refused")
    issuer.start().run(GO_ON)
    [(event, fields)] = world.log.pop()
    assert event is CERTIFICATE_FAILED
    assert fields["problem"] == "connection: refused"
    assert fields["failures"] == 1
    renewal = issuer.start()
    renewal.run(GO_ON)
    assert issuer.asked == 1
    world.clock.advance(s=300)
    issuer.outcome = None
    renewal.run(GO_ON)
    assert len(world.installed) == 1
    assert issuer.saved[-1].failures == 0


def test_a_server_that_wants_to_be_left_alone_is(world):
    issuer = Issuer(world)
    issuer.outcome = AcmeError("rateLimited: too many", wait_s=7_200.0)
    renewal = issuer.start()
    renewal.run(GO_ON)
    world.clock.advance(s=7_199)
    renewal.run(GO_ON)
    assert issuer.asked == 1


def test_who_is_killed_while_asking_has_it_counted_as_a_failure(world):
    class Killed(BaseException):
        pass

    class Dying(Issuer):
        def obtain(self, stopping):
            self.asked += 1
            raise Killed

    issuer = Dying(world)
    with pytest.raises(Killed):
        issuer.start().run(GO_ON)
    issuer.start().run(GO_ON)
    assert issuer.asked == 1


@pytest.mark.parametrize("broken", ["install", "save_plan"])
def test_a_disk_without_room_does_not_make_the_server_give_one_certificate_after_another(
    world, broken
):
    def fail(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    issuer = Issuer(world)
    renewal = issuer.start()
    setattr(issuer, broken, fail)
    with pytest.raises(OSError, match="No space"):
        renewal.run(GO_ON)
    renewal.run(GO_ON)
    assert issuer.asked <= 1


def test_stopping_in_the_middle_counts_for_nothing(world):
    issuer, stopping = Issuer(world), threading.Event()
    issuer.outcome = AcmeError("the server stops")
    stopping.set()
    issuer.start().run(stopping)
    assert world.log.pop() == []
    issuer.outcome = None
    issuer.start().run(GO_ON)
    assert len(world.installed) == 1


def test_a_plan_for_the_same_demand_is_kept(world):
    issuer = Issuer(world, Plan(DEMAND, world.clock.now_ms() + 1), certified=True)
    issuer.start().run(GO_ON)
    assert issuer.asked == 0


@pytest.mark.parametrize(("days", "near_days"), [(90, 7), (6, 2)])
def test_the_end_is_warned_of_twice_a_day_once_it_is_near(world, days, near_days):
    world.in_use.replace(world.make(b"x", days=days), source="acme")
    world.log.pop()
    world.clock.advance(days=days - near_days)
    world.in_use.warn(GO_ON)
    assert world.log.pop() == []
    world.clock.advance(s=60)
    for _ in range(24):
        world.in_use.warn(GO_ON)
        world.clock.advance(s=3_600)
    lines = world.log.pop()
    assert [event for event, _ in lines] == [CERTIFICATE_ENDING] * 2
    assert lines[0][1]["days"] == near_days
    assert world.in_use.remaining_s() == (near_days - 1) * 86_400 - 60


def test_an_unreadable_certificate_in_use_has_no_end():
    world = World()
    in_use = InUse(None, world.clock, world.log)
    in_use.warn(GO_ON)
    assert (in_use.remaining_s(), in_use.pem, world.log.lines) == (0.0, b"", [])
