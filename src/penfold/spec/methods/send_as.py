"""Addresses mail may be sent as.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final

from penfold.spec.method import USER, Access, Cost, Method, Params
from penfold.spec.problems import (
    ADDRESS_EXISTS,
    ALREADY_VERIFIED,
    NOT_FOUND,
    PRIMARY_UNDELETABLE,
    SEND_AS_ERRORS,
    SERVICE_ACCOUNT_ONLY,
    TOO_MANY_CONFIRMATIONS,
)
from penfold.spec.schemas import ListSendAsResponse, SendAs
from penfold.spec.scopes import READ_SETTINGS, SHARE_SETTINGS, WRITE_KEYS


class SendAsCreateParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class SendAsDeleteParams(Params, frozen=True, kw_only=True, gc=False):
    send_as_email: str


class SendAsGetParams(Params, frozen=True, kw_only=True, gc=False):
    send_as_email: str


class SendAsListParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class SendAsPatchParams(Params, frozen=True, kw_only=True, gc=False):
    send_as_email: str


class SendAsUpdateParams(Params, frozen=True, kw_only=True, gc=False):
    send_as_email: str


class SendAsVerifyParams(Params, frozen=True, kw_only=True, gc=False):
    send_as_email: str


METHODS: Final = (
    Method(
        id="gmail.users.settings.sendAs.create",
        verb="POST",
        path=USER + "/settings/sendAs",
        params=SendAsCreateParams,
        request=SendAs,
        response=SendAs,
        scopes=SHARE_SETTINGS,
        cost=Cost(100, 100),
        access=Access.WRITE,
        service_account_only=True,
        errors=SEND_AS_ERRORS | {ADDRESS_EXISTS, TOO_MANY_CONFIRMATIONS},
        since="0.1",
        summary="Add an address to send mail as; it may have to be verified.",
    ),
    Method(
        id="gmail.users.settings.sendAs.delete",
        verb="DELETE",
        path=USER + "/settings/sendAs/{sendAsEmail}",
        params=SendAsDeleteParams,
        scopes=SHARE_SETTINGS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        service_account_only=True,
        errors=frozenset({NOT_FOUND, PRIMARY_UNDELETABLE}),
        since="0.1",
        summary="Remove an address to send mail as.",
    ),
    Method(
        id="gmail.users.settings.sendAs.get",
        verb="GET",
        path=USER + "/settings/sendAs/{sendAsEmail}",
        params=SendAsGetParams,
        response=SendAs,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        errors=frozenset({NOT_FOUND}),
        since="0.1",
        summary="Return one address to send mail as.",
    ),
    Method(
        id="gmail.users.settings.sendAs.list",
        verb="GET",
        path=USER + "/settings/sendAs",
        params=SendAsListParams,
        response=ListSendAsResponse,
        scopes=READ_SETTINGS,
        cost=Cost(1, 1),
        access=Access.READ,
        since="0.1",
        summary="List the addresses mail can be sent as.",
    ),
    Method(
        id="gmail.users.settings.sendAs.patch",
        verb="PATCH",
        path=USER + "/settings/sendAs/{sendAsEmail}",
        params=SendAsPatchParams,
        request=SendAs,
        response=SendAs,
        scopes=WRITE_KEYS,
        cost=Cost(100, 100),
        access=Access.WRITE,
        errors=SEND_AS_ERRORS | {NOT_FOUND, SERVICE_ACCOUNT_ONLY},
        since="0.1",
        summary="Change the given members of an address to send mail as.",
    ),
    Method(
        id="gmail.users.settings.sendAs.update",
        verb="PUT",
        path=USER + "/settings/sendAs/{sendAsEmail}",
        params=SendAsUpdateParams,
        request=SendAs,
        response=SendAs,
        scopes=WRITE_KEYS,
        cost=Cost(100, 100),
        access=Access.WRITE,
        errors=SEND_AS_ERRORS | {NOT_FOUND, SERVICE_ACCOUNT_ONLY},
        since="0.1",
        summary="Replace the members of an address to send mail as.",
    ),
    Method(
        id="gmail.users.settings.sendAs.verify",
        verb="POST",
        path=USER + "/settings/sendAs/{sendAsEmail}/verify",
        params=SendAsVerifyParams,
        scopes=SHARE_SETTINGS,
        cost=Cost(100, 100),
        access=Access.WRITE,
        service_account_only=True,
        errors=frozenset({NOT_FOUND, ALREADY_VERIFIED, TOO_MANY_CONFIRMATIONS}),
        since="0.1",
        summary="Send the verification message again.",
    ),
)
