"""What all Buckets keep; a test class says how to make some."""

from penfold.ports.rates import Rate

TEN = Rate(10, 100)
NOW_MS = 1_790_000_000_000


class BucketsContract:
    def test_a_bucket_gives_what_it_holds_and_says_how_long_to_wait(self, make):
        buckets = make()
        assert [buckets.take("a", TEN, NOW_MS) for _ in range(12)] == [0] * 10 + [10_000] * 2
        assert buckets.take("b", TEN, NOW_MS) == 0

    def test_it_fills_evenly_and_no_further_than_full(self, make):
        buckets = make()
        assert buckets.take("a", TEN, NOW_MS, 10) == 0
        assert buckets.take("a", TEN, NOW_MS + 9_999) == 1
        assert buckets.take("a", TEN, NOW_MS + 10_000) == 0
        assert buckets.take("a", TEN, NOW_MS + 10_000) == 10_000
        late = NOW_MS + 1_000_000
        assert [buckets.take("a", TEN, late) for _ in range(11)] == [0] * 10 + [10_000]

    def test_what_came_back_can_be_taken_again(self, make):
        buckets = make()
        buckets.give_back("a", TEN, NOW_MS)
        assert buckets.take("a", TEN, NOW_MS, 10) == 0
        buckets.give_back("a", TEN, NOW_MS)
        assert [buckets.take("a", TEN, NOW_MS) for _ in range(2)] == [0, 10_000]
        buckets.fill("a")
        assert buckets.take("a", TEN, NOW_MS, 10) == 0

    def test_more_than_a_bucket_holds_is_never_there(self, make):
        buckets = make()
        assert buckets.take("a", TEN, NOW_MS, 11) > 0
        assert buckets.take("a", TEN, NOW_MS, 10) == 0

    def test_a_clock_that_was_set_back_costs_no_more_than_an_empty_bucket(self, make):
        buckets = make()
        assert buckets.take("a", TEN, NOW_MS + 3_600_000, 5) == 0
        assert buckets.take("a", TEN, NOW_MS) <= 10_000
        assert buckets.take("a", TEN, NOW_MS + 10_000) == 0
