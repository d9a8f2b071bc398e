"""Addresses mail may be sent as.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final

from penfold.spec.method import USER, Access, Cost, Method, Params
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
        summary="Send the verification message again.",
    ),
)
