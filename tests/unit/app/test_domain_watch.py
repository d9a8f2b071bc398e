"""Sending domains are looked at again by themselves."""

import threading

import pytest
from tests.unit.front.http.sending.desk import Desk
from tests.unit.front.http.sending.test_domains import add, verify

from penfold.app.domain_watch import DomainWatch
from penfold.base.limits import SENDING_DOMAIN_PENDING_MS


@pytest.fixture
def desk():
    desk = Desk()
    add(desk, "old.example")
    verify(desk, name="old.example")
    add(desk, "new.example")
    desk.dns["new.example"] = desk.dns["old.example"] = {"ownership": "missing"}
    return desk


def run(desk, *, stopping=False):
    event = threading.Event()
    if stopping:
        event.set()
    return DomainWatch(desk.domains).run(event).changed


def test_a_round_looks_at_all_domains_and_tells_what_broke(desk):
    assert run(desk) == 2
    assert [one.event for one in desk.told] == ["domain.verified", "domain.dns_error"]
    assert run(desk) == 2
    assert len(desk.told) == 2
    assert run(desk, stopping=True) == 0


def test_one_that_never_was_verified_is_looked_at_for_a_week_and_others_for_ever(desk):
    desk.clock.advance(ms=SENDING_DOMAIN_PENDING_MS + 1)
    del desk.dns["new.example"]
    assert run(desk) == 1
