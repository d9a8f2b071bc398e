"""What is wrong with the values of a request, gathered and said as Google says it.

Gmail (observed 2026-09): every violation of a request is reported at once, one line each, and
again as google.rpc.BadRequest details; names are snake case paths of the request message.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from penfold.base.limits import ECHO_MAX_CHARS
from penfold.front.http.errors import RefusedError, bad_request
from penfold.spec import problems
from penfold.spec.problems import Problem

#: Violations one answer lists; the rest is left out.
_SHOWN_MAX: Final = 50

#: The package of Gmail's request messages. Gmail (observed) for its methods, assumed for types.
PROTO_PACKAGE: Final = "caribou.api.proto"


class Violation(Struct, frozen=True, gc=False):
    """One thing wrong; field is its path, "" when the name itself is the problem."""

    problem: Problem
    text: str
    field: str = ""


def invalid_value(path: str, type_label: str, value: Any) -> Violation:
    """Return: a value that is not of its type; the value is repeated as it was sent."""
    return invalid_because(path, type_label, echo(value))


def invalid_because(path: str, type_label: str, reason: str) -> Violation:
    text = f"Invalid value at '{path}' ({type_label}), {reason}"
    return Violation(problems.INVALID_VALUE, text, path)


def unknown_parameter(name: str) -> Violation:
    name = shorten(name)
    text = (
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message."
    )
    return Violation(problems.UNKNOWN_NAME, text)


def unknown_member(name: str, path: str, reason: str = "Cannot find field.") -> Violation:
    at = f" at '{path}'" if path else ""
    text = f'Invalid JSON payload received. Unknown name "{shorten(name)}"{at}: {reason}'
    return Violation(problems.UNKNOWN_NAME, text, path)


def malformed_json(reason: str) -> Violation:
    return Violation(problems.MALFORMED_JSON, f"Invalid JSON payload received. {reason}")


def refuse(violations: Sequence[Violation]) -> RefusedError:
    """Return the error that tells of all of them; the first decides the reason."""
    shown = violations[:_SHOWN_MAX]
    details = [
        {"field": item.field, "description": item.text}
        if item.field
        else {"description": item.text}
        for item in shown
    ]
    text = "\n".join(item.text for item in shown)
    return RefusedError(shown[0].problem, text=text, details=[bad_request(details)])


def refuse_mask(path: str) -> RefusedError:
    """Return the error of a `fields` mask that fits no answer."""
    text = problems.FIELDS_NOT_FOUND.format(path=shorten(path))
    return RefusedError(
        problems.INVALID_FIELDS, details=[bad_request([{"field": "fields", "description": text}])]
    )


def echo(value: Any) -> str:
    """Return a refused value as JSON, shortened."""
    if isinstance(value, str):
        value = shorten(value)
    return shorten(msgspec.json.encode(value).decode())


def shorten(text: str) -> str:
    return text if len(text) <= ECHO_MAX_CHARS else text[:ECHO_MAX_CHARS] + "…"
