"""What statistics tell: groups, counts, and rates with what they are divided by."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from penfold.spec.sending.method import Query
from penfold.spec.sending.schemas import Given, Period

GROUPS: Final = ("day", "stream", "tag", "template", "domain", "provider")
COUNTS: Final = (
    "accepted", "sent", "delivered", "deferred", "bounced", "complained", "suppressed", "failed",
    "expired", "cancelled", "opened", "clicked", "unsubscribed",
)  # fmt: skip
TIME_TO_DELIVER: Final = "time_to_deliver"


class Ratio(Struct, frozen=True):
    """A count, divided by one less another ("" for none)."""

    of: str
    among: str
    without: str = ""

    @property
    def denominator(self) -> str:
        return f"{self.among} - {self.without}" if self.without else self.among


RATES: Final[Mapping[str, Ratio]] = MappingProxyType({
    "delivery_rate": Ratio("delivered", "accepted", "suppressed"),
    "bounce_rate": Ratio("bounced", "accepted", "suppressed"),
    "complaint_rate": Ratio("complained", "delivered"),
    "open_rate": Ratio("opened", "delivered"),
    "click_rate": Ratio("clicked", "delivered"),
    "unsubscribe_rate": Ratio("unsubscribed", "delivered"),
})  # fmt: skip
METRICS: Final = (*COUNTS, *RATES, TIME_TO_DELIVER)


class StatsQuery(Query, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Days (YYYY-MM-DD, UTC), both included; this month unless said otherwise.

    group_by, metrics: names with commas between; metrics: all without. test: of test keys' mail.
    """

    from_: str = ""
    to: str = ""
    group_by: str = ""
    metrics: str = ""
    test: bool = False


class Rate(Given, frozen=True, kw_only=True):
    """rate: from 0 to 1, null when there is nothing to divide by."""

    rate: float | None
    numerator: int
    denominator: int


class TimeToDeliver(Given, frozen=True, kw_only=True):
    """Seconds within which half, 95 % and 99 % were delivered; within 10 % of the true ones."""

    p50: float | None
    p95: float | None
    p99: float | None


class StatsGroup(Given, frozen=True, kw_only=True):
    """group: what its mail has in common, by the names of group_by. counts: of recipients."""

    group: dict[str, str]
    counts: dict[str, int]
    rates: dict[str, Rate]
    time_to_deliver: TimeToDeliver | None


class Stats(Given, frozen=True, kw_only=True):
    """denominators: what each rate is divided by."""

    object: str
    period: Period
    group_by: list[str]
    test: bool
    denominators: dict[str, str]
    data: list[StatsGroup]
