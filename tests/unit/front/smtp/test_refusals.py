"""Every error has a reply, and only Gmail's words get out."""

import pytest

from penfold.base.errors import (
    MailboxBusyError,
    MailboxDamagedError,
    NotFoundError,
    OutcomeUnknownError,
    StorageFullError,
    UnavailableError,
)
from penfold.domain.outgoing.return_paths import NoAnswerError
from penfold.front.smtp.refusals import find_refusal
from penfold.spec import problems
from penfold.spec.problems import Problem, ProblemError

PROBLEMS = {name: value for name, value in vars(problems).items() if isinstance(value, Problem)}


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_a_problem_keeps_its_nature(name):
    problem = PROBLEMS[name]
    reply = find_refusal(ProblemError(problem))
    is_temporary = (
        problem.code in (429, *range(500, 600)) or problem is problems.TOO_MANY_RECIPIENTS
    ) and problem is not problems.SENDING_LIMIT_RETRY_AFTER  # Gmail: 550 5.4.5
    assert reply.code // 100 == (4 if is_temporary else 5)
    assert reply.wire[4:5] == reply.wire[:1]


@pytest.mark.parametrize(
    ("error", "start"),
    [
        pytest.param(StorageFullError("SECRET"), b"452 4.3.1 ", id="full"),
        pytest.param(MailboxBusyError("SECRET"), b"451 4.3.0 ", id="busy"),
        pytest.param(MailboxDamagedError("SECRET"), b"451 4.3.0 ", id="damaged"),
        pytest.param(UnavailableError("SECRET"), b"451 4.3.0 ", id="unavailable"),
        pytest.param(NotFoundError("SECRET"), b"451 4.3.0 ", id="gone"),
        pytest.param(NoAnswerError("SECRET"), b"550-5.1.1 ", id="no-answer"),
        pytest.param(RuntimeError("SECRET"), b"451 4.3.0 ", id="unexpected"),
        pytest.param(ProblemError(problems.INTERNAL), b"451 4.3.0 ", id="internal"),
        pytest.param(ProblemError(problems.STORAGE_FULL), b"452 4.3.1 ", id="problem-full"),
        pytest.param(ProblemError(problems.INVALID_TO), b"553 5.1.3 Invalid To", id="words"),
    ],
)
def test_an_error_has_its_code_and_never_our_text(error, start):
    reply = find_refusal(error)
    assert reply.wire.startswith(start)
    assert b"SECRET" not in reply.wire


def test_an_unknown_outcome_has_no_reply():
    assert find_refusal(OutcomeUnknownError("SECRET")) is None
