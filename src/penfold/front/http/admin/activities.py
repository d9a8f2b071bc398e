"""The audit log over the API."""

from msgspec import UNSET

from penfold.front.http.admin.call import Call, get_user, page_size, rfc3339
from penfold.ports.audit import Shown
from penfold.spec.admin import schemas
from penfold.spec.admin.method import INVALID_INPUT
from penfold.spec.problems import ProblemError

#: Digits of a page token, which is the number of an entry.
_DIGITS_MAX = 18


def activities_list(call: Call) -> schemas.Activities:
    size, token, key = page_size(call.params), call.params.page_token, call.params.user_key
    if token and not (token.isascii() and token.isdecimal() and len(token) <= _DIGITS_MAX):
        raise ProblemError(INVALID_INPUT, what="pageToken")
    account_id = get_user(call.identity, key).id if key else ""
    found = call.identity.book.list_audit(before=int(token or 0), account_id=account_id, most=size)
    last = found[-1].entry.number if len(found) == size else 1
    return schemas.Activities(
        items=[_show(one) for one in found], next_page_token=str(last) if last > 1 else UNSET
    )


def _show(shown: Shown) -> schemas.Activity:
    entry = shown.entry
    return schemas.Activity(
        id=str(entry.number),
        time=rfc3339(entry.time_ms),
        actor=entry.actor,
        client_id=entry.client or UNSET,
        ip_address=shown.source or UNSET,
        action=entry.action,
        kind=entry.kind,
        key=entry.key or UNSET,
        account_id=entry.account_id or UNSET,
        before=entry.before or UNSET,
        after=entry.after or UNSET,
        values=shown.personal or UNSET,
        hash=entry.hash,
    )
