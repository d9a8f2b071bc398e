"""Drafts.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final, Literal

from penfold.spec.method import (
    SEND_MEDIA,
    USER,
    Access,
    Cost,
    IdParams,
    Method,
    Params,
    UInt32Param,
)
from penfold.spec.problems import (
    DRAFT_ERRORS,
    INVALID_DRAFT,
    INVALID_ID,
    NOT_FOUND,
    PAGE_ERRORS,
    SEND_ERRORS,
)
from penfold.spec.schemas import Draft, ListDraftsResponse, Message
from penfold.spec.scopes import READ_DRAFTS, WRITE_DRAFTS


class DraftsCreateParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class DraftsDeleteParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class DraftsGetParams(IdParams, frozen=True, kw_only=True, gc=False):
    format: Literal["minimal", "full", "raw", "metadata"] = "full"


class DraftsListParams(Params, frozen=True, kw_only=True, gc=False):
    include_spam_trash: bool = False
    max_results: UInt32Param = 100
    page_token: str = ""
    q: str = ""

    def is_steady(self) -> bool:
        return not self.q  # q may speak of today and of me


class DraftsSendParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class DraftsUpdateParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


METHODS: Final = (
    Method(
        id="gmail.users.drafts.create",
        verb="POST",
        path=USER + "/drafts",
        params=DraftsCreateParams,
        request=Draft,
        response=Draft,
        scopes=WRITE_DRAFTS,
        cost=Cost(10, 10),
        access=Access.WRITE,
        media=SEND_MEDIA,
        errors=DRAFT_ERRORS,
        since="0.1",
        summary="Store a new draft.",
    ),
    Method(
        id="gmail.users.drafts.delete",
        verb="DELETE",
        path=USER + "/drafts/{id}",
        params=DraftsDeleteParams,
        scopes=WRITE_DRAFTS,
        cost=Cost(10, 10),
        access=Access.WRITE,
        errors=frozenset({INVALID_ID, NOT_FOUND}),
        since="0.1",
        summary="Delete a draft for good.",
    ),
    Method(
        id="gmail.users.drafts.get",
        verb="GET",
        path=USER + "/drafts/{id}",
        params=DraftsGetParams,
        response=Draft,
        scopes=READ_DRAFTS,
        cost=Cost(20, 5),
        access=Access.READ,
        errors=frozenset({INVALID_ID, NOT_FOUND}),
        since="0.1",
        summary="Return one draft.",
    ),
    Method(
        id="gmail.users.drafts.list",
        verb="GET",
        path=USER + "/drafts",
        params=DraftsListParams,
        response=ListDraftsResponse,
        scopes=READ_DRAFTS,
        cost=Cost(5, 5),
        access=Access.READ,
        errors=PAGE_ERRORS,
        since="0.1",
        summary="List drafts, newest first.",
    ),
    Method(
        id="gmail.users.drafts.send",
        verb="POST",
        path=USER + "/drafts/send",
        params=DraftsSendParams,
        request=Draft,
        response=Message,
        requires=("id",),
        scopes=WRITE_DRAFTS,
        cost=Cost(100, 100),
        access=Access.WRITE,
        media=SEND_MEDIA,
        sends=True,
        errors=SEND_ERRORS | {INVALID_DRAFT, NOT_FOUND},
        since="0.1",
        summary="Send an existing draft to its recipients.",
    ),
    Method(
        id="gmail.users.drafts.update",
        verb="PUT",
        path=USER + "/drafts/{id}",
        params=DraftsUpdateParams,
        request=Draft,
        response=Draft,
        scopes=WRITE_DRAFTS,
        cost=Cost(15, 15),
        access=Access.WRITE,
        media=SEND_MEDIA,
        errors=DRAFT_ERRORS | {INVALID_ID},
        since="0.1",
        summary="Replace what a draft says.",
    ),
)
