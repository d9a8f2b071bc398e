"""From settings to the rate limits in force, and what a refusal leaves in metrics and log."""

from penfold.app.monitor.metrics import Counters
from penfold.app.process.process import Core
from penfold.base.clock import Clock
from penfold.domain.throttle import Throttle
from penfold.ports.events import EventLog
from penfold.ports.rates import Rate
from penfold.spec.events import RATE_LIMITED
from penfold.spec.metrics import RATE_REFUSALS
from penfold.spec.rates import Limit, Per
from penfold.store.buckets import SharedBuckets

#: Milliseconds between two lines about the same limit: a flood of refusals is one line.
_QUIET_MS = 10_000


def make_throttle(core: Core) -> Throttle:
    """Return the limits of one process, over buckets that it shares with its siblings."""
    rates = {name: Rate(*rate) for name, rate in core.launch.settings.find_rates().items()}
    buckets = SharedBuckets(core.launch.data / "run") if rates else None
    observe = RefusalObserver(core.log, core.counters, core.clock)
    return Throttle(rates, buckets, core.clock, refused=observe)


class RefusalObserver:
    """Counts every refusal and writes about some. From any thread."""

    def __init__(self, log: EventLog, counters: Counters, clock: Clock) -> None:
        self._log = log
        self._counters = counters
        self._clock = clock
        self._told: dict[str, tuple[int, int]] = {}  # limit -> last line, refusals since

    def __call__(self, limit: Limit, whose: str, wait_s: int) -> None:
        self._counters.add(RATE_REFUSALS, 1, limit.name)
        now_ms = self._clock.now_ms()
        told_ms, count = self._told.get(limit.name, (0, 0))
        if now_ms - told_ms < _QUIET_MS:
            self._told[limit.name] = told_ms, count + 1
            return
        self._told[limit.name] = now_ms, 0
        # What people typed as their address may be a password; a network is an address for sure.
        network = whose if limit.per is Per.NETWORK else None
        self._log.emit(
            RATE_LIMITED, limit=limit.name, client=network, wait_s=wait_s, count=count + 1
        )
