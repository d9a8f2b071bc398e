"""Mail for the reports' address: what is kept, what is dropped, and that nobody waits for ever."""

import threading

import pytest
from tests.unit.proto.reports.statistics import OLD, TLS, make_mail
from tests.unit.proto.reports.test_complaints import ABUSE, make

from penfold.base.clock import FixedClock
from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    REPORT_MAIL_MAX_BYTES,
    REPORTS_PER_DAY,
    REPORTS_PER_SENDER_DAY,
    REPORTS_WAITING_MAX,
)
from penfold.domain.envelope import Envelope
from penfold.front.worker.report_intake import ReportIntake, Taken
from penfold.ports.reports import ReportKind
from penfold.spec.metrics import REPORT_KINDS, REPORT_OUTCOMES
from penfold.testing.reports import MemoryReports

JUNK = b"Subject: hi\r\n\r\nhello\r\n"


def envelope(sender="noreply@google.com", client="198.51.100.7"):
    return Envelope("s", client, "mx", "ESMTPS", sender, ("reports@example.org",))


class World:
    def __init__(self, *, days=90):
        self.book, self.clock, self.told = MemoryReports(), FixedClock(), []
        self.intake = ReportIntake(
            "reports@example.org",
            self.book,
            self.clock,
            days=days,
            is_ours={"example.org"}.__contains__,
            told=self.told.append,
        )

    def take(self, data, **more):
        return self.intake.take(envelope(**more), data).outcome


@pytest.fixture
def world():
    world = World()
    yield world
    world.intake.close()


def test_the_address_is_known_in_any_case_and_with_a_tag(world):
    assert world.intake.is_for("Reports+dmarc@EXAMPLE.org")
    assert not world.intake.is_for("kim@example.org")


def test_a_report_about_a_domain_of_ours_is_kept_once(world):
    assert world.take(make_mail(OLD)) is Taken.KEPT
    assert world.take(make_mail(OLD)) is Taken.KNOWN
    below = OLD.replace(b"<domain>example.org", b"<domain>news.example.org")
    assert world.take(make_mail(below)) is Taken.KEPT
    [second, first] = world.book.list_reports()
    assert (first.report.domain, first.sender) == ("example.org", "google.com")
    assert second.report.domain == "news.example.org"


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        pytest.param(JUNK, Taken.UNREADABLE, id="a-letter"),
        pytest.param(make_mail(OLD[:-40]), Taken.UNREADABLE, id="cut-off"),
        pytest.param(make_mail(TLS, name="r.json"), Taken.FOREIGN, id="about-others"),
        pytest.param(b"x" * (REPORT_MAIL_MAX_BYTES + 1), Taken.OVERSIZED, id="too-large"),
        pytest.param(make(ABUSE), Taken.KEPT, id="a-complaint-about-anything"),
    ],
)
def test_what_is_no_report_about_us_is_named_and_dropped(world, data, outcome):
    assert world.take(data) is outcome
    assert len(world.book.list_reports()) == (outcome is Taken.KEPT)


def test_one_sender_has_so_many_a_day_and_others_are_still_read(world):
    outcomes = [world.take(JUNK) for _ in range(REPORTS_PER_SENDER_DAY + 1)]
    assert outcomes[-2:] == [Taken.UNREADABLE, Taken.LIMITED]
    assert world.take(make_mail(OLD), sender="noreply@other.example") is Taken.KEPT
    world.clock.advance(days=1)
    assert world.take(JUNK) is Taken.UNREADABLE


def test_who_hides_his_name_is_counted_by_address_and_all_together_have_a_bound(world):
    for n in range(REPORTS_PER_DAY):
        assert world.take(JUNK, sender="", client=f"10.0.{n // 99}.{n % 99}") is Taken.UNREADABLE
    assert world.take(JUNK, sender="a@new.example") is Taken.LIMITED


def test_the_sender_hears_yes_when_it_is_kept_and_come_again_when_too_many_wait(world):
    door, results, all_done = threading.Event(), [], threading.Event()
    world.intake._told = lambda intake: (world.told.append(intake), door.wait(20))

    def done(answer, error):
        results.append((answer, type(error)))
        if len(results) == REPORTS_WAITING_MAX + 1:
            all_done.set()

    for _ in range(REPORTS_WAITING_MAX + 1):
        world.intake.submit(envelope(), make_mail(OLD), done)
    assert results == [(None, UnavailableError)]
    door.set()
    assert all_done.wait(20)
    assert results[1:] == [(0, type(None))] * REPORTS_WAITING_MAX
    assert [each.outcome for each in world.told][:2] == [Taken.KEPT, Taken.KNOWN]


def test_a_book_that_cannot_be_written_is_told_and_blocks_nothing(world):
    world.intake._book = None
    results, told = [], threading.Event()
    world.intake.submit(
        envelope(), make_mail(OLD), lambda *said: (results.append(said), told.set())
    )
    assert told.wait(20)
    [(answer, error)] = results
    assert answer is None
    assert isinstance(error, AttributeError)


def test_old_reports_are_forgotten(world):
    world.take(make_mail(OLD))
    world.clock.advance(days=91)
    assert world.intake.expire(threading.Event()).changed == 1


def test_reports_are_kept_for_good_where_that_is_set():
    world = World(days=0)
    world.take(make_mail(OLD))
    world.clock.advance(days=4_000)
    assert world.intake.expire(threading.Event()).changed == 0
    assert len(world.book.list_reports()) == 1


def test_metrics_know_every_kind_and_outcome():
    assert tuple(each.value for each in Taken) == REPORT_OUTCOMES
    assert (*(each.value for each in ReportKind), "none") == REPORT_KINDS
