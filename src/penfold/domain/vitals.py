"""How a running server fares: two looks at its counters become rates, quantiles and levels.

Pure. Who takes the looks is app/command/watching.py; who shows them is front/cli/top.py. Rates are
per second, times in milliseconds unless a name says otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from penfold.spec import metrics as m
from penfold.spec.metrics import Metric

Labels = tuple[str, ...]
#: Numbers of every series, as they lie in a process' file: a histogram has several.
Series = Mapping[str, Mapping[Labels, Sequence[float]]]

#: HTTP statuses by what they say of us and of the client.
_ERRORS: Final = ("500", "501", "503", "507")
_REFUSALS: Final = ("401", "403", "429")
#: Classes of delivery attempts after which the message waits for another.
_LATER: Final = (
    "greylisted",
    "rate_limited",
    "network",
    "protocol",
    "mailbox_full",
    "undetermined",
)


class Process(Struct, frozen=True):
    """One process, cpu in seconds since it started."""

    name: str
    resident_bytes: float
    cpu_s: float
    files: float


class Slow(Struct, frozen=True):
    """A request that took long. what: the method, or the listener's; id: as in the log."""

    at_ms: int
    what: str
    status: int
    ms: float
    id: str = ""
    account: str = ""


class Sample(Struct, frozen=True):
    """One look. levels: what is found out at that moment (spec.metrics.SCRAPED)."""

    at_ms: int
    series: Series
    levels: Mapping[str, Mapping[Labels, float]]
    processes: tuple[Process, ...] = ()
    slow: tuple[Slow, ...] = ()


class Pace(Struct, frozen=True):
    """A kind of work: how often, and how long it takes; None while there was none."""

    per_s: float
    p50_ms: float | None = None
    p95_ms: float | None = None


class Load(Struct, frozen=True):
    """A process as people watch it. cpu: share of one processor."""

    name: str
    resident_bytes: float
    cpu: float
    files: float


class Vitals(Struct, frozen=True, kw_only=True):
    """What there is to see between two looks."""

    at_ms: int
    over_s: float
    up_s: float
    version: str
    api: Pace
    methods: Mapping[str, Pace]
    errors_per_s: float
    refusals_per_s: float
    http_connections: float
    smtp: Pace
    smtp_outcomes: Mapping[str, float]
    smtp_bytes_per_s: float
    smtp_connections: float
    delivery: Pace
    delivered_per_s: float
    put_off_per_s: float
    failed_per_s: float
    queue: Mapping[str, float]
    queue_oldest_s: float
    commits: Pace
    sign_ins_refused_per_s: float
    quota_refused_per_s: float
    turned_away_per_s: float
    disk_free_bytes: float
    disk_size_bytes: float
    certificate_s: float
    troubles: Mapping[str, float]
    processes: tuple[Load, ...]
    slow: tuple[Slow, ...]


def compare(before: Sample, after: Sample) -> Vitals:
    """Return what happened between two looks, and how things stand at the second."""
    gone = Change(before, after)
    level, tries = after.levels, gone.by(m.DELIVERY_TRIES, 0)
    later = sum(tries.get(kind, 0.0) for kind in _LATER)
    return Vitals(
        at_ms=after.at_ms,
        over_s=gone.over_s,
        up_s=max(0.0, after.at_ms / 1000 - level[m.STARTED.name][()]),
        version=next(iter(level[m.BUILD.name]))[0],
        api=gone.pace(m.REQUEST_SECONDS, _is_api),
        methods=_by_method(gone),
        errors_per_s=gone.rate(m.REQUESTS, lambda labels: labels[1] in _ERRORS),
        refusals_per_s=gone.rate(m.REQUESTS, lambda labels: labels[1] in _REFUSALS),
        http_connections=gone.now(m.CONNECTIONS),
        smtp=gone.pace(m.SMTP_SECONDS),
        smtp_outcomes=gone.by(m.SMTP_MESSAGES, 1),
        smtp_bytes_per_s=gone.rate(m.SMTP_BYTES),
        smtp_connections=gone.now(m.SMTP_CONNECTIONS),
        delivery=gone.pace(m.DELIVERY_SECONDS),
        delivered_per_s=tries.get("accepted", 0.0),
        put_off_per_s=later,
        failed_per_s=sum(tries.values()) - tries.get("accepted", 0.0) - later,
        queue={state: number for (state,), number in level[m.QUEUE.name].items()},
        queue_oldest_s=level[m.QUEUE_OLDEST.name][()],
        commits=gone.pace(m.COMMIT_SECONDS),
        sign_ins_refused_per_s=gone.rate(m.SIGN_INS, _has(1, "refused")),
        quota_refused_per_s=gone.rate(m.QUOTA_REFUSALS),
        turned_away_per_s=gone.rate(m.SMTP_TURNED_AWAY),
        disk_free_bytes=level[m.DISK_FREE.name][()],
        disk_size_bytes=level[m.DISK_SIZE.name][()],
        certificate_s=gone.now(m.CERTIFICATE_SECONDS),
        troubles={name: n for (name,), (n,) in after.series[m.TROUBLE.name].items() if n},
        processes=tuple(_load(each, before, gone.over_s) for each in after.processes),
        slow=after.slow,
    )


