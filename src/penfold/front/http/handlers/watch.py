"""users.watch and users.stop.

Both run in a worker thread with a reader (Access.READ_SLOW): what they store is not in the
mailbox but in the book of topics, whose commit must not run on the event loop.
"""

from penfold.domain.push.watches import Caller, start_watch, stop_watch
from penfold.front.http.call import Call
from penfold.ports.mailbox import MailboxReader
from penfold.spec.methods.users import UsersStopParams, UsersWatchParams
from penfold.spec.schemas import WatchRequest, WatchResponse


def users_watch(call: Call[UsersWatchParams, WatchRequest], box: MailboxReader) -> WatchResponse:
    caller = Caller(call.account, call.credential.project)
    watch = start_watch(box, call.services.pubsub, caller, call.body, now_ms=call.now_ms)
    return WatchResponse(history_id=str(watch.seen), expiration=str(watch.expires_ms))


def users_stop(
    call: Call[UsersStopParams, None],
    box: MailboxReader,  # noqa: ARG001 - every handler is called this way
) -> None:
    stop_watch(call.services.pubsub, Caller(call.account, call.credential.project))
