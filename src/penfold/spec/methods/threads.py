"""Conversations.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final, Literal

from penfold.spec.method import USER, Access, Cost, IdParams, Limit, Method, Params, UInt32Param
from penfold.spec.problems import (
    INVALID_ID,
    LIST_ERRORS,
    METADATA_FORMAT,
    METADATA_Q,
    MODIFY_ERRORS,
    NOT_FOUND,
)
from penfold.spec.schemas import ListThreadsResponse, ModifyThreadRequest, Thread
from penfold.spec.scopes import CHANGE_MAIL, DELETE_MAIL, LIST_MAIL, READ_MAIL


class ThreadsDeleteParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class ThreadsGetParams(IdParams, frozen=True, kw_only=True, gc=False):
    format: Literal["full", "metadata", "minimal"] = "full"
    metadata_headers: tuple[str, ...] = ()


class ThreadsListParams(Params, frozen=True, kw_only=True, gc=False):
    include_spam_trash: bool = False
    label_ids: tuple[str, ...] = ()
    max_results: UInt32Param = 100
    page_token: str = ""
    q: str = ""

    def is_steady(self) -> bool:
        return not self.q  # q may speak of today and of me


class ThreadsModifyParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class ThreadsTrashParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class ThreadsUntrashParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


METHODS: Final = (
    Method(
        id="gmail.users.threads.delete",
        verb="DELETE",
        path=USER + "/threads/{id}",
        params=ThreadsDeleteParams,
        scopes=DELETE_MAIL,
        cost=Cost(20, 20),
        access=Access.WRITE,
        errors=frozenset({INVALID_ID, NOT_FOUND}),
        since="0.1",
        summary="Delete a thread and its messages for good.",
    ),
    Method(
        id="gmail.users.threads.get",
        verb="GET",
        path=USER + "/threads/{id}",
        params=ThreadsGetParams,
        response=Thread,
        scopes=READ_MAIL,
        cost=Cost(40, 10),
        access=Access.READ,
        metadata_limit=Limit("format", METADATA_FORMAT, frozenset({"minimal", "metadata"})),
        errors=frozenset({INVALID_ID, NOT_FOUND}),
        since="0.1",
        summary="Return a thread with its messages.",
    ),
    Method(
        id="gmail.users.threads.list",
        verb="GET",
        path=USER + "/threads",
        params=ThreadsListParams,
        response=ListThreadsResponse,
        scopes=LIST_MAIL,
        cost=Cost(10, 10),
        access=Access.READ,
        metadata_limit=Limit("q", METADATA_Q),
        errors=LIST_ERRORS,
        since="0.1",
        summary="List threads, newest matching message first.",
    ),
    Method(
        id="gmail.users.threads.modify",
        verb="POST",
        path=USER + "/threads/{id}/modify",
        params=ThreadsModifyParams,
        request=ModifyThreadRequest,
        response=Thread,
        scopes=CHANGE_MAIL,
        cost=Cost(10, 10),
        access=Access.WRITE,
        errors=MODIFY_ERRORS | {NOT_FOUND},
        since="0.1",
        summary="Change the labels of every message in a thread.",
    ),
    Method(
        id="gmail.users.threads.trash",
        verb="POST",
        path=USER + "/threads/{id}/trash",
        params=ThreadsTrashParams,
        response=Thread,
        scopes=CHANGE_MAIL,
        cost=Cost(20, 10),
        access=Access.WRITE,
        errors=frozenset({INVALID_ID, NOT_FOUND}),
        since="0.1",
        summary="Move a thread to the trash.",
    ),
    Method(
        id="gmail.users.threads.untrash",
        verb="POST",
        path=USER + "/threads/{id}/untrash",
        params=ThreadsUntrashParams,
        response=Thread,
        scopes=CHANGE_MAIL,
        cost=Cost(20, 10),
        access=Access.WRITE,
        errors=frozenset({INVALID_ID, NOT_FOUND}),
        since="0.1",
        summary="Take a thread out of the trash.",
    ),
)
