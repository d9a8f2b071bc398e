"""Which rows are taken no more, by where those in hand go."""

import pytest

from penfold.base.clock import FixedClock
from penfold.domain.outgoing.relaying import Relays
from penfold.domain.outgoing.shaping import Sites
from penfold.front.worker.places import Places
from penfold.ports.queue import Lease, QueueRow, QueueState
from penfold.proto.exchangers import Host, Route, Verdict
from penfold.spec.relays import Relay
from penfold.spec.shapes import merge_shapes, parse_shapes

RELAY = Relay(host="hub.example", domains=("*",), senders=("news.test",))
IN_HAND = 2 * 3  # of 3 connections


@pytest.fixture
def sites():
    shapes = parse_shapes({"others": {"connections": 3}, "google": {"connections": 3}})
    return Sites(FixedClock(), merge_shapes(shapes), Relays((RELAY,)))


@pytest.fixture
def places(sites):
    return Places(sites)


def row(number, recipient="kim@box.example", sender="al@own.test", *, taken=1):
    found = QueueRow(number, "m1", number, sender, recipient, QueueState.QUEUED, 9, "", 0, 0)
    return Lease(found, taken, taken)


def test_a_domain_is_busy_with_twice_what_its_servers_take_at_a_time(places):
    rows = [row(n, f"r{n}@Box.Example") for n in range(IN_HAND)]
    for each in rows[1:]:
        places.enter(each)
    assert places.find_busy() == (set(), None)
    places.enter(rows[0])
    assert places.find_busy() == ({"box.example"}, None)
    assert [places.leave(each) for each in rows] == [None] * (IN_HAND - 1) + ["box.example"]
    assert places.find_busy() == (set(), None)


def test_a_provider_is_busy_for_all_its_domains_once_it_is_known_whose_they_are(places, sites):
    route = Route(Verdict.HOSTS, "", (Host("aspmx.l.google.com", ("192.0.2.1",)),))
    rows = [row(n, f"kim@d{n}.example") for n in range(IN_HAND)]
    for each in rows:
        places.enter(each)
    assert places.find_busy() == (set(), None)
    for n, each in enumerate(rows):
        places.move(each, sites.find(f"d{n}.example", route))
    everyone = {f"d{n}.example" for n in range(IN_HAND)}
    assert places.find_busy() == (everyone, None)
    places.leave(rows[0])
    places.enter(rows[0])  # counted as the provider's at once
    assert places.find_busy() == (everyone, None)


def test_a_busy_relay_is_passed_over_by_sender_and_recipient(places):
    for n in range(IN_HAND):
        places.enter(row(n, f"kim@d{n}.example", "al@news.test"))
    domains, unless = places.find_busy()
    assert domains == set()
    assert unless("bo@news.test", "lee@d0.example")
    assert not unless("bo@own.test", "lee@d0.example")
    places.leave(row(0))
    assert places.find_busy() == (set(), None)


def test_a_row_that_is_taken_again_while_its_end_is_told_counts_twice_until_both_are_over(places):
    both = [row(1, taken=1), row(1, taken=2)]
    for each in both:
        places.enter(each)
    assert [places.leave(each) for each in both] == [None, "box.example"]
