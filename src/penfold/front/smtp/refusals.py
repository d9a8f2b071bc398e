"""What an SMTP client is told when the product says no: the one table from errors to replies.

Texts of ours never reach the client, with few exceptions that carry words meant for it:
`ProblemError` and `SendingError` (penfold.spec) and `ArrivalRefusedError` (domain.judging).
"""

from typing import Final

from penfold.base.errors import (
    NotFoundError,
    OutcomeUnknownError,
    StorageFullError,
)
from penfold.domain.incoming.judging import ArrivalRefusedError
from penfold.domain.outgoing.return_paths import NoAnswerError
from penfold.proto.smtp import replies
from penfold.proto.smtp.replies import Reply, make_reply
from penfold.spec import problems
from penfold.spec.problems import Problem, ProblemError
from penfold.spec.sending.problems import INVALID_FROM, SendingError

#: Codes of RFC 3463 for problems that mean something particular to a mail client.
_CODES: Final[dict[Problem, tuple[int, str]]] = {
    problems.MESSAGE_TOO_LARGE: (552, "5.3.4"),
    problems.TOO_MANY_RECIPIENTS: (452, "4.5.3"),
    problems.RECIPIENT_REQUIRED: (554, "5.6.0"),
    problems.INVALID_TO: (553, "5.1.3"),
    problems.INVALID_CC: (553, "5.1.3"),
    problems.INVALID_BCC: (553, "5.1.3"),
    problems.MAIL_NOT_ENABLED: (550, "5.2.1"),
    problems.SENDING_LIMIT_RETRY_AFTER: (550, "5.4.5"),
    problems.DELEGATION_DENIED: (553, "5.7.1"),
    problems.PRECONDITION_FAILED: (550, "5.7.1"),
}
#: What Gmail says to a mail client in other words than to a program.
_TEXTS: Final = {problems.SENDING_LIMIT_RETRY_AFTER: "Daily user sending limit exceeded"}
#: The rest, by HTTP status.
_BY_STATUS: Final = {401: (550, "5.7.1"), 403: (550, "5.7.1"), 429: (450, "4.2.1")}
#: Codes of refusals of the sending API, by HTTP status; 402 as Gmail's sending limit.
_SENDING: Final = {
    401: (550, "5.7.1"), 402: (550, "5.4.5"), 403: (550, "5.7.1"), 409: (554, "5.6.0"),
    422: (554, "5.6.0"), 429: (450, "4.2.1"),
}  # fmt: skip


def find_refusal(error: BaseException) -> Reply | None:
    """Return what the client is told; None: nothing, the connection is cut.

    RFC 5321 §4.2.5: after a 4xx or 5xx the message must never be delivered by this attempt.
    When nobody knows whether it was stored, no reply is true, so none is given.
    """
    if isinstance(error, OutcomeUnknownError):
        return None
    if isinstance(error, ArrivalRefusedError):
        refusal = error.refusal
        return make_reply(refusal.code, refusal.enhanced, *refusal.lines)
    if isinstance(error, ProblemError):
        return _refusal_of(error)
    if isinstance(error, SendingError) and error.problem.status in _SENDING:
        code = (553, "5.7.1") if error.problem is INVALID_FROM else _SENDING[error.problem.status]
        return make_reply(*code, error.text)
    if isinstance(error, StorageFullError):
        return replies.NO_ROOM
    if isinstance(error, NoAnswerError):
        return replies.UNKNOWN_RECIPIENT
    if isinstance(error, NotFoundError):
        return replies.MAILBOX_UNAVAILABLE  # the account vanished after RCPT: let it be asked again
    return replies.SYSTEM_PROBLEM


def _refusal_of(error: ProblemError) -> Reply:
    problem = error.problem
    if problem is problems.STORAGE_FULL:
        return replies.NO_ROOM
    if problem.code >= 500:
        return replies.SYSTEM_PROBLEM
    code, enhanced = _CODES.get(problem) or _BY_STATUS.get(problem.code, (554, "5.6.0"))
    return make_reply(code, enhanced, _TEXTS.get(problem, error.text))
