"""penfold queue by destination: what waits for a domain, what is held, and letting it go."""

import pytest
from tests.contract.queue_contract import letter
from tests.unit.front.cli.test_commands import Bench

from penfold.base.clock import FixedClock
from penfold.base.errors import NotFoundError, ParseError
from penfold.ports.queue import QueueState

NOW = FixedClock().now_ms()
HOUR = 3_600_000


@pytest.fixture
def bench():
    bench = Bench()
    bench.queue.add(
        [letter(f"{name}@busy.example", created_ms=NOW) for name in "abc"]
        + [letter("d@bücher.example".replace("bücher", "xn--bcher-kva"), created_ms=NOW)],
        state=QueueState.QUEUED,
    )
    return bench


@pytest.fixture
def held(bench):
    bench.queue.hold("busy.example", until_ms=NOW + HOUR, why="421 4.7.0 too \x1b[1mmany")
    return bench


def test_messages_are_listed_by_domain_as_people_spell_it(bench):
    assert len(bench.json("queue", "list", "--domain", "Busy.Example.")) == 3
    assert len(bench.json("queue", "list", "--domain", "bücher.example")) == 1
    assert bench.json("queue", "list", "--domain", "busy.example", "--state", "sent") == []
    assert isinstance(bench.error("queue", "list", "--domain", "a b"), ParseError)


def test_messages_that_are_due_are_listed(bench):
    [lease] = bench.queue.take(now_ms=NOW, lease_ms=HOUR, limit=1)
    ids = [row["id"] for row in bench.json("queue", "list", "--due")]
    assert len(ids) == 3
    assert lease.row.id not in ids


def test_a_list_says_below_what_is_held_and_why(held):
    said = held.run("queue", "list").stderr
    assert "Held until 2026-09-21T15:13:20Z: busy.example (421 4.7.0 too \\x1b[1mmany)" in said
    assert "penfold queue release" in said
    assert held.run("queue", "list", "--json").stderr == ""


def test_many_held_domains_are_counted_below_a_list(bench):
    for number in range(8):
        bench.queue.hold(f"d{number}.example", until_ms=NOW + HOUR, why="no answer")
    assert "And 3 more are held" in bench.run("queue", "list").stderr


def test_destinations_are_listed_the_busiest_first(held):
    rows = held.json("queue", "destinations")
    assert [(row["domain"], row["waiting"]) for row in rows] == [
        ("busy.example", 3),
        ("xn--bcher-kva.example", 1),
    ]
    assert rows[0]["held_until"] == "2026-09-21T15:13:20Z"
    assert (rows[1]["held_until"], rows[1]["why"]) == (None, None)
    assert [row["domain"] for row in held.json("queue", "destinations", "--held")] == [
        "busy.example"
    ]
    result = held.run("queue", "destinations", "--limit", "1")
    assert "1 of 2 domains" in result.stderr


def test_a_hold_is_taken_back(held):
    assert "held no longer" in held.out("queue", "release", "BUSY.example")
    assert held.queue.find_destination("busy.example").held_ms == 0
    assert held.queue.take(now_ms=NOW, lease_ms=HOUR, limit=3)
    assert "is not held; its next mail is due 2026" in held.out("queue", "release", "busy.example")


def test_a_hold_over_or_unknown_is_none(bench):
    bench.queue.hold("busy.example", until_ms=NOW - 1, why="no answer")
    assert bench.json("queue", "destinations", "--held") == []
    assert isinstance(bench.error("queue", "release", "other.example"), NotFoundError)
