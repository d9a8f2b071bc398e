"""Token buckets in memory and in the file that processes share."""

import multiprocessing
import os
import random
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.rates_contract import NOW_MS, TEN, BucketsContract

from penfold.ports.rates import Rate, give_tokens, take_tokens
from penfold.store.buckets import NAME, PLACES, SLOTS, SharedBuckets
from penfold.testing.rates import MemoryBuckets

EACH = 3_000


class TestMemoryBuckets(BucketsContract):
    @pytest.fixture
    def make(self):
        return MemoryBuckets


class TestSharedBuckets(BucketsContract):
    @pytest.fixture
    def make(self, tmp_path):
        made = []

        def make_buckets():
            made.append(SharedBuckets(tmp_path))
            return made[-1]

        yield make_buckets
        for buckets in made:
            buckets.close()

    def test_every_process_takes_from_the_same_bucket_and_a_restart_fills_none(self, make):
        first, second = make(), make()
        assert first.take("a", TEN, NOW_MS, 6) == second.take("a", TEN, NOW_MS, 4) == 0
        assert second.take("a", TEN, NOW_MS) == first.take("a", TEN, NOW_MS) == 10_000
        first.close()
        second.close()
        assert make().take("a", TEN, NOW_MS) == 10_000

    def test_processes_at_the_same_moment_never_get_more_than_there_is(self, tmp_path, make):
        spawn = multiprocessing.get_context("fork")
        with spawn.Pool(3) as pool:
            granted = pool.starmap(_take_many, [(tmp_path, 2 * EACH)] * 3)
        # A taker that was not scheduled for long goes on without the lock.
        assert 2 * EACH <= sum(granted) <= 2 * EACH + 2 * EACH // 100
        assert make().take("busy", Rate(2 * EACH, 1_000_000), NOW_MS) > 0

    def test_a_process_that_dies_with_the_lock_leaves_the_others_working(self, tmp_path, make):
        buckets = make()
        child = multiprocessing.get_context("fork").Process(target=_die_inside, args=(tmp_path,))
        child.start()
        child.join(20)
        assert child.exitcode == -signal.SIGKILL
        assert buckets._try_lock()

    def test_nobody_waits_for_a_process_that_stands_still_with_the_lock(self, make):
        stopped, buckets = make(), make()
        assert stopped._try_lock()
        assert [buckets.take("a", TEN, NOW_MS) for _ in range(11)] == [0] * 10 + [10_000]

    def test_only_the_owner_may_read_the_file(self, tmp_path, make):
        make()
        assert (tmp_path / NAME).stat().st_mode & 0o077 == 0

    def test_crowds_that_take_once_do_not_push_out_an_emptied_bucket(self, make):
        buckets = make()
        assert buckets.take("mine", TEN, NOW_MS, 10) == 0
        for number in range(2 * SLOTS):
            assert buckets.take(f"other {number}", TEN, NOW_MS + 1) == 0
        assert buckets.take("mine", TEN, NOW_MS + 2) > 0

    def test_a_new_key_takes_the_place_that_is_full_soonest(self, make):
        buckets = make()
        buckets._hash = lambda who: (int(who), 0)
        for key in range(1, PLACES + 1):
            assert buckets.take(str(key), TEN, NOW_MS, key) == 0
        assert buckets.take("99", TEN, NOW_MS, 10) == 0
        assert buckets.take("99", TEN, NOW_MS) == 10_000
        assert buckets.take("1", TEN, NOW_MS, 10) == 0  # forgotten; 2 made room for it
        assert buckets.take("8", TEN, NOW_MS, 3) == 10_000

    def test_a_damaged_table_lets_people_in_again_in_time(self, tmp_path, make):
        buckets = make()
        buckets.take("a", TEN, NOW_MS)
        octets = bytearray((tmp_path / NAME).read_bytes())
        octets[32:] = random.Random(3).randbytes(len(octets) - 32)
        (tmp_path / NAME).write_bytes(octets)
        again = make()
        for number in range(100):
            assert again.take(str(number), TEN, NOW_MS) <= 10_000
            assert again.take(str(number), TEN, NOW_MS + 100_000) == 0


def _take_many(folder, most):
    buckets = SharedBuckets(folder)
    rate = Rate(most, 1_000_000)
    return sum(buckets.take("busy", rate, NOW_MS) == 0 for _ in range(EACH))


def _die_inside(folder):
    buckets = SharedBuckets(folder)
    buckets._try_lock()
    os.kill(os.getpid(), signal.SIGKILL)


@given(
    full_us=st.integers(-(2**63), 2**63 - 1),
    count=st.integers(1, 1_000_000_000),
    period_s=st.integers(1, 604_800),
    now_ms=st.integers(0, 2**42),
    tokens=st.integers(1, 10_000),
)
def test_whatever_a_slot_holds_the_next_value_fits_and_the_wait_is_enough(
    full_us, count, period_s, now_ms, tokens
):
    rate = Rate(count, period_s)
    after, wait_ms = take_tokens(full_us, rate, now_ms, tokens)
    assert -(2**63) <= after < 2**63
    if tokens <= count:
        assert 0 <= wait_ms <= period_s * 1000
        assert not wait_ms or take_tokens(after, rate, now_ms + wait_ms, tokens)[1] == 0
    assert 0 <= give_tokens(full_us, rate, tokens) < 2**63
