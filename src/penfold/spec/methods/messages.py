"""Messages and their attachments.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final, Literal

from penfold.spec.method import (
    INSERT_MEDIA,
    SEND_MEDIA,
    USER,
    Access,
    Cost,
    IdParams,
    Limit,
    Method,
    Params,
    UInt32Param,
)
from penfold.spec.problems import (
    ADD_ERRORS,
    INVALID_ATTACHMENT,
    INVALID_ID,
    LIST_ERRORS,
    METADATA_FORMAT,
    METADATA_Q,
    MODIFY_ERRORS,
    NO_IDS,
    NOT_FOUND,
    RAW_REQUIRED,
    SEND_ERRORS,
    THREAD_ERRORS,
    THREAD_ID_NOT_ALLOWED,
    TOO_MANY_IDS,
)
from penfold.spec.schemas import (
    BatchDeleteMessagesRequest,
    BatchModifyMessagesRequest,
    ListMessagesResponse,
    Message,
    MessagePartBody,
    ModifyMessageRequest,
)
from penfold.spec.scopes import (
    ADD_MAIL,
    CHANGE_MAIL,
    DELETE_MAIL,
    LIST_MAIL,
    READ_ATTACHMENT,
    READ_MAIL,
    SEND_MAIL,
)


class MessagesBatchDeleteParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class MessagesBatchModifyParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class MessagesDeleteParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class MessagesGetParams(IdParams, frozen=True, kw_only=True, gc=False):
    format: Literal["minimal", "full", "raw", "metadata"] = "full"
    metadata_headers: tuple[str, ...] = ()


class MessagesImportParams(Params, frozen=True, kw_only=True, gc=False):
    deleted: bool = False
    internal_date_source: Literal["receivedTime", "dateHeader"] = "dateHeader"
    never_mark_spam: bool = False
    process_for_calendar: bool = False


class MessagesInsertParams(Params, frozen=True, kw_only=True, gc=False):
    deleted: bool = False
    internal_date_source: Literal["receivedTime", "dateHeader"] = "receivedTime"


class MessagesListParams(Params, frozen=True, kw_only=True, gc=False):
    include_spam_trash: bool = False
    label_ids: tuple[str, ...] = ()
    max_results: UInt32Param = 100
    page_token: str = ""
    q: str = ""

    def is_steady(self) -> bool:
        return not self.q  # q may speak of today and of me


class MessagesModifyParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class MessagesSendParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class MessagesTrashParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class MessagesUntrashParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class AttachmentsGetParams(Params, frozen=True, kw_only=True, gc=False):
    message_id: str
    id: str


METHODS: Final = (
    Method(
        id="gmail.users.messages.batchDelete",
        verb="POST",
        path=USER + "/messages/batchDelete",
        params=MessagesBatchDeleteParams,
        request=BatchDeleteMessagesRequest,
        scopes=DELETE_MAIL,
        cost=Cost(50, 50),
        access=Access.WRITE,
        errors=frozenset({INVALID_ID, NO_IDS, TOO_MANY_IDS}),
        since="0.1",
        summary="Delete many messages for good; unknown ids are passed over.",
    ),
    Method(
        id="gmail.users.messages.batchModify",
        verb="POST",
        path=USER + "/messages/batchModify",
        params=MessagesBatchModifyParams,
        request=BatchModifyMessagesRequest,
        scopes=CHANGE_MAIL,
        cost=Cost(50, 50),
        access=Access.WRITE,
        errors=MODIFY_ERRORS | {NO_IDS, TOO_MANY_IDS},
        since="0.1",
        summary="Change the labels of many messages; unknown ids are passed over.",
    ),
    Method(
        id="gmail.users.messages.delete",
        verb="DELETE",
        path=USER + "/messages/{id}",
        params=MessagesDeleteParams,
        scopes=DELETE_MAIL,
        cost=Cost(10, 10),
        access=Access.WRITE,
        errors=frozenset({INVALID_ID, NOT_FOUND}),
        since="0.1",
        summary="Delete a message for good.",
    ),
    Method(
        id="gmail.users.messages.get",
        verb="GET",
        path=USER + "/messages/{id}",
        params=MessagesGetParams,
        response=Message,
        scopes=READ_MAIL,
        cost=Cost(20, 5),
        access=Access.READ,
        metadata_limit=Limit("format", METADATA_FORMAT, frozenset({"minimal", "metadata"})),
        errors=frozenset({INVALID_ID, NOT_FOUND}),
        since="0.1",
        summary="Return one message.",
    ),
    Method(
        id="gmail.users.messages.import",
        verb="POST",
        path=USER + "/messages/import",
        params=MessagesImportParams,
        request=Message,
        response=Message,
        scopes=ADD_MAIL,
        cost=Cost(25, 25),
        access=Access.WRITE,
        media=INSERT_MEDIA,
        errors=ADD_ERRORS | {THREAD_ID_NOT_ALLOWED},
        since="0.1",
        summary="Add a message as if it had arrived by SMTP.",
    ),
    Method(
        id="gmail.users.messages.insert",
        verb="POST",
        path=USER + "/messages",
        params=MessagesInsertParams,
        request=Message,
        response=Message,
        requires=("raw",),
        scopes=ADD_MAIL,
        cost=Cost(25, 25),
        access=Access.WRITE,
        media=INSERT_MEDIA,
        errors=ADD_ERRORS | THREAD_ERRORS,
        since="0.1",
        summary="Add a message as IMAP APPEND would.",
    ),
    Method(
        id="gmail.users.messages.list",
        verb="GET",
        path=USER + "/messages",
        params=MessagesListParams,
        response=ListMessagesResponse,
        scopes=LIST_MAIL,
        cost=Cost(5, 5),
        access=Access.READ,
        metadata_limit=Limit("q", METADATA_Q),
        errors=LIST_ERRORS,
        since="0.1",
        summary="List messages, newest first.",
    ),
    Method(
        id="gmail.users.messages.modify",
        verb="POST",
        path=USER + "/messages/{id}/modify",
        params=MessagesModifyParams,
        request=ModifyMessageRequest,
        response=Message,
        scopes=CHANGE_MAIL,
        cost=Cost(5, 5),
        access=Access.WRITE,
        errors=MODIFY_ERRORS | {NOT_FOUND},
        since="0.1",
        summary="Change the labels of a message.",
    ),
    Method(
        id="gmail.users.messages.send",
        verb="POST",
        path=USER + "/messages/send",
        params=MessagesSendParams,
        request=Message,
        response=Message,
        requires=("raw",),
        scopes=SEND_MAIL,
        cost=Cost(100, 100),
        access=Access.WRITE,
        media=SEND_MEDIA,
        sends=True,
        errors=SEND_ERRORS | THREAD_ERRORS | {RAW_REQUIRED},
        since="0.1",
        summary="Send a message to the recipients its header names.",
    ),
    Method(
        id="gmail.users.messages.trash",
        verb="POST",
        path=USER + "/messages/{id}/trash",
        params=MessagesTrashParams,
        response=Message,
        scopes=CHANGE_MAIL,
        cost=Cost(20, 5),
        access=Access.WRITE,
        errors=frozenset({INVALID_ID, NOT_FOUND}),
        since="0.1",
        summary="Move a message to the trash.",
    ),
    Method(
        id="gmail.users.messages.untrash",
        verb="POST",
        path=USER + "/messages/{id}/untrash",
        params=MessagesUntrashParams,
        response=Message,
        scopes=CHANGE_MAIL,
        cost=Cost(5, 5),
        access=Access.WRITE,
        errors=frozenset({INVALID_ID, NOT_FOUND}),
        since="0.1",
        summary="Take a message out of the trash.",
    ),
    Method(
        id="gmail.users.messages.attachments.get",
        verb="GET",
        path=USER + "/messages/{messageId}/attachments/{id}",
        params=AttachmentsGetParams,
        response=MessagePartBody,
        scopes=READ_ATTACHMENT,
        cost=Cost(20, 5),
        access=Access.READ,
        errors=frozenset({INVALID_ATTACHMENT, NOT_FOUND}),
        since="0.1",
        summary="Return the octets of an attachment.",
    ),
)
