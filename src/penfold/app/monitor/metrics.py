"""Count in shared memory; add up all processes when /metrics is asked for.

Every process owns one file <data>/run/<role>-<index>.metrics: an array of float64 whose places
follow from spec/metrics.py. Counting is one addition in mapped memory (0.1 µs; a request costs
0.5 µs). A process that is killed loses nothing, and the one that replaces it goes on in the
same file, so counters never fall while the server lives; the supervisor starts the files anew.

Any HTTP worker answers a scrape: it reads all files and adds them place by place. Each place
has one writer. Own code, because prometheus_client's multiprocess mode costs 5.5 µs a request
and 6 MB a process (docs/decisions).
"""

import mmap
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Final

from penfold.spec.metrics import (
    METRICS,
    REQUEST_SECONDS,
    REQUESTS,
    STATUSES,
    Kind,
    Metric,
)

#: As they lie in a file.
Numbers = Sequence[float]

_PLACES: Final = sum(len(metric.series()) * metric.width for metric in METRICS)
_SIZE: Final = _PLACES * 8


def _layout() -> dict[str, dict[tuple[str, ...], int]]:
    places: dict[str, dict[tuple[str, ...], int]] = {}
    at = 0
    for metric in METRICS:
        places[metric.name] = {}
        for values in metric.series():
            places[metric.name][values] = at
            at += metric.width
    return places


_PLACE: Final = _layout()


class Counters:
    """The numbers of one process."""

    def __init__(self, path: Path) -> None:
        with path.open("a+b") as file:
            # A file of another layout is of another release: its numbers mean nothing here.
            if file.seek(0, 2) != _SIZE:
                file.truncate(0)
                file.truncate(_SIZE)
            self._map = mmap.mmap(file.fileno(), _SIZE)
        self._view = memoryview(self._map).cast("d")
        self._lock = Lock()
        for metric in METRICS:
            if metric.kind is Kind.GAUGE:
                for values in metric.series():
                    self.put(metric, 0.0, *values)
        statuses = {int(text): n for n, text in enumerate(STATUSES) if text.isdigit()}
        self._status_place = statuses
        self._requests = {
            key[0]: place for key, place in _PLACE[REQUESTS.name].items() if key[1] == STATUSES[0]
        }
        self._seconds = {key[0]: place for key, place in _PLACE[REQUEST_SECONDS.name].items()}

    def add(self, metric: Metric, amount: float, *labels: str) -> None:
        """Add to a counter or gauge; from any thread."""
        with self._lock:
            self._view[_PLACE[metric.name][labels]] += amount

    def put(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""
        self._view[_PLACE[metric.name][labels]] = value

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Count a value in a histogram; from any thread."""
        place = _PLACE[metric.name][labels]
        with self._lock:
            self._view[place + bisect_left(metric.buckets, value)] += 1.0
            self._view[place + len(metric.buckets) + 1] += value

    def count_request(self, method: str, status: int, seconds: float) -> None:
        """Count an answered request: the hot path, 0.5 µs. From the event loop's thread only."""
        view = self._view
        if method not in self._requests:
            method = "other"
        place = self._status_place.get(status, len(STATUSES) - 1)
        view[self._requests[method] + place] += 1.0
        place = self._seconds[method]
        view[place + bisect_left(REQUEST_SECONDS.buckets, seconds)] += 1.0
        view[place + len(REQUEST_SECONDS.buckets) + 1] += seconds

    def close(self) -> None:
        self._view.release()
        self._map.close()


def list_files(folder: Path) -> list[Path]:
    """Return the files of all processes of this server, those of another layout left out."""
    return [path for path in sorted(folder.glob("*.metrics")) if path.stat().st_size == _SIZE]


def load_numbers(path: Path) -> Numbers:
    """Return what one process has counted, place by place."""
    numbers = array("d")
    numbers.frombytes(path.read_bytes())
    return numbers


def load_totals(folder: Path) -> list[float]:
    """Return the sum over all processes of this server, place by place."""
    totals = [0.0] * _PLACES
    for path in list_files(folder):
        for place, number in enumerate(load_numbers(path)):
            if number:
                totals[place] += number
    return totals


def split(numbers: Numbers) -> dict[str, dict[tuple[str, ...], Numbers]]:
    """Return the numbers of each series by the metric's name and the values of its labels."""
    return {
        metric.name: {
            values: numbers[place : place + metric.width]
            for values, place in _PLACE[metric.name].items()
        }
        for metric in METRICS
    }


def read_total(totals: Numbers, metric: Metric, *labels: str) -> float:
    """Return the number of one series of a counter or gauge."""
    return totals[_PLACE[metric.name][labels]]


def render(totals: list[float], extra: Mapping[Metric, Mapping[tuple[str, ...], float]]) -> bytes:
    """Return the page in Prometheus' text format.

    Of families with many series, those never counted are left out; of the others none is, as
    a series that appears with its first count has no increase in Prometheus' eyes.
    """
    lines: list[str] = []
    for metric in METRICS:
        lines += _head(metric)
        for values, place in _PLACE[metric.name].items():
            numbers = totals[place : place + metric.width]
            if any(numbers) or not metric.is_sparse:
                lines += _series(metric, values, numbers)
    for metric, series in extra.items():
        lines += _head(metric)
        for values, number in series.items():
            lines += _series(metric, values, [number])
    return ("\n".join(lines) + "\n").encode()


def _head(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.sentence}"
    yield f"# TYPE {metric.name} {metric.kind.value}"


def _series(metric: Metric, values: tuple[str, ...], numbers: list[float]) -> Iterator[str]:
    labels = [f'{name}="{value}"' for (name, _), value in zip(metric.labels, values, strict=True)]
    if metric.kind is not Kind.HISTOGRAM:
        yield f"{metric.name}{_braces(labels)} {numbers[0]:.17g}"
        return
    *counts, total = numbers
    below = 0.0
    for bound, count in zip((*map(str, metric.buckets), "+Inf"), counts, strict=True):
        below += count
        edge = _braces([*labels, f'le="{bound}"'])
        yield f"{metric.name}_bucket{edge} {below:.17g}"
    yield f"{metric.name}_count{_braces(labels)} {below:.17g}"
    yield f"{metric.name}_sum{_braces(labels)} {total:.17g}"


def _braces(labels: list[str]) -> str:
    return "{" + ",".join(labels) + "}" if labels else ""
