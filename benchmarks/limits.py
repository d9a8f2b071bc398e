"""What a look at a rate limit costs: one bucket, many buckets, refused, and beside a busy process.

CPU time of one thread, on the file that processes share.
"""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

from benchmarks.steps import time_step
from penfold.base.clock import FixedClock
from penfold.domain.throttle import Throttle, TooManyError
from penfold.ports.rates import Rate
from penfold.spec.rates import API_ACCOUNT
from penfold.store.buckets import SharedBuckets

_PLENTY = Rate(1_000_000_000, 60)


def measure() -> Iterator[tuple[str, str, str, str]]:
    whose = cycle([f"m{number:020x}" for number in range(20_000)])
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        plenty, none = (_make(folder, rate) for rate in (_PLENTY, Rate(1, 604_800)))
        steps: dict[str, Callable[[], object]] = {
            "one account": lambda: plenty.take(API_ACCOUNT, "m1"),
            "20,000 accounts": lambda: plenty.take(API_ACCOUNT, next(whose)),
            "refused": lambda: _refused(none),
        }
        for what, step in steps.items():
            yield (f"rate limit, {what}", f"{time_step(step):,.1f} us", "", "")
        other = multiprocessing.get_context("fork").Process(target=_take_on, args=(folder,))
        other.start()
        cost = time_step(steps["20,000 accounts"])
        other.terminate()
        other.join()
        yield ("rate limit, while another process does nothing else", f"{cost:,.1f} us", "", "")


def _make(folder: Path, rate: Rate) -> Throttle:
    return Throttle({API_ACCOUNT.name: rate}, SharedBuckets(folder), FixedClock())


def _refused(throttle: Throttle) -> None:
    try:
        throttle.take(API_ACCOUNT, "m2")
    except TooManyError:
        return


def _take_on(folder: Path) -> None:
    throttle = _make(folder, _PLENTY)
    while True:
        throttle.take(API_ACCOUNT, "other")
