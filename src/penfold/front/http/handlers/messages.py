"""users.messages.*, without attachments."""

from msgspec import UNSET

from penfold.domain.mailbox.changes import delete_messages
from penfold.domain.mailbox.messages import (
    TRASHING,
    UNTRASHING,
    check_label_change,
    delete_message,
    get_message,
    import_message,
    insert_message,
    list_batch,
    list_messages,
    make_query,
    modify_messages,
)
from penfold.domain.mailbox.view import show_brief, show_names
from penfold.front.http.call import Call
from penfold.front.http.handlers.formats import (
    check_inline,
    check_search,
    own_addresses,
    show_message,
)
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.spec.methods.messages import (
    MessagesBatchDeleteParams,
    MessagesBatchModifyParams,
    MessagesDeleteParams,
    MessagesGetParams,
    MessagesImportParams,
    MessagesInsertParams,
    MessagesListParams,
    MessagesModifyParams,
    MessagesSendParams,
    MessagesTrashParams,
    MessagesUntrashParams,
)
from penfold.spec.schemas import (
    BatchDeleteMessagesRequest,
    BatchModifyMessagesRequest,
    ListMessagesResponse,
    Message,
    ModifyMessageRequest,
)


def messages_list(call: Call[MessagesListParams, None], box: MailboxReader) -> ListMessagesResponse:
    params = call.params
    check_search(call, params.q)
    query = make_query(
        box,
        q=params.q,
        label_ids=params.label_ids,
        include_spam_trash=params.include_spam_trash,
        max_results=params.max_results,
        now_ms=call.now_ms,
        me=own_addresses(call, box, params.q),
    )
    page = list_messages(box, query, params.page_token)
    return ListMessagesResponse(
        messages=show_names(page.items) or UNSET,
        next_page_token=page.next_token or UNSET,
        result_size_estimate=page.estimate,
    )


def messages_get(call: Call[MessagesGetParams, None], box: MailboxReader) -> Message:
    params = call.params
    row = get_message(box, params.id)
    check_inline(call, [row], params.format)
    return show_message(call, box, row, params.format, params.metadata_headers)


def messages_send(call: Call[MessagesSendParams, Message], box: MailboxWriter) -> Message:
    row = call.services.outbound.send(
        box,
        call.account,
        call.body.raw,
        thread=call.body.thread_id or "",
        delegate=call.delegate,
        now_ms=call.now_ms,
    )
    return show_brief(row)


def messages_insert(call: Call[MessagesInsertParams, Message], box: MailboxWriter) -> Message:
    row = insert_message(
        box,
        call.digest or call.body.raw,
        label_ids=call.body.label_ids or (),
        thread=call.body.thread_id or "",
        date_source=call.params.internal_date_source,
        now_ms=call.now_ms,
        chance=call.services.chance,
    )
    return show_brief(row)


def messages_import(call: Call[MessagesImportParams, Message], box: MailboxWriter) -> Message:
    # neverMarkSpam: no mail is judged spam yet. processForCalendar: there is no calendar.
    row = import_message(
        box,
        call.digest or call.body.raw,
        label_ids=call.body.label_ids or (),
        thread=call.body.thread_id or "",
        date_source=call.params.internal_date_source,
        now_ms=call.now_ms,
        chance=call.services.chance,
    )
    return show_brief(row)


def messages_modify(
    call: Call[MessagesModifyParams, ModifyMessageRequest], box: MailboxWriter
) -> Message:
    row = get_message(box, call.params.id)
    change = check_label_change(box, call.body.add_label_ids, call.body.remove_label_ids)
    return show_brief(*modify_messages(box, [row], change, now_ms=call.now_ms))


def messages_batch_modify(
    call: Call[MessagesBatchModifyParams, BatchModifyMessagesRequest], box: MailboxWriter
) -> None:
    rows = list_batch(box, call.body.ids)
    change = check_label_change(box, call.body.add_label_ids, call.body.remove_label_ids)
    modify_messages(box, rows, change, now_ms=call.now_ms)


def messages_trash(call: Call[MessagesTrashParams, None], box: MailboxWriter) -> Message:
    row = get_message(box, call.params.id)
    return show_brief(*modify_messages(box, [row], TRASHING, now_ms=call.now_ms))


def messages_untrash(call: Call[MessagesUntrashParams, None], box: MailboxWriter) -> Message:
    row = get_message(box, call.params.id)
    return show_brief(*modify_messages(box, [row], UNTRASHING, now_ms=call.now_ms))


def messages_delete(call: Call[MessagesDeleteParams, None], box: MailboxWriter) -> None:
    delete_message(box, call.params.id, now_ms=call.now_ms)


def messages_batch_delete(
    call: Call[MessagesBatchDeleteParams, BatchDeleteMessagesRequest], box: MailboxWriter
) -> None:
    delete_messages(box, list_batch(box, call.body.ids), now_ms=call.now_ms)
