"""users.history.list."""

from msgspec import UNSET

from penfold.domain.mailbox.history import CHANGE_OF, Wanted, list_history
from penfold.domain.mailbox.labels import get_label_number
from penfold.domain.mailbox.paging import check_max_results
from penfold.front.http.call import Call
from penfold.ports.mailbox import MailboxReader
from penfold.spec.methods.history import HistoryListParams
from penfold.spec.schemas import ListHistoryResponse


def history_list(call: Call[HistoryListParams, None], box: MailboxReader) -> ListHistoryResponse:
    params = call.params
    wanted = Wanted(
        limit=check_max_results(params.max_results),
        changes=frozenset(CHANGE_OF[word] for word in params.history_types),
        label=get_label_number(box, params.label_id) if params.label_id else None,
    )
    page = list_history(box, start=params.start_history_id, wanted=wanted, token=params.page_token)
    return ListHistoryResponse(
        history=page.records or UNSET,
        history_id=str(page.history_id),
        next_page_token=page.next_token or UNSET,
    )
