"""What accepting costs, and whether the budget reaches."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from penfold.ports.sending.book import SendingReader, SendingWriter
from penfold.ports.sending.counts import day_of
from penfold.ports.sending.emails import Email
from penfold.ports.sending.events import OtherKind
from penfold.ports.sending.metering import Balance, Charge
from penfold.spec.sending.problems import QUOTA_EXCEEDED, SendingError


class Price(Struct, frozen=True, gc=False):
    """micros: of a recipient, millionths of the currency."""

    micros: int = 0
    currency: str = "USD"


def show_money(micros: int) -> str:
    """Return an amount as a decimal number, without zeros that say nothing."""
    whole, part = divmod(micros, 1_000_000)
    digits = f"{part:06}".rstrip("0")
    return f"{whole}.{digits:0<2}"


class Crossing(Struct, frozen=True):
    """A limit that was passed, once for each `cause`. data: of the event that tells it."""

    kind: OtherKind
    cause: str
    data: dict[str, str]


def charge(
    writer: SendingWriter,
    account_id: str,
    accepted: Sequence[tuple[Email, list[int]]],
    price: Price,
    *,
    now_ms: int,
) -> list[Crossing]:
    """Note a row for each recipient, or refuse them all when the budget does not reach (402).

    Return what the owner is to be told. Test mail costs nothing and leaves no row.
    """
    day = day_of(now_ms)
    charges = [
        Charge(account_id, email.number, position, now_ms, day, email.stream, price.micros)
        for email, positions in accepted
        if not email.test
        for position in positions
    ]
    if not charges:
        return []
    balance = writer.get_balance(account_id)
    month = sum_month(writer, account_id, day) if balance.soft_micros or balance.hard_micros else 0
    micros = sum(one.micros for one in charges)
    _check_budget(balance, month + micros, micros)
    writer.charge(charges)
    return list(_find_crossed(balance, day[:7], month, micros, price.currency))


def sum_month(book: SendingReader, account_id: str, day: str) -> int:
    """Return what was spent in the month of a day until that day (UTC), in millionths."""
    used = book.list_usage(account_id, first=f"{day[:7]}-01", last=day)
    return sum(one.micros for one in used)


def _check_budget(balance: Balance, month: int, micros: int) -> None:
    if balance.prepaid and balance.spent_micros + micros > balance.credit_micros:
        raise SendingError(QUOTA_EXCEEDED, "What was prepaid does not reach for this.")
    if balance.hard_micros and month > balance.hard_micros:
        raise SendingError(QUOTA_EXCEEDED, "The budget of this month does not reach for this.")


def _find_crossed(
    balance: Balance, month: str, before: int, micros: int, currency: str
) -> Iterator[Crossing]:
    """Yield the limits that are behind now and were not before."""
    account_id, soft, low = balance.account_id, balance.soft_micros, balance.low_micros
    if soft and before <= soft < before + micros:
        data = {"month": month, "spent": show_money(before + micros), "limit": show_money(soft)}
        cause = f"budget:{account_id}:{month}:{soft}"
        yield Crossing(OtherKind.BUDGET_SOFT_LIMIT, cause, data | {"currency": currency})
    left = balance.credit_micros - balance.spent_micros
    if balance.prepaid and left - micros < low <= left:
        data = {"left": show_money(left - micros), "limit": show_money(low)}
        cause = f"balance:{account_id}:{balance.credit_micros}:{low}"
        yield Crossing(OtherKind.BALANCE_LOW, cause, data | {"currency": currency})
