"""What is wrong with a call, gathered field by field."""

from collections.abc import Iterable

from penfold.base.limits import SENDING_ERRORS_MAX
from penfold.proto.mime.compose import CONTROLS
from penfold.spec.sending.problems import (
    INVALID_ATTACHMENT,
    INVALID_FROM,
    MISSING_FIELD,
    VALIDATION,
    FieldError,
    SendingError,
    SendingProblem,
)

#: Codes of findings.
REQUIRED = "required"
NOT_ALLOWED = "not_allowed"
INVALID = "invalid"
TOO_LONG = "too_long"
TOO_MANY = "too_many"
CONTROL = "control_character"


class Findings:
    """path: of the thing looked at, such as `[3].`; "" for the whole body."""

    def __init__(self, path: str = "") -> None:
        self._path = path
        self.errors: list[FieldError] = []

    def __bool__(self) -> bool:
        return bool(self.errors)

    def add(self, field: str, code: str, message: str) -> None:
        if len(self.errors) < SENDING_ERRORS_MAX:
            self.errors.append(FieldError(self._path + field, code, f"`{field}` {message}"))

    def check_text(self, field: str, text: str, most: int) -> bool:
        """Note a text that is too long or could end a line of a header; return whether it is fine.

        RFC 5322 §2.2: a field's body has no CR or LF; other controls have no business there.
        """
        if len(text) > most:
            self.add(field, TOO_LONG, f"has more than {most} characters")
        elif CONTROLS.search(text):
            self.add(field, CONTROL, "has a line break or another control character")
        else:
            return True
        return False

    def raise_any(self) -> None:
        if self.errors:
            raise make_refusal(self.errors)


def make_refusal(errors: Iterable[FieldError]) -> SendingError:
    """Return the refusal for what was found, named after the first."""
    found = tuple(errors)
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    return SendingError(_problem_of(found[0]), f"{found[0].message}.{more}", errors=found)


def _problem_of(error: FieldError) -> SendingProblem:
    field = error.field.rpartition("].")[2] if error.field.startswith("[") else error.field
    if error.code == REQUIRED:
        return MISSING_FIELD
    if field == "from":
        return INVALID_FROM
    return INVALID_ATTACHMENT if field.startswith("attachments") else VALIDATION
