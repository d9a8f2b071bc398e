"""The JSON objects of what was used and what it costs; see schemas."""

from penfold.spec.sending.schemas import Given


class Period(Given, frozen=True, kw_only=True):
    start: str
    end: str


class UsageDay(Given, frozen=True, kw_only=True):
    day: str
    stream: str
    accepted: int
    cost: str


class Usage(Given, frozen=True, kw_only=True):
    """Money is a decimal number in a string. accepted: recipients, none of them suppressed."""

    object: str
    period: Period
    accepted: int
    delivered: int
    cost: str
    currency: str
    unit_price_per_1000: str
    prepaid: bool
    balance: str | None
    soft_limit: str | None
    hard_limit: str | None
    days: list[UsageDay]
