"""Which methods are served: those whose handler exists, by the one rule that names handlers.

A method `gmail.users.messages.batchModify` is served by `messages_batch_modify`. Coverage is read
off here and declared nowhere.
"""

from msgspec import Struct

from penfold.front.http.handlers import CHECKS, HANDLERS
from penfold.front.http.plan import Check, Handler
from penfold.spec.registry import REGISTRY


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
    by_name: dict[str, Handler] = {handler.__name__: handler for handler in HANDLERS}
    return {method.id: by_name[method.handler] for method in REGISTRY if method.handler in by_name}


def find_checks() -> dict[str, Check]:
    """Return what is found out before a method's change, by method id."""
    by_name: dict[str, Check] = {name.__name__: check for name, check in CHECKS.items()}
    return {method.id: by_name[method.handler] for method in REGISTRY if method.handler in by_name}


def coverage() -> list[Coverage]:
    """Return every method of the API and whether it is served."""
    handlers = find_handlers()
    return [
        Coverage(m.id, m.verb, "/" + m.path, m.id in handlers, m.since, m.summary) for m in REGISTRY
    ]
