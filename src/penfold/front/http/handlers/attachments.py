"""users.messages.attachments.get."""

from penfold.domain.mailbox.attachments import get_attachment
from penfold.domain.mailbox.view import read_attachment
from penfold.front.http.call import Call
from penfold.front.http.handlers.formats import check_inline
from penfold.ports.mailbox import MailboxReader
from penfold.proto.mime.body import find_part
from penfold.spec.methods.messages import AttachmentsGetParams
from penfold.spec.problems import NOT_FOUND, ProblemError
from penfold.spec.schemas import MessagePartBody


def attachments_get(call: Call[AttachmentsGetParams, None], box: MailboxReader) -> MessagePartBody:
    # Gmail (observed): the messageId in the path is not looked at.
    row, number = get_attachment(box, call.params.id)
    check_inline(call, [row], "raw")
    part = find_part(box.get_structure(row.id), number)
    if part is None:
        raise ProblemError(NOT_FOUND)
    return read_attachment(box.get_raw(row.id), part)
