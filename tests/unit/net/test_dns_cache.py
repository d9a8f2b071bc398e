"""How long answers are kept, and how many."""

import pytest

from penfold.base.clock import FixedClock
from penfold.net.dns_cache import DnsCache
from penfold.proto.dns import Answer, Question, Status

FOUND = Answer(Status.FOUND, ("192.0.2.1",))
A, B, C = (Question(name, "A") for name in "abc")


@pytest.mark.parametrize(
    ("status", "ttl_s", "kept_s"),
    [
        (Status.FOUND, 300, 300),
        (Status.FOUND, 0, 5),
        (Status.FOUND, 1_000_000, 86_400),
        (Status.ABSENT, 60, 60),
        (Status.ABSENT, 86_400, 3_600),
        (Status.NOTHING, 0, 5),
        (Status.FAILED, 86_400, 5),
    ],
)
def test_answer_is_kept_within_bounds(status, ttl_s, kept_s):
    clock = FixedClock()
    cache = DnsCache(clock)
    cache.keep(A, Answer(status), ttl_s=ttl_s)
    clock.advance(s=kept_s, ms=-1)
    assert cache.find(A) == Answer(status)
    clock.advance(ms=1)
    assert cache.find(A) is None
    assert len(cache) == 0


def test_least_recently_used_goes_first():
    cache = DnsCache(FixedClock(), entries_max=2)
    cache.keep(A, FOUND, ttl_s=60)
    cache.keep(B, FOUND, ttl_s=60)
    assert cache.find(A) is FOUND
    cache.keep(C, FOUND, ttl_s=60)
    assert [cache.find(each) is not None for each in (A, B, C)] == [True, False, True]


def test_octets_are_bounded_too():
    cache = DnsCache(FixedClock(), bytes_max=10_000)
    for name in range(20):
        cache.keep(Question(str(name), "TXT"), Answer(Status.FOUND, (b"x" * 3_000,)), ttl_s=60)
    assert len(cache) == 2
    cache.keep(A, Answer(Status.FOUND, (b"x" * 20_000,)), ttl_s=60)
    assert len(cache) == 0


def test_newer_answer_takes_the_place_of_the_older():
    cache = DnsCache(FixedClock(), bytes_max=2_000)
    for _ in range(100):
        cache.keep(A, FOUND, ttl_s=60)
    assert len(cache) == 1
    cache.keep(B, FOUND, ttl_s=60)
    assert cache.find(A) is FOUND
