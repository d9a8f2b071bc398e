"""Who is asked to come again, for how long, and who is remembered."""

import pytest

from penfold.base.limits import GREYLIST_KEPT_DAYS, GREYLIST_RETRY_S, GREYLIST_WAIT_S
from penfold.domain.incoming.greylisting import Greeting, find_known, greet, triplet_key
from penfold.testing.greylist import MemoryGreylist

DAY_MS = 86_400_000
WAIT_MS = GREYLIST_WAIT_S * 1000


def key_of(client="192.0.2.1", sender="ann@x.example", recipient="bob@penfold.test"):
    return triplet_key(client=client, sender=sender, recipient=recipient)


@pytest.fixture
def book():
    return MemoryGreylist()


def come(book, at_ms, key=None, domain=""):
    return greet(book, key or key_of(), domain=domain, now_ms=at_ms)


def test_stranger_waits_and_then_comes_in_and_is_known(book):
    assert come(book, 0) == Greeting("new", GREYLIST_WAIT_S)
    assert come(book, 60_000) == Greeting("early", GREYLIST_WAIT_S - 60)
    assert come(book, WAIT_MS - 1) == Greeting("early", 1)
    assert not find_known(book, key_of(), now_ms=WAIT_MS)
    assert come(book, WAIT_MS) == Greeting("passed")
    assert find_known(book, key_of(), now_ms=WAIT_MS)


def test_who_comes_again_too_late_begins_anew(book):
    come(book, 0)
    late_ms = GREYLIST_RETRY_S * 1000 + 1
    assert come(book, late_ms).outcome == "new"
    assert come(book, late_ms + WAIT_MS).outcome == "passed"


def test_who_is_known_is_remembered_from_the_last_time_on(book):
    come(book, 0)
    come(book, WAIT_MS)
    kept_ms = GREYLIST_KEPT_DAYS * DAY_MS
    assert find_known(book, key_of(), now_ms=WAIT_MS + kept_ms)
    assert find_known(book, key_of(), now_ms=WAIT_MS + 2 * kept_ms)
    assert not find_known(book, key_of(), now_ms=WAIT_MS + 3 * kept_ms + 1)
    assert come(book, WAIT_MS + 3 * kept_ms + 1).outcome == "new"


def test_domain_that_came_again_is_trusted_with_other_triplets(book):
    come(book, 0, domain="x.example")
    come(book, WAIT_MS, domain="x.example")
    other = key_of("198.51.100.9", "ben@x.example")
    assert come(book, WAIT_MS, other, domain="x.example") == Greeting("vouched")
    assert come(book, WAIT_MS, other, domain="") == Greeting("new", GREYLIST_WAIT_S)
    third = key_of("198.51.100.9", "cid@y.example")
    assert come(book, WAIT_MS, third, domain="y.example").outcome == "new"


def test_clock_that_was_set_back_makes_nobody_wait_longer_than_at_first(book):
    come(book, 10 * WAIT_MS)
    assert come(book, 0) == Greeting("early", GREYLIST_WAIT_S)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param({"client": "192.0.2.77"}, True, id="neighbour"),
        pytest.param({"client": "::ffff:192.0.2.9"}, True, id="mapped"),
        pytest.param({"client": "192.0.3.1"}, False, id="other-network"),
        pytest.param({"sender": "Ann@X.example"}, True, id="case"),
        pytest.param({"sender": ""}, False, id="null-sender"),
        pytest.param({"recipient": "Bob+news@penfold.test"}, True, id="plus-tag"),
        pytest.param({"recipient": "kim@penfold.test"}, False, id="other-recipient"),
        pytest.param({"client": "no address"}, False, id="no-address"),
    ],
)
def test_triplet_is_a_network_a_sender_and_a_mailbox(other, same):
    assert (key_of(**other) == key_of()) is same


def test_network_of_ipv6_is_a_64():
    assert key_of("2001:db8:1:2::1") == key_of("2001:db8:1:2:ffff::9")
    assert key_of("2001:db8:1:2::1") != key_of("2001:db8:1:3::1")


def test_keys_tell_nobody_who_writes_to_whom():
    assert len(key_of()) == 16
