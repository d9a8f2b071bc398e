"""users.threads.*."""

from collections.abc import Sequence

from msgspec import UNSET

from penfold.base.ids import format_message_id
from penfold.domain.mailbox.changes import delete_messages
from penfold.domain.mailbox.messages import (
    TRASHING,
    UNTRASHING,
    check_label_change,
    make_query,
    modify_messages,
)
from penfold.domain.mailbox.threads import get_thread, list_threads
from penfold.domain.mailbox.view import escape_snippet, show_brief
from penfold.front.http.call import Call
from penfold.front.http.handlers.formats import (
    check_inline,
    check_search,
    own_addresses,
    show_message,
)
from penfold.ports.mailbox import MailboxReader, MailboxWriter, MessageRow
from penfold.spec.methods.threads import (
    ThreadsDeleteParams,
    ThreadsGetParams,
    ThreadsListParams,
    ThreadsModifyParams,
    ThreadsTrashParams,
    ThreadsUntrashParams,
)
from penfold.spec.schemas import ListThreadsResponse, ModifyThreadRequest, Thread


def threads_list(call: Call[ThreadsListParams, None], box: MailboxReader) -> ListThreadsResponse:
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
    page = list_threads(box, query, params.page_token)
    return ListThreadsResponse(
        threads=[
            Thread(
                id=format_message_id(thread.id),
                snippet=escape_snippet(thread.snippet),
                history_id=str(thread.history_id),
            )
            for thread in page.items
        ]
        or UNSET,
        next_page_token=page.next_token or UNSET,
        result_size_estimate=page.estimate,
    )


def threads_get(call: Call[ThreadsGetParams, None], box: MailboxReader) -> Thread:
    params = call.params
    rows = get_thread(box, params.id)
    check_inline(call, rows, params.format)
    return Thread(
        id=format_message_id(rows[0].thread_id),
        history_id=_history_id(rows),
        messages=[
            show_message(call, box, row, params.format, params.metadata_headers) for row in rows
        ],
    )


def threads_modify(
    call: Call[ThreadsModifyParams, ModifyThreadRequest], box: MailboxWriter
) -> Thread:
    rows = get_thread(box, call.params.id)
    change = check_label_change(box, call.body.add_label_ids, call.body.remove_label_ids)
    return _show_brief(modify_messages(box, rows, change, now_ms=call.now_ms))


def threads_trash(call: Call[ThreadsTrashParams, None], box: MailboxWriter) -> Thread:
    rows = get_thread(box, call.params.id)
    return _show_brief(modify_messages(box, rows, TRASHING, now_ms=call.now_ms))


def threads_untrash(call: Call[ThreadsUntrashParams, None], box: MailboxWriter) -> Thread:
    rows = get_thread(box, call.params.id)
    return _show_brief(modify_messages(box, rows, UNTRASHING, now_ms=call.now_ms))


def threads_delete(call: Call[ThreadsDeleteParams, None], box: MailboxWriter) -> None:
    delete_messages(box, get_thread(box, call.params.id), now_ms=call.now_ms)


def _show_brief(rows: Sequence[MessageRow]) -> Thread:
    return Thread(
        id=format_message_id(rows[0].thread_id),
        history_id=_history_id(rows),
        messages=[show_brief(row) for row in rows],
    )


def _history_id(rows: Sequence[MessageRow]) -> str:
    return str(max(row.history_id for row in rows))
