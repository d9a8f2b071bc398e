"""What a method of the administration API is given, and words its answers share."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec import Struct

from penfold.base.limits import ADMIN_PAGE, ADMIN_PAGE_MAX
from penfold.domain.access.identity import Identity
from penfold.domain.outgoing.domains import Domains
from penfold.ports.directory import Account
from penfold.spec.admin.method import INVALID_INPUT, RESOURCE_NOT_FOUND, PageParams
from penfold.spec.problems import ProblemError

T = TypeVar("T")


class Call(Struct, frozen=True):
    """A checked call. caller: the administrator or auditor. params, body: as declared."""

    identity: Identity
    domains: Domains
    caller: Account
    params: Any
    body: Any

    def get_user(self) -> Account:
        """Return the account the address names, by its own address or its id."""
        return get_user(self.identity, self.params.user_key)


def get_user(identity: Identity, key: str) -> Account:
    account = identity.book.find(Account, key) or identity.book.find_account(key)
    if account is None:
        raise missing("userKey")
    return account


def missing(what: str) -> ProblemError:
    return ProblemError(RESOURCE_NOT_FOUND, what=what)


def needed(value: Any, name: str) -> str:
    """Return a member that has to be there, and not empty."""
    if not isinstance(value, str) or not value:
        raise ProblemError(INVALID_INPUT, what=f"{name} is missing")
    return value


def page_size(params: PageParams) -> int:
    """Return how many items the page holds; Google (documented): 500 at most, 100 by default."""
    return min(params.max_results or ADMIN_PAGE, ADMIN_PAGE_MAX)


def cut_page(
    items: Iterable[T], key: Callable[[T], str], params: PageParams
) -> tuple[list[T], str | None]:
    """Return a page of the items in the order of their keys, and the token of the next.

    A token is the last key of the page before, so nothing is shown twice whatever comes and goes.
    """
    size = page_size(params)
    left = sorted((one for one in items if key(one) > params.page_token), key=key)
    page = left[:size]
    return page, key(page[-1]) if len(left) > size else None


def rfc3339(ms: int) -> str:
    """Return a moment as Google prints it (RFC 3339 §5.6)."""
    return (
        datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03}Z"
    )
