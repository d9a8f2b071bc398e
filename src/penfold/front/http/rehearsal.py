"""Rehearsal: answer a request with an error that somebody ordered.

Owns which problems can be ordered, by which names, and what their answers hold beside the text.
An order is looked at after the checks of the caller and before anything is done, so whoever gets
the error may safely try again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from penfold.base.errors import ParseError
from penfold.front.http.auth import challenge
from penfold.front.http.errors import RefusedError, error_info
from penfold.ports.faults import Faults, Order
from penfold.ports.identity import Credential
from penfold.spec import problems
from penfold.spec.method import Method
from penfold.spec.problems import Problem
from penfold.spec.registry import BY_ID

#: Minutes until the time that a "Retry after" names. Gmail: 15 and more reported by clients.
_RETRY_AFTER_MS: Final = 15 * 60 * 1000
_PLACES: Final = {"project": "1", "until": "2026-01-01T00:00:00.000Z"}


#: Whose answers hold more than a text, all of it from the request.
_OF_REQUESTS: Final = frozenset(
    {problems.LOGIN_REQUIRED, problems.INSUFFICIENT_SCOPE, problems.INVALID_FIELDS}
)


def _can_be_said(problem: Problem) -> bool:
    if problem in _OF_REQUESTS:
        return False
    try:
        problem.message.format(**_PLACES)
    except KeyError:
        return False  # it speaks of something in a request
    return True


#: Problems that can be ordered, by name: those whose text needs nothing from the request.
REHEARSABLE: Final[dict[str, Problem]] = {
    name.lower().replace("_", "-"): value
    for name, value in sorted(vars(problems).items())
    if isinstance(value, Problem) and _can_be_said(value)
}


class _NoFaults:
    """Nothing was ordered, and nothing can be."""

    orders: Sequence[Order] = ()

    def strike(self, method: str, account: str) -> None:
        del method, account


NO_FAULTS: Final = _NoFaults()


def check_order(order: Order) -> None:
    """Refuse an order for what is not there."""
    if order.problem not in REHEARSABLE:
        raise ParseError("no such problem", problem=order.problem)
    if order.method and order.method not in BY_ID:
        raise ParseError("no such method", method=order.method)


def rehearse(faults: Faults, method: Method, credential: Credential, now_ms: int) -> None:
    """Raise what was ordered for this request, if anything."""
    name = faults.strike(method.id, credential.account.address)
    problem = REHEARSABLE.get(name) if name else None
    if problem is not None:
        raise make_error(problem, project=credential.project, now_ms=now_ms)


def make_error(problem: Problem, *, project: str, now_ms: int) -> RefusedError:
    """Return the error with everything Gmail says beside its text."""
    until = datetime.fromtimestamp((now_ms + _RETRY_AFTER_MS) / 1000, UTC)
    values = {
        "project": project,
        "until": until.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    details = _disabled(project) if problem is problems.ACCESS_NOT_CONFIGURED else []
    headers = [challenge(', error="invalid_token"')] if problem.code == 401 else []
    text = problem.message.format(**values)
    return RefusedError(problem, text=text, details=details, headers=headers)


def _disabled(project: str) -> list[dict[str, Any]]:
    url = (
        "https://console.developers.google.com/apis/api/gmail.googleapis.com/overview"
        f"?project={project}"
    )
    link = {"description": "Google developers console API activation", "url": url}
    return [
        {"@type": "type.googleapis.com/google.rpc.Help", "links": [link]},
        error_info(
            "SERVICE_DISABLED", service="gmail.googleapis.com", consumer=f"projects/{project}"
        ),
    ]
