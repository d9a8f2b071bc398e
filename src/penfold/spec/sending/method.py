"""The declaration of one method of the sending API.

It is a spec.method.Method for the sake of routing; parameters and bodies are read by msgspec, in
Resend's spelling, and answered in Resend's form.
"""

from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from penfold.base.limits import SENDING_BODY_MAX_BYTES, SENDING_PAGE
from penfold.spec.method import Access, Cost, Method, Params
from penfold.spec.scopes import Scope

ROOT: Final = "v1"
_FREE: Final = Cost(0, 0)


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters in the query."""


class PageQuery(Query, frozen=True, kw_only=True):
    """after: id of the last one seen, for older ones; before: of the first, for newer ones."""

    limit: int = SENDING_PAGE
    after: str = ""
    before: str = ""


class EventQuery(PageQuery, frozen=True, kw_only=True):
    """type: `email.bounced`, or several with commas between."""

    email_id: str = ""
    type: str = ""


class SuppressionQuery(PageQuery, frozen=True, kw_only=True):
    email: str = ""
    origin: str = ""


class VersionQuery(Query, frozen=True, kw_only=True):
    """after: the number of the last one seen, for older ones."""

    limit: int = SENDING_PAGE
    after: int = 0


class ExportQuery(Query, frozen=True, kw_only=True):
    after: str = ""


class UsageQuery(Query, frozen=True, kw_only=True):
    """Days (YYYY-MM-DD, UTC), both included; this month unless said otherwise."""

    start: str = ""
    end: str = ""


class StatementQuery(Query, frozen=True, kw_only=True):
    """format: csv, or html for a page to print."""

    format: str = "csv"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SendingMethod(Method):
    """scope: what a key needs. query, body, answer: types. keyed: takes an Idempotency-Key.

    kinds: media types of an answer that is no JSON. body_max: octets. unchecked: no key is needed.
    """

    scope: str = ""
    query: type[Query] = Query
    body: Any = None
    answer: Any = None
    keyed: bool = False
    kinds: tuple[str, ...] = ()
    body_max: int = SENDING_BODY_MAX_BYTES
    cost: Cost = _FREE
    access: Access = Access.READ_SLOW
    params: type[Params] = Params
    scopes: frozenset[Scope] = frozenset()
