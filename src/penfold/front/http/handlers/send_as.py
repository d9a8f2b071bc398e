"""users.settings.sendAs.*."""

from msgspec import UNSET

from penfold.domain.access.aliases import list_own_aliases
from penfold.domain.settings.confirming import forget_confirmations
from penfold.domain.settings.senders import (
    create_sender,
    delete_sender,
    get_sender,
    is_primary,
    list_senders,
    merge_sender,
    show_sender,
    update_sender,
)
from penfold.front.http.call import Call
from penfold.ports.mailbox import Mailboxes, MailboxReader, MailboxWriter
from penfold.ports.settings import SEND_AS, MailServer, SenderRecord
from penfold.spec.methods.send_as import (
    SendAsCreateParams,
    SendAsDeleteParams,
    SendAsGetParams,
    SendAsListParams,
    SendAsPatchParams,
    SendAsUpdateParams,
    SendAsVerifyParams,
)
from penfold.spec.problems import ALREADY_VERIFIED, SERVICE_ACCOUNT_ONLY, ProblemError
from penfold.spec.schemas import ListSendAsResponse, SendAs

_AnyChange = Call[SendAsPatchParams, SendAs] | Call[SendAsUpdateParams, SendAs]


def send_as_list(call: Call[SendAsListParams, None], box: MailboxReader) -> ListSendAsResponse:
    records = list_senders(box, call.account)
    return ListSendAsResponse(send_as=[show_sender(each, call.account) for each in records])


def send_as_get(call: Call[SendAsGetParams, None], box: MailboxReader) -> SendAs:
    return show_sender(get_sender(box, call.account, call.params.send_as_email), call.account)


def check_send_as_create(call: Call[SendAsCreateParams, SendAs], _mailboxes: Mailboxes) -> None:
    if call.body.smtp_msa:
        merge_sender(SenderRecord(""), call.body, None)
        call.services.mail_servers.try_out(call.account, call.body.smtp_msa, None)


def send_as_create(call: Call[SendAsCreateParams, SendAs], box: MailboxWriter) -> SendAs:
    server = _make_server(call, None)
    aliases = list_own_aliases(call.services.directory, call.account)
    record = create_sender(box, call.account, call.body, server, aliases=aliases)
    if not record.accepted:
        _ask(call, box, record)
    return show_sender(record, call.account)


def check_send_as_change(call: _AnyChange, mailboxes: Mailboxes) -> None:
    """Gmail (documented): all but the own address are for service accounts."""
    address = call.params.send_as_email
    if not call.credential.service and not is_primary(call.account, address):
        raise ProblemError(SERVICE_ACCOUNT_ONLY)
    if not call.body.smtp_msa:
        return
    with mailboxes.open_reader(call.account.id) as box:
        record = get_sender(box, call.account, address)
    merge_sender(record, call.body, None)
    call.services.mail_servers.try_out(call.account, call.body.smtp_msa, record.server)


def send_as_update(call: Call[SendAsUpdateParams, SendAs], box: MailboxWriter) -> SendAs:
    return _change(call, box, merge=False)


def send_as_patch(call: Call[SendAsPatchParams, SendAs], box: MailboxWriter) -> SendAs:
    return _change(call, box, merge=True)


def _change(call: _AnyChange, box: MailboxWriter, *, merge: bool) -> SendAs:
    address = call.params.send_as_email
    kept = get_sender(box, call.account, address).server
    record = update_sender(
        box, call.account, address, call.body, _make_server(call, kept), merge=merge
    )
    return show_sender(record, call.account)


def send_as_delete(call: Call[SendAsDeleteParams, None], box: MailboxWriter) -> None:
    record = delete_sender(box, call.account, call.params.send_as_email)
    forget_confirmations(box, SEND_AS, record.address)


def send_as_verify(call: Call[SendAsVerifyParams, None], box: MailboxWriter) -> None:
    record = get_sender(box, call.account, call.params.send_as_email)
    if record.accepted:
        raise ProblemError(ALREADY_VERIFIED)
    _ask(call, box, record)


def _make_server(
    call: Call[SendAsCreateParams, SendAs] | _AnyChange, kept: MailServer | None
) -> MailServer | None:
    wanted = call.body.smtp_msa
    if wanted is UNSET:
        return None
    return call.services.mail_servers.make(call.account, wanted, kept)


def _ask(
    call: Call[SendAsCreateParams, SendAs] | Call[SendAsVerifyParams, None],
    box: MailboxWriter,
    record: SenderRecord,
) -> None:
    asking = call.services.asking
    asking.ask(box, call.account, SEND_AS, record.address, now_ms=call.now_ms)
