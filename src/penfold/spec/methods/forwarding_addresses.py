"""Addresses mail may be forwarded to.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final

from penfold.spec.method import USER, Access, Cost, Method, Params
from penfold.spec.problems import ADDRESS_EXISTS, INVALID_SEND_AS, NOT_FOUND, TOO_MANY_CONFIRMATIONS
from penfold.spec.schemas import ForwardingAddress, ListForwardingAddressesResponse
from penfold.spec.scopes import READ_SETTINGS, SHARE_SETTINGS


class ForwardingAddressesCreateParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class ForwardingAddressesDeleteParams(Params, frozen=True, kw_only=True, gc=False):
    forwarding_email: str


class ForwardingAddressesGetParams(Params, frozen=True, kw_only=True, gc=False):
    forwarding_email: str


class ForwardingAddressesListParams(Params, frozen=True, kw_only=True, gc=False):
    pass


METHODS: Final = (
    Method(
        id="gmail.users.settings.forwardingAddresses.create",
        verb="POST",
        path=USER + "/settings/forwardingAddresses",
        params=ForwardingAddressesCreateParams,
        request=ForwardingAddress,
        response=ForwardingAddress,
        scopes=SHARE_SETTINGS,
        cost=Cost(100, 100),
        access=Access.WRITE,
        service_account_only=True,
        errors=frozenset({INVALID_SEND_AS, ADDRESS_EXISTS, TOO_MANY_CONFIRMATIONS}),
        since="0.1",
        summary="Add an address mail may be forwarded to; it may have to be verified.",
    ),
    Method(
        id="gmail.users.settings.forwardingAddresses.delete",
        verb="DELETE",
        path=USER + "/settings/forwardingAddresses/{forwardingEmail}",
        params=ForwardingAddressesDeleteParams,
        scopes=SHARE_SETTINGS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        service_account_only=True,
        errors=frozenset({NOT_FOUND}),
        since="0.1",
        summary="Remove a forwarding address.",
    ),
    Method(
        id="gmail.users.settings.forwardingAddresses.get",
        verb="GET",
        path=USER + "/settings/forwardingAddresses/{forwardingEmail}",
        params=ForwardingAddressesGetParams,
        response=ForwardingAddress,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        errors=frozenset({NOT_FOUND}),
        since="0.1",
        summary="Return one forwarding address.",
    ),
    Method(
        id="gmail.users.settings.forwardingAddresses.list",
        verb="GET",
        path=USER + "/settings/forwardingAddresses",
        params=ForwardingAddressesListParams,
        response=ListForwardingAddressesResponse,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        since="0.1",
        summary="List forwarding addresses.",
    ),
)
