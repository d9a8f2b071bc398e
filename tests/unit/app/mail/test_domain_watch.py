"""Sending domains are looked at again by themselves."""

import threading
from dataclasses import replace

import pytest
from tests.unit.front.http.sending.desk import Desk
from tests.unit.front.http.sending.test_domains import add, verify

from penfold.app.mail.domain_watch import DomainWatch
from penfold.base.errors import UnavailableError
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
    return DomainWatch(lambda _: desk.domains).run(event).changed


def test_a_round_looks_at_all_domains_and_tells_what_broke(desk):
    assert run(desk) == 2
    assert [one.event for one in desk.told] == ["domain.verified", "domain.dns_error"]
    assert run(desk) == 2
    assert len(desk.told) == 2
    assert run(desk, stopping=True) == 0


def test_a_look_that_a_stop_ends_ends_the_round_and_changes_nothing(desk):
    def look(domain):
        raise UnavailableError("the server stops", domain=domain.name)

    domains, told = replace(desk.domains, look=look), list(desk.told)
    assert DomainWatch(lambda _: domains).run(threading.Event()).changed == 0
    assert desk.told == told


def test_one_that_never_was_verified_is_looked_at_for_a_week_and_others_for_ever(desk):
    desk.clock.advance(ms=SENDING_DOMAIN_PENDING_MS + 1)
    del desk.dns["new.example"]
    assert run(desk) == 1
