"""users.labels.*."""

from penfold.domain.mailbox.labels import (
    create_label,
    delete_label,
    get_label,
    list_labels,
    update_label,
)
from penfold.front.http.call import Call
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.spec.methods.labels import (
    LabelsCreateParams,
    LabelsDeleteParams,
    LabelsGetParams,
    LabelsListParams,
    LabelsPatchParams,
    LabelsUpdateParams,
)
from penfold.spec.schemas import Label, ListLabelsResponse


def labels_list(call: Call[LabelsListParams, None], box: MailboxReader) -> ListLabelsResponse:
    del call
    return ListLabelsResponse(labels=list_labels(box))


def labels_get(call: Call[LabelsGetParams, None], box: MailboxReader) -> Label:
    return get_label(box, call.params.id)


def labels_create(call: Call[LabelsCreateParams, Label], box: MailboxWriter) -> Label:
    return create_label(box, call.body)


def labels_update(call: Call[LabelsUpdateParams, Label], box: MailboxWriter) -> Label:
    return update_label(box, call.params.id, call.body, merge=False)


def labels_patch(call: Call[LabelsPatchParams, Label], box: MailboxWriter) -> Label:
    return update_label(box, call.params.id, call.body, merge=True)


def labels_delete(call: Call[LabelsDeleteParams, None], box: MailboxWriter) -> None:
    delete_label(box, call.params.id, now_ms=call.now_ms)
