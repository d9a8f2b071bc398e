"""users.settings.sendAs.smimeInfo.*."""

from penfold.domain.settings.smime import (
    delete_smime,
    get_smime,
    insert_smime,
    list_smime,
    set_default_smime,
    show_smime,
)
from penfold.front.http.call import Call
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.spec.methods.smime_info import (
    SmimeInfoDeleteParams,
    SmimeInfoGetParams,
    SmimeInfoInsertParams,
    SmimeInfoListParams,
    SmimeInfoSetDefaultParams,
)
from penfold.spec.schemas import ListSmimeInfoResponse, SmimeInfo


def smime_info_list(
    call: Call[SmimeInfoListParams, None], box: MailboxReader
) -> ListSmimeInfoResponse:
    records = list_smime(box, call.account, call.params.send_as_email)
    shown = [show_smime(each) for each in records]
    return ListSmimeInfoResponse(smime_info=shown) if shown else ListSmimeInfoResponse()


def smime_info_get(call: Call[SmimeInfoGetParams, None], box: MailboxReader) -> SmimeInfo:
    return show_smime(get_smime(box, call.account, call.params.send_as_email, call.params.id))


def smime_info_insert(
    call: Call[SmimeInfoInsertParams, SmimeInfo], box: MailboxWriter
) -> SmimeInfo:
    record = insert_smime(
        box,
        call.account,
        call.params.send_as_email,
        call.body,
        sealer=call.services.sealer,
        chance=call.services.chance,
        now_ms=call.now_ms,
    )
    return show_smime(record)


def smime_info_set_default(call: Call[SmimeInfoSetDefaultParams, None], box: MailboxWriter) -> None:
    set_default_smime(box, call.account, call.params.send_as_email, call.params.id)


def smime_info_delete(call: Call[SmimeInfoDeleteParams, None], box: MailboxWriter) -> None:
    delete_smime(box, call.account, call.params.send_as_email, call.params.id)
