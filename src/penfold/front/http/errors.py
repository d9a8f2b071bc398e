"""Errors in Google's envelope.

    {"error": {"code", "message", "errors": [{"message", "domain", "reason", …}], "status",
               "details"}}

Owns the shape and the member order. Always indented, whatever prettyPrint says; `errors` is left
out with $.xgafv=2. Gmail (observed 2026-09). Nothing but texts of spec.problems gets out.
"""

from collections.abc import Sequence
from typing import Any, Final

from penfold.base.errors import NotFoundError, StorageFullError, TooCostlyError, UnavailableError
from penfold.front.http.encode import encode_pretty
from penfold.spec import problems
from penfold.spec.problems import Problem, ProblemError

Header = tuple[bytes, bytes]

_AUTH_PROBLEMS: Final = (problems.INVALID_CREDENTIALS, problems.LOGIN_REQUIRED)
_BAD_REQUEST: Final = "type.googleapis.com/google.rpc.BadRequest"
_ERROR_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"


class RefusedError(ProblemError):
    """A problem with details for programs and headers of its own."""

    def __init__(
        self,
        problem: Problem,
        *,
        text: str = "",
        details: Sequence[dict[str, Any]] = (),
        headers: Sequence[Header] = (),
        **values: object,
    ) -> None:
        super().__init__(problem, **values)
        if text:
            self.text = text
        self.details = details
        self.headers = headers


def bad_request(violations: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Return the details of a request with these field violations."""
    return {"@type": _BAD_REQUEST, "fieldViolations": list(violations)}


def error_info(reason: str, **metadata: str) -> dict[str, Any]:
    return {
        "@type": _ERROR_INFO,
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": metadata,
    }


def problem_of(error: BaseException) -> ProblemError:
    """Return what a peer is told about any error; INTERNAL for those nobody expected."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, StorageFullError):
        return ProblemError(problems.STORAGE_FULL)
    if isinstance(error, TooCostlyError):
        return ProblemError(problems.QUERY_TOO_COSTLY)
    if isinstance(error, UnavailableError):
        return ProblemError(problems.UNAVAILABLE)
    if isinstance(error, NotFoundError):
        return ProblemError(problems.NOT_FOUND)
    return ProblemError(problems.INTERNAL)


def envelope(error: ProblemError, *, entries: bool = True) -> bytes:
    """Return the body; entries: with the `errors` member."""
    problem = error.problem
    inner: dict[str, Any] = {"code": problem.code, "message": error.text}
    if entries:
        inner["errors"] = [_entry(error)]
    inner["status"] = problem.status
    if isinstance(error, RefusedError) and error.details:
        inner["details"] = error.details
    return encode_pretty({"error": inner})


def _entry(error: ProblemError) -> dict[str, str]:
    problem = error.problem
    entry = {"message": problems.SHORT_MESSAGES.get(problem, error.text)}
    if problem.domain:
        entry["domain"] = problem.domain
    entry["reason"] = problem.reason
    if problem in _AUTH_PROBLEMS:
        entry["location"] = "Authorization"
        entry["locationType"] = "header"
    if problem in problems.EXTENDED_HELP:
        entry["extendedHelp"] = problems.EXTENDED_HELP[problem]
    return entry
