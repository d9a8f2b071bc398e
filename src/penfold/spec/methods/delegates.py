"""Accounts that may act for this one.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final

from penfold.spec.method import USER, Access, Cost, Method, Params
from penfold.spec.problems import ADDRESS_EXISTS, INVALID_DELEGATE, INVALID_SEND_AS, NOT_FOUND
from penfold.spec.schemas import Delegate, ListDelegatesResponse
from penfold.spec.scopes import READ_SETTINGS, SHARE_SETTINGS


class DelegatesCreateParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class DelegatesDeleteParams(Params, frozen=True, kw_only=True, gc=False):
    delegate_email: str


class DelegatesGetParams(Params, frozen=True, kw_only=True, gc=False):
    delegate_email: str


class DelegatesListParams(Params, frozen=True, kw_only=True, gc=False):
    pass


METHODS: Final = (
    Method(
        id="gmail.users.settings.delegates.create",
        verb="POST",
        path=USER + "/settings/delegates",
        params=DelegatesCreateParams,
        request=Delegate,
        response=Delegate,
        scopes=SHARE_SETTINGS,
        cost=Cost(100, 100),
        access=Access.WRITE,
        service_account_only=True,
        errors=frozenset({INVALID_SEND_AS, INVALID_DELEGATE, ADDRESS_EXISTS}),
        since="0.1",
        summary="Let another account of the domain read and send this mail.",
    ),
    Method(
        id="gmail.users.settings.delegates.delete",
        verb="DELETE",
        path=USER + "/settings/delegates/{delegateEmail}",
        params=DelegatesDeleteParams,
        scopes=SHARE_SETTINGS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        service_account_only=True,
        errors=frozenset({NOT_FOUND}),
        since="0.1",
        summary="Remove a delegate.",
    ),
    Method(
        id="gmail.users.settings.delegates.get",
        verb="GET",
        path=USER + "/settings/delegates/{delegateEmail}",
        params=DelegatesGetParams,
        response=Delegate,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        service_account_only=True,
        errors=frozenset({NOT_FOUND}),
        since="0.1",
        summary="Return one delegate.",
    ),
    Method(
        id="gmail.users.settings.delegates.list",
        verb="GET",
        path=USER + "/settings/delegates",
        params=DelegatesListParams,
        response=ListDelegatesResponse,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        service_account_only=True,
        since="0.1",
        summary="List delegates.",
    ),
)
