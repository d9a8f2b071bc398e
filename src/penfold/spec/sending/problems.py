"""Refusals of the sending API.

    {"statusCode", "name", "message", "errors": [{"field", "code", "message"}], "request_id"}

Names and statuses are Resend's (documented) where it has the case; its SDKs tell errors apart by
them. `errors` is there when the refusal is about fields, each named as it was written.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from penfold.base.errors import PenfoldError


class FieldError(Struct, frozen=True, gc=False):
    """field: `to[0]`, `[3].subject`. code: a word for programs."""

    field: str
    code: str
    message: str


class SendingProblem(Struct, frozen=True, gc=False):
    status: int
    name: str
    message: str


class SendingError(PenfoldError):
    """A refusal with its place in the table. text: in place of the table's."""

    def __init__(
        self,
        problem: SendingProblem,
        text: str = "",
        *,
        errors: Sequence[FieldError] = (),
        wait_s: int = 0,
        limit: int = 0,
    ) -> None:
        super().__init__(problem.name)
        self.problem = problem
        self.text = text or problem.message
        self.errors = tuple(errors)
        self.wait_s = wait_s
        self.limit = limit


def _problem(status: int, name: str, message: str) -> SendingProblem:
    return SendingProblem(status, name, message)


MALFORMED: Final = _problem(400, "validation_error", "The request is malformed.")
INVALID_IDEMPOTENCY_KEY: Final = _problem(
    400, "invalid_idempotency_key", "The Idempotency-Key must have 1 to 256 printable characters."
)
MISSING_API_KEY: Final = _problem(
    401,
    "missing_api_key",
    "Missing API key: add the header `Authorization: Bearer YOUR_API_KEY`.",
)
RESTRICTED_API_KEY: Final = _problem(
    401, "restricted_api_key", "This API key lacks the scope for that."
)
QUOTA_EXCEEDED: Final = _problem(
    402, "quota_exceeded", "The budget does not reach for this; ask for more, or wait."
)
INVALID_API_KEY: Final = _problem(403, "invalid_api_key", "The API key is not valid.")
INVALID_ACCESS: Final = _problem(403, "invalid_access", "This API key may not be used so.")
NOT_FOUND: Final = _problem(404, "not_found", "There is no such thing, or it is not yours.")
METHOD_NOT_ALLOWED: Final = _problem(
    405, "method_not_allowed", "The address is served, but not with this method."
)
INVALID_IDEMPOTENT_REQUEST: Final = _problem(
    409,
    "invalid_idempotent_request",
    "The Idempotency-Key was used for another request in the last 24 hours; choose a new one.",
)
NOT_NOW: Final = _problem(409, "conflict", "It is not in a state that allows that.")
TOO_LARGE: Final = _problem(413, "payload_too_large", "The request is too large.")
VALIDATION: Final = _problem(422, "validation_error", "The request is not valid.")
MISSING_FIELD: Final = _problem(
    422, "missing_required_field", "The request lacks one or more required fields."
)
INVALID_FROM: Final = _problem(
    422, "invalid_from_address", "`from` is not an address this API key may send from."
)
INVALID_ATTACHMENT: Final = _problem(422, "invalid_attachment", "An attachment is not valid.")
RATE_LIMITED: Final = _problem(
    429, "rate_limit_exceeded", "Too many requests; wait as Retry-After says."
)
INTERNAL: Final = _problem(500, "application_error", "Something went wrong here.")
UNAVAILABLE: Final = _problem(
    503, "service_unavailable", "The server cannot do that just now; try again in a moment."
)

#: All of them, for the description of the API.
PROBLEMS: Final = (
    MALFORMED, INVALID_IDEMPOTENCY_KEY, MISSING_API_KEY, RESTRICTED_API_KEY, QUOTA_EXCEEDED,
    INVALID_API_KEY, INVALID_ACCESS, NOT_FOUND, METHOD_NOT_ALLOWED, INVALID_IDEMPOTENT_REQUEST,
    NOT_NOW, TOO_LARGE, VALIDATION, MISSING_FIELD, INVALID_FROM, INVALID_ATTACHMENT, RATE_LIMITED,
    INTERNAL, UNAVAILABLE,
)  # fmt: skip
