"""One method, made ready to serve: everything that can be worked out before the first request.

Built once per method at start, from its declaration and its handler. A plan without a handler
answers Google's 501.
"""

import logging
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any, Final

import msgspec
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import JSON_BODY_MAX_BYTES
from penfold.front.http.auth import Gate
from penfold.front.http.bind import Binder
from penfold.front.http.encode import encode_compact, encode_pretty
from penfold.front.http.once import serve_once
from penfold.front.http.violations import refuse_mask
from penfold.ports.mailbox import Mailboxes
from penfold.proto.fields import (
    Mask,
    Shape,
    UnknownFieldError,
    apply_fields,
    parse_fields,
    resolve_fields,
)
from penfold.spec.members import list_members
from penfold.spec.method import Method
from penfold.spec.problems import ProblemError

_log: Final = logging.getLogger(__name__)

#: What serves a method: (call, box) to a value of the response type, or None for 204.
Handler = Callable[[Any, Any], Any]
#: What is found out before a change, in a thread: (call, mailboxes), raising what is wrong.
Check = Callable[[Any, Mailboxes], None]

#: Masks kept parsed per method; programs use a handful.
_MASKS_KEPT: Final = 64


class UndeclaredProblemError(AssertionError):
    """A handler raised a problem that its method does not declare."""


class Plan:
    """A method with its checks, its handler and the encoding of its answers."""

    def __init__(
        self,
        method: Method,
        handler: Handler | None,
        check: Check | None = None,
        *,
        strict: bool = False,
    ) -> None:
        self.method = method
        self.check = check
        self._strict = strict
        self.handler = handler
        self.gate = Gate(method)
        self.binder = Binder(method)
        self.body_max_bytes = JSON_BODY_MAX_BYTES + _base64_length(method)
        self.find_mask = lru_cache(_MASKS_KEPT)(self._parse_mask)

    def serve(self, call: Any, box: Any) -> Any:
        """Run the handler, minding that it raises no problem its method does not declare."""
        assert self.handler is not None
        if call.receipt:
            return self._run(partial(serve_once, self.handler), call, box)
        return self._run(self.handler, call, box)

    def run_check(self, call: Any, mailboxes: Mailboxes) -> None:
        """Run the check, if there is one, minding the same."""
        if self.check is not None:
            self._run(self.check, call, mailboxes)

    def _run(self, function: Handler, call: Any, access: Any) -> Any:
        try:
            return function(call, access)
        except ProblemError as error:
            if error.problem not in self.method.errors:
                if self._strict:
                    raise UndeclaredProblemError(self.method.id, error.problem.message) from error
                _log.warning("%s does not declare: %s", self.method.id, error.problem.message)
            raise

    def _parse_mask(self, text: str) -> Mask | None:
        """Return the mask of a `fields` parameter, checked against the response type."""
        try:
            mask = parse_fields(text)
            response = self.method.response
            return (
                None
                if mask is None or response is None
                else resolve_fields(mask, shape_of(response))
            )
        except UnknownFieldError as error:
            raise refuse_mask(error.path) from None
        except ParseError:
            raise refuse_mask(text) from None


def _base64_length(method: Method) -> int:
    return method.media.max_bytes * 4 // 3 if method.media else 0


@cache
def shape_of(struct: type[Struct]) -> Shape:
    """Return the members an answer may have, by wire name; recursive types refer to themselves."""
    shape: dict[str, Shape | None] = {}
    _fill(struct, shape, {struct: shape})
    return shape


def _fill(
    struct: type[Struct],
    shape: dict[str, Shape | None],
    known: dict[type[Struct], dict[str, Shape | None]],
) -> None:
    for member in list_members(struct):
        below = member.kind.schema
        if below is None:
            shape[member.name] = None
        elif below in known:
            shape[member.name] = known[below]
        else:
            inner: dict[str, Shape | None] = {}
            known[below] = inner
            shape[member.name] = inner
            _fill(below, inner, known)


def encode(method: Method, result: Any, mask: Mask | None, *, pretty: bool) -> bytes | None:
    """Return the answer's octets; None for a method that answers nothing."""
    if method.response is None:
        return None
    value = result if mask is None else apply_fields(msgspec.to_builtins(result), mask)
    return encode_pretty(value) if pretty else encode_compact(value)
