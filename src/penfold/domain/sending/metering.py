"""What accepting costs, and whether the budget reaches."""

from collections.abc import Sequence

from msgspec import Struct

from penfold.ports.sending.book import SendingWriter
from penfold.ports.sending.counts import day_of
from penfold.ports.sending.emails import Email
from penfold.ports.sending.metering import Charge
from penfold.spec.sending.problems import QUOTA_EXCEEDED, SendingError


class Price(Struct, frozen=True, gc=False):
    """micros: of a recipient, millionths of the currency."""

    micros: int = 0
    currency: str = "USD"


def charge(
    writer: SendingWriter,
    account_id: str,
    accepted: Sequence[tuple[Email, list[int]]],
    price: Price,
    *,
    now_ms: int,
) -> None:
    """Note a row for each recipient, or refuse them all when the budget does not reach (402).

    Test mail costs nothing and leaves no row.
    """
    day = day_of(now_ms)
    charges = [
        Charge(account_id, email.number, position, now_ms, day, email.stream, price.micros)
        for email, positions in accepted
        if not email.test
        for position in positions
    ]
    if not charges:
        return
    _check_budget(writer, account_id, sum(one.micros for one in charges), day)
    writer.charge(charges)


def _check_budget(writer: SendingWriter, account_id: str, micros: int, day: str) -> None:
    balance = writer.get_balance(account_id)
    if balance.prepaid and balance.spent_micros + micros > balance.credit_micros:
        raise SendingError(QUOTA_EXCEEDED, "What was prepaid does not reach for this.")
    if balance.hard_micros:
        month = writer.list_usage(account_id, first=f"{day[:7]}-01", last=day)
        if sum(one.micros for one in month) + micros > balance.hard_micros:
            raise SendingError(QUOTA_EXCEEDED, "The budget of this month does not reach for this.")
