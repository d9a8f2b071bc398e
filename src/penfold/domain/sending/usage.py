"""What an account used in a period, and what it costs."""

import re
from contextlib import suppress
from datetime import date

from penfold.base.limits import USAGE_DAYS_MAX
from penfold.domain.sending.findings import INVALID, TOO_LONG, Findings
from penfold.domain.sending.metering import Price, show_money
from penfold.ports.sending.book import SendingReader
from penfold.ports.sending.counts import day_of
from penfold.ports.sending.events import EventKind
from penfold.spec.sending import schemas

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_period(
    start: str,
    end: str,
    findings: Findings,
    *,
    now_ms: int,
    names: tuple[str, str] = ("start", "end"),
) -> tuple[str, str]:
    """Return first and last day; without any, from the first of this month to today.

    names: what the caller calls them.
    """
    today = day_of(now_ms)
    first = _read_day(start or f"{today[:7]}-01", names[0], findings)
    last = _read_day(end or max(today, str(first or "")), names[1], findings)
    if first and last and not 1 <= count_days(str(first), str(last)) <= USAGE_DAYS_MAX:
        what = f"is before `{names[0]}`, or {USAGE_DAYS_MAX} days after it"
        findings.add(names[1], TOO_LONG, what)
    return str(first), str(last)


def count_days(first: str, last: str) -> int:
    """Return how many days that is, both included."""
    return (date.fromisoformat(last) - date.fromisoformat(first)).days + 1


def _read_day(text: str, field: str, findings: Findings) -> date | None:
    with suppress(ValueError):
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    findings.add(field, INVALID, "is not a day such as 2026-11-28")
    return None


def sum_usage(
    book: SendingReader, account_id: str, first: str, last: str, price: Price
) -> schemas.Usage:
    days = book.list_usage(account_id, first=first, last=last)
    counts = book.list_counts(account_id, by=(), first=first, last=last)
    balance = book.get_balance(account_id)
    left = balance.credit_micros - balance.spent_micros
    return schemas.Usage(
        object="usage",
        period=schemas.Period(start=first, end=last),
        accepted=sum(one.accepted for one in days),
        delivered=sum(one.count for one in counts if one.kind == EventKind.DELIVERED),
        cost=show_money(sum(one.micros for one in days)),
        currency=price.currency,
        unit_price_per_1000=show_money(1_000 * price.micros),
        prepaid=balance.prepaid,
        balance=show_money(max(left, 0)) if balance.prepaid else None,
        soft_limit=show_money(balance.soft_micros) if balance.soft_micros else None,
        hard_limit=show_money(balance.hard_micros) if balance.hard_micros else None,
        days=[
            schemas.UsageDay(
                day=one.day, stream=one.stream, accepted=one.accepted, cost=show_money(one.micros)
            )
            for one in days
        ],
    )
