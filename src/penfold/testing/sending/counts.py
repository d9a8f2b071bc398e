"""Counters, in memory."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from msgspec.structs import replace

from penfold.base.limits import COUNTED_VALUES_MAX, STATS_SUMS_MAX
from penfold.ports.sending.counts import NONE, OTHER, PROVIDER, TAG, Count, Counter, find_dimension
from penfold.testing.sending.state import Part


class MemoryCounts(Part):
    def count(self, counters: Iterable[Counter]) -> None:
        for one in counters:
            key = self._find_room(one)
            self._state.counters[key] = self._state.counters.get(key, 0) + 1

    def _find_room(self, new: Counter) -> Counter:
        if new.dimension == NONE:
            return new
        like = (new.account_id, new.test, new.dimension, new.day)
        values = {
            one.value
            for one in self._state.counters
            if (one.account_id, one.test, one.dimension, one.day) == like
        } - {OTHER}
        if new.value in values or len(values) < COUNTED_VALUES_MAX:
            return new
        return replace(new, value=OTHER)

    def list_counts(
        self,
        account_id: str,
        *,
        by: Collection[str],
        first: str,
        last: str,
        test: bool = False,
        limit: int = STATS_SUMS_MAX,
    ) -> list[Count]:
        dimension = find_dimension(by)
        sums: dict[tuple[tuple[str, ...], str], int] = defaultdict(int)
        for one, count in self._state.counters.items():
            if (one.account_id, one.test, one.dimension) != (account_id, test, dimension):
                continue
            if first <= one.day <= last:
                key = tuple(self._read(one, each) for each in by)
                sums[key, one.kind] += count
        return [Count(*key, count) for key, count in sorted(sums.items())[:limit]]

    def _read(self, one: Counter, name: str) -> str:
        if name == PROVIDER:
            return self._state.providers.get(one.value, one.value)
        found: str = one.value if name == TAG else getattr(one, name)
        return found

    def note_provider(self, domain: str, name: str) -> None:
        self._state.providers.pop(domain, None)
        if name:
            self._state.providers[domain] = name
