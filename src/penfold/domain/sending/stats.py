"""Statistics of an account's mail: sums of counters (ports.sending.counts) and their rates."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from penfold.base.limits import STATS_GROUPS_MAX, STATS_SUMS_MAX, STATS_VALUE_DAYS_MAX
from penfold.domain.sending.findings import INVALID, NOT_ALLOWED, TOO_LONG, TOO_MANY, Findings
from penfold.domain.sending.usage import count_days, read_period
from penfold.ports.sending.book import SendingReader
from penfold.ports.sending.counts import PROVIDER, TAG, find_time
from penfold.spec.sending.schemas import Period
from penfold.spec.sending.stats import (
    COUNTS,
    GROUPS,
    METRICS,
    RATES,
    TIME_TO_DELIVER,
    Rate,
    Ratio,
    Stats,
    StatsGroup,
    StatsQuery,
    TimeToDeliver,
)

#: Digits of a rate behind the point: a ten-thousandth of a percent.
_DIGITS: Final = 6


class Question(Struct, frozen=True):
    """first, last: days, both included. by: of GROUPS. metrics: of METRICS."""

    first: str
    last: str
    by: tuple[str, ...]
    metrics: tuple[str, ...]
    test: bool = False


def read_question(query: StatsQuery, findings: Findings, *, now_ms: int) -> Question:
    names = ("from", "to")
    first, last = read_period(query.from_, query.to, findings, now_ms=now_ms, names=names)
    by = _read_names(query.group_by, GROUPS, "group_by", findings)
    values = {TAG, PROVIDER}.intersection(by)
    if values and not findings and count_days(first, last) > STATS_VALUE_DAYS_MAX:
        what = f"is more than {STATS_VALUE_DAYS_MAX} days, too many by {' and '.join(values)}"
        findings.add("to", TOO_LONG, what)
    if len(values) > 1:
        findings.add("group_by", NOT_ALLOWED, "has tag and provider, which are counted apart")
    metrics = _read_names(query.metrics, METRICS, "metrics", findings) or METRICS
    return Question(first, last, by, metrics, query.test)


def _read_names(text: str, known: Sequence[str], field: str, findings: Findings) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
    for name in names:
        if name not in known:
            findings.add(field, INVALID, f"has none of {', '.join(known)}: {name[:40]!r}")
    return names


def make_stats(book: SendingReader, account_id: str, asked: Question, findings: Findings) -> Stats:
    """Return what an account's mail came to. More than STATS_GROUPS_MAX groups are a finding."""
    counts = book.list_counts(
        account_id, by=asked.by, first=asked.first, last=asked.last, test=asked.test
    )
    groups: dict[tuple[str, ...], dict[str, int]] = {}
    for one in counts:
        groups.setdefault(one.key, {})[one.kind] = one.count
    if len(groups) > STATS_GROUPS_MAX or len(counts) == STATS_SUMS_MAX:
        what = f"makes more than {STATS_GROUPS_MAX} groups; ask for fewer days or names"
        findings.add("group_by", TOO_MANY, what)
        groups = {}
    return Stats(
        object="stats",
        period=Period(start=asked.first, end=asked.last),
        group_by=list(asked.by),
        test=asked.test,
        denominators={
            name: ratio.denominator for name, ratio in RATES.items() if name in asked.metrics
        },
        data=[_make_group(asked, key, found) for key, found in groups.items()],
    )


def _make_group(asked: Question, key: tuple[str, ...], found: Mapping[str, int]) -> StatsGroup:
    return StatsGroup(
        group=dict(zip(asked.by, key, strict=True)),
        counts={name: found.get(name, 0) for name in COUNTS if name in asked.metrics},
        rates={
            name: _divide(ratio, found) for name, ratio in RATES.items() if name in asked.metrics
        },
        time_to_deliver=_measure(found) if TIME_TO_DELIVER in asked.metrics else None,
    )


def _divide(ratio: Ratio, found: Mapping[str, int]) -> Rate:
    of = found.get(ratio.of, 0)
    among = found.get(ratio.among, 0) - found.get(ratio.without, 0)
    rate = round(of / among, _DIGITS) if among > 0 else None
    return Rate(rate=rate, numerator=of, denominator=among)


def _measure(found: Mapping[str, int]) -> TimeToDeliver:
    times = sorted(
        (ms, count) for kind, count in found.items() if (ms := find_time(kind)) is not None
    )
    p50, p95, p99 = (find_percentile(times, part) for part in (0.5, 0.95, 0.99))
    return TimeToDeliver(p50=p50, p95=p95, p99=p99)


def find_percentile(times: Sequence[tuple[float, int]], part: float) -> float | None:
    """Return the seconds within which a part (0 to 1) of what was counted lies; None of nothing.

    times: (milliseconds, how many), the shortest first.
    """
    wanted = part * sum(count for _, count in times)
    for ms, count in times:
        wanted -= count
        if wanted <= 0:
            return float(f"{ms / 1000:.3g}")
    return None
