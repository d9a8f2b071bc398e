"""The statement of a month: what was accepted on each day in each stream, and what it cost.

A column of a spreadsheet that begins like a formula is a text here (CSV injection, OWASP).
"""

import base64
import csv
import hashlib
import io
import re
from collections.abc import Sequence
from html import escape
from typing import Final

from msgspec import Struct

from penfold.domain.sending.metering import Price, show_money
from penfold.ports.sending.book import SendingReader
from penfold.ports.sending.metering import UsageDay

_MONTH: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_COLUMNS: Final = ("day", "stream", "recipients", "cost", "currency")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_STYLE: Final = (
    "body{font:11pt sans-serif;max-width:45em;margin:2em auto}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.2em .5em;border-bottom:1px solid #ccc}"
    ".n{text-align:right;font-variant-numeric:tabular-nums}"
    # The sum is of all pages, so it stands on the last one alone.
    "tfoot{display:table-row-group}"
)
#: Nothing is loaded or run, and no site may frame it; of styles the page's own alone (CSP 3).
CONTENT_POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'"
)


class Statement(Struct, frozen=True):
    """month: 2026-11. address: of the account. currency: as it is set now."""

    month: str
    address: str
    days: Sequence[UsageDay]
    currency: str

    @property
    def recipients(self) -> int:
        return sum(one.accepted for one in self.days)

    @property
    def micros(self) -> int:
        return sum(one.micros for one in self.days)


def make_statement(
    book: SendingReader, account_id: str, address: str, month: str, price: Price
) -> Statement | None:
    """Return an account's statement (days in UTC); None when that is no month."""
    if not _MONTH.fullmatch(month):
        return None
    days = book.list_usage(account_id, first=f"{month}-01", last=f"{month}-31")
    return Statement(month, address, days, price.currency)


def print_csv(statement: Statement) -> str:
    """Return it as CSV (RFC 4180), the sum in the last line."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for one in statement.days:
        row = (one.day, _plain(one.stream), one.accepted, show_money(one.micros))
        writer.writerow((*row, statement.currency))
    total = ("total", "", statement.recipients, show_money(statement.micros))
    writer.writerow((*total, statement.currency))
    return out.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def print_page(statement: Statement) -> str:
    """Return it as a page to print; every amount has as many decimals as the longest."""
    micros = [*(one.micros for one in statement.days), statement.micros]
    costs = [show_money(each) for each in micros]
    longest = max(len(cost.partition(".")[2]) for cost in costs)
    *each, total = [f"{cost:0<{len(cost.partition('.')[0]) + 1 + longest}}" for cost in costs]
    rows = "".join(
        f"<tr><td>{escape(one.day)}<td>{escape(one.stream)}<td class=n>{one.accepted:,}"
        f"<td class=n>{cost}"
        for one, cost in zip(statement.days, each, strict=True)
    )
    title = f"Statement of {escape(statement.month)}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{escape(statement.address)}"
        "<table><thead><tr><th>Day (UTC)<th>Stream<th class=n>Recipients"
        f"<th class=n>{escape(statement.currency)}</thead><tbody>{rows}</tbody>"
        f"<tfoot><tr><th>Total<th><th class=n>{statement.recipients:,}"
        f"<th class=n>{total}</tfoot></table>"
        "<p>Recipients whose mail was accepted; suppressed ones and test mail cost nothing.\n"
    )
