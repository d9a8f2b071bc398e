"""users.drafts.*."""

from msgspec import UNSET

from penfold.base.ids import format_draft_id, format_message_id
from penfold.domain.mailbox.drafts import (
    create_draft,
    delete_draft,
    get_draft,
    list_drafts,
    send_draft,
    update_draft,
)
from penfold.domain.mailbox.messages import make_query
from penfold.domain.mailbox.view import show_brief
from penfold.front.http.call import Call
from penfold.front.http.handlers.formats import (
    check_inline,
    check_search,
    own_addresses,
    show_message,
)
from penfold.ports.mailbox import MailboxReader, MailboxWriter, MessageRow
from penfold.spec.methods.drafts import (
    DraftsCreateParams,
    DraftsDeleteParams,
    DraftsGetParams,
    DraftsListParams,
    DraftsSendParams,
    DraftsUpdateParams,
)
from penfold.spec.problems import NOT_FOUND, ProblemError
from penfold.spec.schemas import Draft, ListDraftsResponse, Message


def drafts_list(call: Call[DraftsListParams, None], box: MailboxReader) -> ListDraftsResponse:
    params = call.params
    check_search(call, params.q)
    query = make_query(
        box,
        q=params.q,
        include_spam_trash=params.include_spam_trash,
        max_results=params.max_results,
        now_ms=call.now_ms,
        me=own_addresses(call, box, params.q),
    )
    page = list_drafts(box, query, params.page_token)
    return ListDraftsResponse(
        drafts=[
            Draft(
                id=format_draft_id(draft.id),
                message=Message(
                    id=format_message_id(draft.message_id),
                    thread_id=format_message_id(draft.thread_id),
                ),
            )
            for draft in page.items
        ]
        or UNSET,
        next_page_token=page.next_token or UNSET,
        result_size_estimate=page.estimate,
    )


def drafts_get(call: Call[DraftsGetParams, None], box: MailboxReader) -> Draft:
    params = call.params
    draft = get_draft(box, params.id)
    row = box.find_message(draft.message_id)
    if row is None:
        raise ProblemError(NOT_FOUND)
    check_inline(call, [row], params.format)
    return Draft(id=format_draft_id(draft.id), message=show_message(call, box, row, params.format))


def drafts_create(call: Call[DraftsCreateParams, Draft], box: MailboxWriter) -> Draft:
    made = create_draft(box, call.body.message, now_ms=call.now_ms, chance=call.services.chance)
    return _show_brief(*made)


def drafts_update(call: Call[DraftsUpdateParams, Draft], box: MailboxWriter) -> Draft:
    made = update_draft(
        box,
        call.params.id,
        call.body.message,
        now_ms=call.now_ms,
        chance=call.services.chance,
    )
    return _show_brief(*made)


def drafts_delete(call: Call[DraftsDeleteParams, None], box: MailboxWriter) -> None:
    delete_draft(box, call.params.id, now_ms=call.now_ms)


def drafts_send(call: Call[DraftsSendParams, Draft], box: MailboxWriter) -> Message:
    row = send_draft(
        box,
        call.body.id,
        call.body.message,
        account=call.account,
        outbound=call.services.outbound,
        delegate=call.delegate,
        now_ms=call.now_ms,
    )
    return show_brief(row)


def _show_brief(draft_id: int, row: MessageRow) -> Draft:
    return Draft(id=format_draft_id(draft_id), message=show_brief(row))
