"""What changed in the mailbox.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final, Literal

from penfold.spec.method import USER, Access, Cost, Method, Params, UInt32Param, UInt64Param
from penfold.spec.problems import LIST_ERRORS, MISSING_START_HISTORY_ID, NOT_FOUND
from penfold.spec.schemas import ListHistoryResponse
from penfold.spec.scopes import LIST_MAIL


class HistoryListParams(Params, frozen=True, kw_only=True, gc=False):
    history_types: tuple[
        Literal["messageAdded", "messageDeleted", "labelAdded", "labelRemoved"], ...
    ] = ()
    label_id: str = ""
    max_results: UInt32Param = 100
    page_token: str = ""
    start_history_id: UInt64Param | None = None


METHODS: Final = (
    Method(
        id="gmail.users.history.list",
        verb="GET",
        path=USER + "/history",
        params=HistoryListParams,
        response=ListHistoryResponse,
        scopes=LIST_MAIL,
        cost=Cost(2, 2),
        access=Access.READ_SLOW,
        errors=LIST_ERRORS | {MISSING_START_HISTORY_ID, NOT_FOUND},
        since="0.1",
        summary="List changes of the mailbox after a history id, oldest first.",
    ),
)