class Change:
    """Counters at one moment and at a later one."""

    def __init__(self, before: Sample, after: Sample) -> None:
        self.over_s = max(0.001, (after.at_ms - before.at_ms) / 1000)
        self._before = before.series
        self._after = after.series

    def now(self, metric: Metric) -> float:
        """Return a gauge, all its series together."""
        return sum(numbers[0] for numbers in self._after[metric.name].values())

    def rate(self, metric: Metric, wanted: Callable[[Labels], bool] = lambda _: True) -> float:
        """Return the increase of a counter per second, of the series whose labels are wanted."""
        return self._sum(metric, wanted)[0] / self.over_s

    def by(self, metric: Metric, label: int) -> dict[str, float]:
        """Return the increase per second by the values of one label; those that rose."""
        values = dict.fromkeys(labels[label] for labels in self._after[metric.name])
        rates = {value: self.rate(metric, _has(label, value)) for value in values}
        return {value: rate for value, rate in rates.items() if rate}

    def pace(self, metric: Metric, wanted: Callable[[Labels], bool] = lambda _: True) -> Pace:
        """Return how often a histogram of seconds was told something, and its quantiles."""
        *counts, _ = self._sum(metric, wanted)
        p50, p95 = (find_quantile(share, metric.buckets, counts) for share in (0.5, 0.95))
        return Pace(
            sum(counts) / self.over_s,
            None if p50 is None else p50 * 1000,
            None if p95 is None else p95 * 1000,
        )

    def _sum(self, metric: Metric, wanted: Callable[[Labels], bool]) -> list[float]:
        before, total = self._before[metric.name], [0.0] * metric.width
        for labels, numbers in self._after[metric.name].items():
            if wanted(labels):
                earlier = before[labels]
                # A counter that fell belongs to a server that was started anew.
                fell = any(now < then for now, then in zip(numbers, earlier, strict=True))
                for place, number in enumerate(numbers):
                    total[place] += number if fell else number - earlier[place]
        return total


def find_quantile(share: float, buckets: Sequence[float], counts: Sequence[float]) -> float | None:
    """Return the value below which this share of the counted values lies; None without any.

    Within a bucket values are taken to lie evenly, as Prometheus' histogram_quantile does; one
    beyond the last bound is the last bound.
    """
    rank = share * sum(counts)
    if not rank:
        return None
    below, floor = 0.0, 0.0
    for bound, count in zip(buckets, counts, strict=False):
        if below + count >= rank:
            return floor + (bound - floor) * (rank - below) / count
        below, floor = below + count, bound
    return buckets[-1]


def _has(place: int, value: str) -> Callable[[Labels], bool]:
    return lambda labels: labels[place] == value


def _is_api(labels: Labels) -> bool:
    return labels[0].startswith("gmail.") or labels[0] == "batch"


def _by_method(gone: Change) -> dict[str, Pace]:
    """Return the pace of each method that was called, busiest first."""
    paces = {
        method: gone.pace(m.REQUEST_SECONDS, _has(0, method)) for method in gone.by(m.REQUESTS, 0)
    }
    return dict(sorted(paces.items(), key=lambda each: -each[1].per_s))


def _load(process: Process, before: Sample, over_s: float) -> Load:
    earlier = next((each.cpu_s for each in before.processes if each.name == process.name), 0.0)
    used_s = process.cpu_s - earlier if process.cpu_s >= earlier else process.cpu_s
    return Load(process.name, process.resident_bytes, used_s / over_s, process.files)
