"""Which methods are served: those whose handler exists, by the one rule that names handlers.

A method `gmail.users.messages.batchModify` is served by `messages_batch_modify` in one of the
modules below. Coverage is read off here and declared nowhere.
"""

from types import ModuleType
from typing import Final

from msgspec import Struct

from penfold.front.http.handlers import (
    attachments,
    drafts,
    history,
    labels,
    messages,
    profile,
    threads,
)
from penfold.front.http.plan import Handler
from penfold.spec.registry import REGISTRY

MODULES: Final[tuple[ModuleType, ...]] = (
    profile,
    messages,
    attachments,
    threads,
    labels,
    drafts,
    history,
)


class Coverage(Struct, frozen=True, gc=False):
    """Whether a method is served, and since which release."""

    method_id: str
    verb: str
    path: str
    served: bool
    since: str | None
    summary: str


def find_handlers() -> dict[str, Handler]:
    """Return the handlers that exist, by method id."""
    functions: dict[str, Handler] = {}
    for module in MODULES:
        functions |= {
            name: value
            for name, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", "") == module.__name__
        }
    return {
        method.id: functions[method.handler] for method in REGISTRY if method.handler in functions
    }


def coverage() -> list[Coverage]:
    """Return every method of the API and whether it is served."""
    handlers = find_handlers()
    return [
        Coverage(m.id, m.verb, "/" + m.path, m.id in handlers, m.since, m.summary) for m in REGISTRY
    ]
