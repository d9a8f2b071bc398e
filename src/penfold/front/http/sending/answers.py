"""Answers of the sending API: JSON with the request's id, and errors in Resend's form."""

from typing import Any, Final

import msgspec

from penfold.base.errors import ConflictError, NotFoundError, StorageFullError, UnavailableError
from penfold.domain.sending.statement import CONTENT_POLICY
from penfold.front.http.errors import Header
from penfold.front.http.request import Answer, Request
from penfold.spec import problems as google
from penfold.spec.problems import ProblemError
from penfold.spec.sending.problems import (
    INTERNAL,
    MALFORMED,
    NOT_FOUND,
    NOT_NOW,
    TOO_LARGE,
    UNAVAILABLE,
    SendingError,
)

#: Mail's content is nobody else's: no cache, no frame, no guess at a type.
_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-type", b"application/json; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
_REPLAYED: Final[Header] = (b"idempotent-replayed", b"true")


def succeed(
    request: Request, body: bytes, *, replayed: bool = False, content_type: str = ""
) -> Answer:
    """Return an answer of JSON, or of another type that a browser may show and nobody frame."""
    answer = _answer(request, 200, body, (_REPLAYED,) if replayed else ())
    if content_type:
        answer.headers[0] = (b"content-type", content_type.encode())
        answer.headers.append((b"content-security-policy", CONTENT_POLICY.encode()))
    return answer


def fail(request: Request, error: SendingError) -> Answer:
    problem = error.problem
    request.reason = problem.name
    body: dict[str, Any] = {
        "statusCode": problem.status,
        "name": problem.name,
        "message": error.text,
        "request_id": request.request_id,
    }
    if error.errors:
        body["errors"] = error.errors
    return _answer(request, problem.status, msgspec.json.encode(body), _list_extra(error))


def _list_extra(error: SendingError) -> tuple[Header, ...]:
    if error.problem.status == 401:
        return ((b"www-authenticate", b"Bearer"),)  # RFC 6750 §3
    if not error.wait_s:
        return ()
    wait = b"%d" % error.wait_s
    return (
        (b"retry-after", wait),
        (b"ratelimit-limit", b"%d" % error.limit),
        (b"ratelimit-remaining", b"0"),
        (b"ratelimit-reset", wait),
    )


def _answer(request: Request, status: int, body: bytes, extra: tuple[Header, ...]) -> Answer:
    request.status = status
    headers = [
        *_HEADERS,
        (b"x-request-id", request.request_id.encode()),
        (b"content-length", b"%d" % len(body)),
        *extra,
    ]
    return Answer(status, body, headers)


def refusal_of(error: BaseException) -> SendingError:
    """Return what a caller is told about any error; INTERNAL for those nobody expected."""
    if isinstance(error, SendingError):
        return error
    if isinstance(error, ProblemError):  # of reading a request, which is shared
        problem = TOO_LARGE if error.problem is google.REQUEST_TOO_LARGE else MALFORMED
        return SendingError(problem, "" if problem is TOO_LARGE else error.text)
    if isinstance(error, NotFoundError):
        return SendingError(NOT_FOUND)
    if isinstance(error, ConflictError):
        return SendingError(NOT_NOW, "It is there already.")
    if isinstance(error, StorageFullError | UnavailableError):
        return SendingError(UNAVAILABLE, wait_s=1)
    return SendingError(INTERNAL)
