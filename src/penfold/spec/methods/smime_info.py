"""S/MIME certificates of the addresses mail is sent as.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final

from penfold.spec.method import USER, Access, Cost, Method, Params
from penfold.spec.problems import INVALID_SMIME, NOT_FOUND
from penfold.spec.schemas import ListSmimeInfoResponse, SmimeInfo
from penfold.spec.scopes import READ_KEYS, WRITE_KEYS


class SmimeInfoDeleteParams(Params, frozen=True, kw_only=True, gc=False):
    send_as_email: str
    id: str


class SmimeInfoGetParams(Params, frozen=True, kw_only=True, gc=False):
    send_as_email: str
    id: str


class SmimeInfoInsertParams(Params, frozen=True, kw_only=True, gc=False):
    send_as_email: str


class SmimeInfoListParams(Params, frozen=True, kw_only=True, gc=False):
    send_as_email: str


class SmimeInfoSetDefaultParams(Params, frozen=True, kw_only=True, gc=False):
    send_as_email: str
    id: str


METHODS: Final = (
    Method(
        id="gmail.users.settings.sendAs.smimeInfo.delete",
        verb="DELETE",
        path=USER + "/settings/sendAs/{sendAsEmail}/smimeInfo/{id}",
        params=SmimeInfoDeleteParams,
        scopes=WRITE_KEYS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        since="0.1",
        errors=frozenset({NOT_FOUND}),
        summary="Delete an S/MIME certificate.",
    ),
    Method(
        id="gmail.users.settings.sendAs.smimeInfo.get",
        verb="GET",
        path=USER + "/settings/sendAs/{sendAsEmail}/smimeInfo/{id}",
        params=SmimeInfoGetParams,
        response=SmimeInfo,
        scopes=READ_KEYS,
        cost=Cost(1, 1),
        access=Access.READ,
        since="0.1",
        errors=frozenset({NOT_FOUND}),
        summary="Return one S/MIME certificate.",
    ),
    Method(
        id="gmail.users.settings.sendAs.smimeInfo.insert",
        verb="POST",
        path=USER + "/settings/sendAs/{sendAsEmail}/smimeInfo",
        params=SmimeInfoInsertParams,
        request=SmimeInfo,
        response=SmimeInfo,
        scopes=WRITE_KEYS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        since="0.1",
        errors=frozenset({NOT_FOUND, INVALID_SMIME}),
        summary="Add an S/MIME certificate with its key.",
    ),
    Method(
        id="gmail.users.settings.sendAs.smimeInfo.list",
        verb="GET",
        path=USER + "/settings/sendAs/{sendAsEmail}/smimeInfo",
        params=SmimeInfoListParams,
        response=ListSmimeInfoResponse,
        scopes=READ_KEYS,
        cost=Cost(1, 1),
        access=Access.READ,
        since="0.1",
        errors=frozenset({NOT_FOUND}),
        summary="List the S/MIME certificates of an address.",
    ),
    Method(
        id="gmail.users.settings.sendAs.smimeInfo.setDefault",
        verb="POST",
        path=USER + "/settings/sendAs/{sendAsEmail}/smimeInfo/{id}/setDefault",
        params=SmimeInfoSetDefaultParams,
        scopes=WRITE_KEYS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        since="0.1",
        errors=frozenset({NOT_FOUND}),
        summary="Make an S/MIME certificate the one that signs.",
    ),
)
