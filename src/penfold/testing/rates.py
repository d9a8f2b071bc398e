"""Token buckets in memory."""

from penfold.ports.rates import Rate, give_tokens, take_tokens


class MemoryBuckets:
    """penfold.ports.rates.Buckets without bounds, for one process."""

    def __init__(self) -> None:
        self._full_us: dict[str, int] = {}

    def take(self, who: str, rate: Rate, now_ms: int, tokens: int = 1) -> int:
        known = self._full_us.get(who, 0)
        self._full_us[who], wait_ms = take_tokens(known, rate, now_ms, tokens)
        return wait_ms

    def give_back(self, who: str, rate: Rate, now_ms: int, tokens: int = 1) -> None:  # noqa: ARG002 - Buckets
        if who in self._full_us:
            self._full_us[who] = give_tokens(self._full_us[who], rate, tokens)

    def fill(self, who: str) -> None:
        self._full_us.pop(who, None)
