"""What an account's mail may cost: what was prepaid, and the limits of a month."""

import re

from msgspec.structs import replace

from penfold.base.limits import SENDING_MONEY_MAX_MICROS
from penfold.domain.sending.metering import show_money, sum_month
from penfold.ports.sending.book import SendingReader, SendingWriter
from penfold.ports.sending.counts import day_of
from penfold.ports.sending.metering import Balance

_MONEY = re.compile(r"(-?)([0-9]{1,9})(?:\.([0-9]{1,6}))?")


def read_money(text: str) -> int | None:
    """Return millionths of `25` or `0.28`; None for anything else."""
    match = _MONEY.fullmatch(text)
    if match is None:
        return None
    micros = int(match[2]) * 1_000_000 + int(f"{match[3] or '':0<6}")
    return -micros if match[1] else micros


def add_credit(writer: SendingWriter, account_id: str, micros: int) -> Balance:
    """Add to what is prepaid, which makes the account a prepaid one.

    One that was none begins with what it used until now as paid.
    """
    old = writer.get_balance(account_id)
    credit = old.credit_micros if old.prepaid else max(old.credit_micros, old.spent_micros)
    credit = max(0, min(credit + micros, SENDING_MONEY_MAX_MICROS))
    made = replace(old, prepaid=True, credit_micros=credit)
    writer.put_balance(made)
    return made


def set_budget(
    writer: SendingWriter,
    account_id: str,
    *,
    soft: int | None = None,
    hard: int | None = None,
    low: int | None = None,
    prepaid: bool | None = None,
) -> Balance:
    """Set what is not None; 0 for no limit."""
    old = writer.get_balance(account_id)
    made = replace(
        old,
        soft_micros=old.soft_micros if soft is None else soft,
        hard_micros=old.hard_micros if hard is None else hard,
        low_micros=old.low_micros if low is None else low,
        prepaid=old.prepaid if prepaid is None else prepaid,
    )
    writer.put_balance(made)
    return made


def show_balance(book: SendingReader, account_id: str, *, now_ms: int) -> dict[str, object]:
    """Return the balance in words and decimal numbers; "" for a limit that is none."""
    balance = book.get_balance(account_id)
    month = sum_month(book, account_id, day_of(now_ms))
    left = max(balance.credit_micros - balance.spent_micros, 0)
    return {
        "prepaid": balance.prepaid,
        "left": show_money(left) if balance.prepaid else "",
        "spent": show_money(balance.spent_micros),
        "month": show_money(month),
        "soft": show_money(balance.soft_micros) if balance.soft_micros else "",
        "hard": show_money(balance.hard_micros) if balance.hard_micros else "",
        "low": show_money(balance.low_micros) if balance.low_micros else "",
        "over_soft": bool(balance.soft_micros) and month > balance.soft_micros,
    }
