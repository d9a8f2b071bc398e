"""What a method of the sending API is given, and words its handlers share."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct

from penfold.base.chance import Chance
from penfold.base.limits import SENDING_PAGE_MAX
from penfold.domain.sending.accept import Keyed
from penfold.domain.sending.caller import Caller
from penfold.domain.sending.domains import SendingDomains
from penfold.domain.sending.findings import INVALID
from penfold.domain.sending.keys import Keys
from penfold.domain.sending.metering import Price
from penfold.domain.sending.preflight.run import Preflight
from penfold.domain.sending.template_parts import TemplateParts
from penfold.domain.sending.templates import Templates
from penfold.domain.sending.webhooks import Webhooks
from penfold.ports.sending.book import SendingBook
from penfold.ports.sending.records import ApiKey
from penfold.spec.sending.problems import NOT_FOUND, VALIDATION, FieldError, SendingError


class Numbered(Protocol):
    @property
    def number(self) -> int: ...


T = TypeVar("T")


class Reply(Struct, frozen=True):
    """An answer that is octets already, JSON unless it says otherwise."""

    body: bytes
    replayed: bool = False
    content_type: str = ""


class Call(Struct, frozen=True):
    """A checked call. values: those in the path. permissive: as x-batch-validation says.

    templates, parts: of the account. find_addresses: those of an account, its own first.
    """

    book: SendingBook
    keys: Keys
    hooks: Webhooks
    domains: SendingDomains
    caller: Caller
    price: Price
    chance: Chance
    now_ms: int
    values: list[str]
    query: Any
    body: Any
    templates: Templates
    parts: TemplateParts
    find_addresses: Callable[[str], list[str]]
    preflight: Preflight
    keyed: Keyed | None = None
    permissive: bool = False

    @property
    def id(self) -> str:
        """The first value in the path, "" without."""
        return self.values[0] if self.values else ""

    @property
    def key(self) -> ApiKey:
        return self.caller.key

    @property
    def account_id(self) -> str:
        return self.caller.key.account_id


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def must(found: T | None) -> T:
    """Return what was found, or refuse with 404."""
    if found is None:
        raise SendingError(NOT_FOUND)
    return found


class Page(Struct, frozen=True):
    """older, newer: the number of the item a page begins behind."""

    limit: int
    older: int | None
    newer: int | None

    def cut(self, found: Sequence[T]) -> tuple[list[T], bool]:
        """Return the items of the page and whether there are more; found: one more than asked."""
        more = len(found) > self.limit
        if more and self.newer is not None:
            return list(found[-self.limit :]), True
        return list(found[: self.limit]), more


def read_page(query: Any, find: Callable[[str], Numbered | None]) -> Page:
    """Return which page is asked for; its cursors are ids of the caller's own items."""
    if not 1 <= query.limit <= SENDING_PAGE_MAX:
        raise _refuse("limit", f"is not between 1 and {SENDING_PAGE_MAX}")
    if query.after and query.before:
        raise _refuse("before", "cannot be used together with `after`")
    older = _find_number("after", query.after, find)
    return Page(query.limit, older, _find_number("before", query.before, find))


def page_list(query: Any, items: Sequence[T], name_of: Callable[[T], str]) -> tuple[list[T], bool]:
    """Return a page of a whole list, the newest first, and whether there are more.

    Its items have no numbers; their place stands for one.
    """
    places = {name_of(one): _Place(len(items) - at) for at, one in enumerate(items)}
    page = read_page(query, places.get)
    found = [
        one
        for one in items
        if (page.older is None or places[name_of(one)].number < page.older)
        and (page.newer is None or places[name_of(one)].number > page.newer)
    ]
    if page.newer is not None:
        found = found[-page.limit - 1 :]
    return page.cut(found[: page.limit + 1])


class _Place(Struct, frozen=True, gc=False):
    number: int


def _find_number(field: str, name: str, find: Callable[[str], Numbered | None]) -> int | None:
    if not name:
        return None
    found = find(name)
    if found is None:
        raise _refuse(field, "is not the id of such an item")
    return found.number


def _refuse(field: str, what: str) -> SendingError:
    return SendingError(
        VALIDATION, f"`{field}` {what}.", errors=[FieldError(field, INVALID, f"`{field}` {what}")]
    )
