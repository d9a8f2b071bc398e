"""Filters for arriving mail.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final

from penfold.spec.method import USER, Access, Cost, IdParams, Method, Params
from penfold.spec.problems import (
    FILTER_EXISTS,
    INVALID_FILTER,
    INVALID_LABEL,
    NOT_FOUND,
    TOO_MANY_FILTERS,
    UNRECOGNIZED_FORWARDING,
)
from penfold.spec.schemas import Filter, ListFiltersResponse
from penfold.spec.scopes import READ_SETTINGS, WRITE_SETTINGS


class FiltersCreateParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class FiltersDeleteParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class FiltersGetParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class FiltersListParams(Params, frozen=True, kw_only=True, gc=False):
    pass


METHODS: Final = (
    Method(
        id="gmail.users.settings.filters.create",
        verb="POST",
        path=USER + "/settings/filters",
        params=FiltersCreateParams,
        request=Filter,
        response=Filter,
        scopes=WRITE_SETTINGS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        summary="Make a filter for new mail.",
        errors=frozenset(
            {
                FILTER_EXISTS,
                INVALID_FILTER,
                INVALID_LABEL,
                TOO_MANY_FILTERS,
                UNRECOGNIZED_FORWARDING,
            }
        ),
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.filters.delete",
        verb="DELETE",
        path=USER + "/settings/filters/{id}",
        params=FiltersDeleteParams,
        scopes=WRITE_SETTINGS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        summary="Delete a filter.",
        errors=frozenset({NOT_FOUND}),
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.filters.get",
        verb="GET",
        path=USER + "/settings/filters/{id}",
        params=FiltersGetParams,
        response=Filter,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        summary="Return one filter.",
        errors=frozenset({NOT_FOUND}),
        since="0.1",
    ),
    Method(
        id="gmail.users.settings.filters.list",
        verb="GET",
        path=USER + "/settings/filters",
        params=FiltersListParams,
        response=ListFiltersResponse,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        summary="List filters.",
        since="0.1",
    ),
)
