"""The Gmail API: its 79 methods, gathered once, in the order of Google's table.

Owns the list of what is promised. A method is in it exactly when one of spec/methods/ declares
it; which of them are served follows from the handlers that exist (front/http/registration.py).
"""

from typing import Final

from penfold.spec.method import Access, Cost, Limit, Media, Method, Params
from penfold.spec.methods import (
    cse,
    delegates,
    drafts,
    filters,
    forwarding_addresses,
    history,
    labels,
    messages,
    send_as,
    settings,
    smime_info,
    threads,
    users,
)

__all__ = ["BY_ID", "REGISTRY", "Access", "Cost", "Limit", "Media", "Method", "Params"]

REGISTRY: Final[tuple[Method, ...]] = (
    *users.METHODS,
    *drafts.METHODS,
    *history.METHODS,
    *labels.METHODS,
    *messages.METHODS,
    *threads.METHODS,
    *settings.METHODS,
    *delegates.METHODS,
    *filters.METHODS,
    *forwarding_addresses.METHODS,
    *send_as.METHODS,
    *smime_info.METHODS,
    *cse.METHODS,
)

BY_ID: Final[dict[str, Method]] = {method.id: method for method in REGISTRY}
