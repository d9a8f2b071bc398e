"""users.getProfile."""

from penfold.front.http.call import Call
from penfold.ports.mailbox import MailboxReader
from penfold.spec.methods.users import UsersGetProfileParams
from penfold.spec.schemas import Profile


def users_get_profile(call: Call[UsersGetProfileParams, None], box: MailboxReader) -> Profile:
    totals = box.get_totals()
    return Profile(
        email_address=call.account.address,
        history_id=str(totals.history_id),
        messages_total=totals.messages,
        threads_total=totals.threads,
    )
