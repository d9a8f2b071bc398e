"""Where the next page starts: page tokens, and the rules of maxResults.

A token is a decimal number that holds the position to go on from and a MAC under the mailbox's
secret, so that it can neither be made up nor used on another mailbox or another kind of list.
It is not tied to the query: Gmail (observed) takes a token with another q.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from msgspec import Struct, structs

from penfold.base.ids import MAX_ID
from penfold.base.limits import PAGE_MAX
from penfold.ports.mailbox import MailboxReader, Query
from penfold.spec.problems import INVALID_MAX_RESULTS, INVALID_PAGE_TOKEN, ProblemError

T = TypeVar("T")

_POSITION_BITS: Final = 63
#: 2**40 guesses for one forged token, whose only use is to start a list elsewhere in it.
_MAC_OCTETS: Final = 5
#: Digits of the largest token.
_TOKEN_MAX_DIGITS: Final = len(str(1 << (_POSITION_BITS + 8 * _MAC_OCTETS)))
_INT32_LIMIT: Final = 2**31


def check_max_results(value: int) -> int:
    """Return how many items a page holds. Gmail (observed): 0 is refused, above 500 is 500."""
    if not 0 < value < _INT32_LIMIT:
        raise ProblemError(INVALID_MAX_RESULTS)
    return min(value, PAGE_MAX)


def make_token(secret: bytes, kind: str, position: int) -> str:
    """Return the token of the page that follows `position` in a list of this kind."""
    return str(_mac(secret, kind, position) << _POSITION_BITS | position)


def parse_token(secret: bytes, kind: str, token: str) -> int:
    """Return the position in a token that make_token made."""
    if not (token.isascii() and token.isdigit() and len(token) <= _TOKEN_MAX_DIGITS):
        raise ProblemError(INVALID_PAGE_TOKEN)
    number = int(token)
    position = number & MAX_ID
    if number >> _POSITION_BITS != _mac(secret, kind, position):
        raise ProblemError(INVALID_PAGE_TOKEN)
    return position


def _mac(secret: bytes, kind: str, position: int) -> int:
    text = f"page token {kind} {position}".encode()
    return int.from_bytes(hmac.digest(secret, text, "sha256")[:_MAC_OCTETS])


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. next_token is "" on the last one."""

    items: list[T]
    next_token: str
    estimate: int


class Lister(Struct, Generic[T], frozen=True, gc=False):
    """How one kind of list is read from the store.

    position: the message id that orders an item.
    """

    kind: str
    fetch: Callable[[Query], list[T]]
    count: Callable[[Query], int]
    position: Callable[[T], int]


def list_page(box: MailboxReader, lister: Lister[T], query: Query, token: str) -> Page[T]:
    """Return one page; mail that arrives between pages neither repeats nor hides an item."""
    if token == "0":  # noqa: S105
        # Gmail (observed): page 0 is empty and leads to the first page.
        first = make_token(box.get_secret(), lister.kind, MAX_ID)
        return Page([], first, lister.count(query))
    before = parse_token(box.get_secret(), lister.kind, token) if token else None
    items = lister.fetch(structs.replace(query, limit=query.limit + 1, before=before))
    if len(items) <= query.limit:
        estimate = len(items) if before is None else lister.count(query)
        return Page(items, "", estimate)
    items.pop()
    last = lister.position(items[-1])
    return Page(items, make_token(box.get_secret(), lister.kind, last), lister.count(query))
