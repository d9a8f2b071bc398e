"""Where the next page starts: page tokens, and the rules of maxResults.

A token is a decimal number that holds the position to go on from, what the first page knew and
later ones need, and a MAC under the mailbox's secret, so that it can neither be made up nor used
on another mailbox or another kind of list. It is not tied to the query: Gmail (observed) takes a
token with another q.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from msgspec import Struct, structs

from penfold.base.ids import MAX_ID
from penfold.base.limits import ESTIMATE_MAX, PAGE_MAX
from penfold.ports.mailbox import MailboxReader, Query
from penfold.spec.problems import INVALID_MAX_RESULTS, INVALID_PAGE_TOKEN, ProblemError

T = TypeVar("T")

_POSITION_BITS: Final = 63
#: Room for ESTIMATE_MAX.
_ESTIMATE_BITS: Final = 8
#: 2**40 guesses for one forged token, whose only use is to start a list elsewhere in it.
_MAC_OCTETS: Final = 5
_MAC_BITS: Final = 8 * _MAC_OCTETS
#: Digits of the largest token.
_TOKEN_MAX_DIGITS: Final = len(str(1 << (2 * _POSITION_BITS + _ESTIMATE_BITS + _MAC_BITS)))
_INT32_LIMIT: Final = 2**31


def check_max_results(value: int) -> int:
    """Return how many items a page holds. Gmail (observed): 0 is refused, above 500 is 500."""
    if not 0 < value < _INT32_LIMIT:
        raise ProblemError(INVALID_MAX_RESULTS)
    return min(value, PAGE_MAX)


def first_page_limit(size: int) -> int:
    """Return how many items are read for a first page of this size and its estimate."""
    return max(size + 1, ESTIMATE_MAX)


class Place(NamedTuple):
    """Where a page begins: below `position`, in a list that held about `estimate` items.

    newest: the position of the list's first item when the first page was made, 0 where that does
    not matter.
    """

    position: int
    estimate: int
    newest: int = 0


def make_token(secret: bytes, kind: str, place: Place) -> str:
    """Return the token of the page that begins at this place in a list of this kind."""
    number = (place.newest << _ESTIMATE_BITS | place.estimate) << _POSITION_BITS | place.position
    return str(number << _MAC_BITS | _mac(secret, kind, number))


def parse_token(secret: bytes, kind: str, token: str) -> Place:
    """Return the place in a token that make_token made."""
    if not (token.isascii() and token.isdigit() and len(token) <= _TOKEN_MAX_DIGITS):
        raise ProblemError(INVALID_PAGE_TOKEN)
    number, mac = divmod(int(token), 1 << _MAC_BITS)
    if mac != _mac(secret, kind, number):
        raise ProblemError(INVALID_PAGE_TOKEN)
    newest, estimate = divmod(number >> _POSITION_BITS, 1 << _ESTIMATE_BITS)
    return Place(number & MAX_ID, estimate, newest)


def _mac(secret: bytes, kind: str, number: int) -> int:
    text = f"page token {kind} {number}".encode()
    return int.from_bytes(hmac.digest(secret, text, "sha256")[:_MAC_OCTETS])


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. next_token is "" on the last one."""

    items: list[T]
    next_token: str
    estimate: int


class Lister(Struct, Generic[T], frozen=True, gc=False):
    """How one kind of list is read from the store.

    position: the message id that orders an item. moves: new mail can move an item to the top.
    """

    kind: str
    fetch: Callable[[Query], list[T]]
    position: Callable[[T], int]
    moves: bool = False


def list_page(box: MailboxReader, lister: Lister[T], query: Query, token: str) -> Page[T]:
    """Return one page; new mail between pages neither repeats nor hides an item.

    An item that has moved to the top meanwhile still comes where it was when page one was made.
    The first page reads on until it can say how many there are, or that there are many.
    """
    if token == "0":  # noqa: S105 - no secret
        # Gmail (observed): page 0 is empty and leads to the first page.
        estimate = len(lister.fetch(structs.replace(query, limit=ESTIMATE_MAX)))
        empty = make_token(box.get_secret(), lister.kind, Place(MAX_ID, estimate))
        return Page([], empty, estimate)
    size = query.limit
    if not token:
        items = lister.fetch(structs.replace(query, limit=first_page_limit(size)))
        place = Place(MAX_ID, min(len(items), ESTIMATE_MAX))
    else:
        place = parse_token(box.get_secret(), lister.kind, token)
        items = lister.fetch(
            structs.replace(
                query, limit=size + 1, before=place.position, newest=place.newest or None
            )
        )
    if len(items) <= size:
        return Page(items, "", place.estimate if token else len(items))
    newest = place.newest or (lister.position(items[0]) if lister.moves else 0)
    items = items[:size]
    last = Place(lister.position(items[-1]), place.estimate, newest)
    return Page(items, make_token(box.get_secret(), lister.kind, last), place.estimate)
