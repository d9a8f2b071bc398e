"""users.settings.delegates.*."""

from msgspec import UNSET

from penfold.domain.settings.delegates import (
    create_delegate,
    delete_delegate,
    find_candidate,
    get_delegate,
    list_delegates,
    note_delegator,
)
from penfold.front.http.call import Call
from penfold.ports.mailbox import Mailboxes, MailboxReader, MailboxWriter
from penfold.spec.methods.delegates import (
    DelegatesCreateParams,
    DelegatesDeleteParams,
    DelegatesGetParams,
    DelegatesListParams,
)
from penfold.spec.schemas import Delegate, ListDelegatesResponse


def delegates_list(
    call: Call[DelegatesListParams, None], box: MailboxReader
) -> ListDelegatesResponse:
    return ListDelegatesResponse(delegates=list_delegates(box, call.services.directory) or UNSET)


def delegates_get(call: Call[DelegatesGetParams, None], box: MailboxReader) -> Delegate:
    return get_delegate(box, call.services.directory, call.params.delegate_email)


def check_delegates_create(
    call: Call[DelegatesCreateParams, Delegate], mailboxes: Mailboxes
) -> None:
    text = call.body.delegate_email or ""
    delegate = find_candidate(call.services.directory, call.account, text)
    note_delegator(mailboxes, delegate, call.account)


def delegates_create(call: Call[DelegatesCreateParams, Delegate], box: MailboxWriter) -> Delegate:
    text = call.body.delegate_email or ""
    return create_delegate(box, call.services.directory, call.account, text)


def delegates_delete(call: Call[DelegatesDeleteParams, None], box: MailboxWriter) -> None:
    delete_delegate(box, call.params.delegate_email)
