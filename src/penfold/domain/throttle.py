"""Who may try once more: the limits in force, over buckets that all processes share.

A limit that is not in force costs a look into a dictionary. Addresses of this machine are
not counted: programs here would share one bucket, and so would everybody behind a proxy here
that is not trusted.
"""

from collections.abc import Callable, Mapping

from penfold.base.clock import Clock
from penfold.base.errors import UnavailableError
from penfold.base.networks import is_loopback, network_of
from penfold.ports.rates import Buckets, Rate
from penfold.spec.rates import Limit, Per

#: (limit, whose bucket, seconds to wait): told of each refusal.
Refused = Callable[[Limit, str, int], None]


class TooManyError(UnavailableError):
    """Wait: `wait_s` seconds at least."""

    public = "Too many attempts, try again later"

    def __init__(self, wait_s: int, limit: Limit | None = None) -> None:
        super().__init__("too many attempts", wait_s=wait_s)
        self.wait_s = wait_s
        self.limit = limit


class Throttle:
    """Takes tokens and refuses. whose "" is nobody, whom no limit holds."""

    def __init__(
        self,
        rates: Mapping[str, Rate],
        buckets: Buckets | None,
        clock: Clock,
        *,
        refused: Refused | None = None,
    ) -> None:
        """rates: by name of the limit. buckets None: there are no limits."""
        self._rates = rates if buckets else {}
        self._buckets = buckets
        self._clock = clock
        self._refused = refused

    def take(self, limit: Limit, whose: str) -> None:
        """Take a token; TooManyError when there is none."""
        rate, key = self._find(limit, whose)
        if rate is None or self._buckets is None:
            return
        wait_ms = self._buckets.take(key, rate, self._clock.now_ms())
        if wait_ms:
            wait_s = -(-wait_ms // 1000)
            if self._refused:
                self._refused(limit, whose, wait_s)
            raise TooManyError(wait_s, limit)

    def take_each(self, *pairs: tuple[Limit, str]) -> None:
        """Take a token of each; when one has none, those taken before it come back."""
        taken: list[tuple[Limit, str]] = []
        try:
            for limit, whose in pairs:
                self.take(limit, whose)
                taken.append((limit, whose))
        except TooManyError:
            for limit, whose in taken:
                self.give_back(limit, whose)
            raise

    def give_back(self, limit: Limit, whose: str) -> None:
        """Undo a take: what was tried was no failure."""
        rate, key = self._find(limit, whose)
        if rate is not None and self._buckets is not None:
            self._buckets.give_back(key, rate, self._clock.now_ms())

    def forget(self, limit: Limit, whose: str) -> None:
        """Forget all that was taken."""
        rate, key = self._find(limit, whose)
        if rate is not None and self._buckets is not None:
            self._buckets.fill(key)

    def _find(self, limit: Limit, whose: str) -> tuple[Rate | None, str]:
        """Return the rate, None when nothing is counted, and the name of the bucket."""
        rate = self._rates.get(limit.name)
        if rate is None or not whose:
            return None, ""
        if limit.per is Per.NETWORK:
            if is_loopback(whose):
                return None, ""
            whose = network_of(whose)
        return rate, f"{limit.name} {whose}"


def make_open_throttle(clock: Clock) -> Throttle:
    """Return one that lets everybody through."""
    return Throttle({}, None, clock)
