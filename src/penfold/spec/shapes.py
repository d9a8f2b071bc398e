"""How much of each mail provider's servers we use at a time.

Figures: what KumoMTA 2026 ships for these providers, which publish little themselves. A provider is
known by the names of its mail servers (proto.smtp.outcomes.providers), so that all domains hosted
there share what is allowed.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from penfold.base.limits import SMTP_OUT_CONNECTIONS_MAX, SMTP_OUT_MESSAGES_MAX


class Shape(Struct, frozen=True, gc=False):
    """connections: at a time, to all servers of the provider together. messages: over one of
    them. encrypted: never in clear.
    """

    connections: int = SMTP_OUT_CONNECTIONS_MAX
    messages: int = SMTP_OUT_MESSAGES_MAX
    encrypted: bool = False


#: "" is everybody else, each domain by itself.
SHAPES: Final[Mapping[str, Shape]] = {
    "": Shape(),
    "google": Shape(connections=5, messages=50, encrypted=True),
    "microsoft": Shape(connections=5, messages=50),
    "yahoo": Shape(messages=20),
    "apple": Shape(messages=5),
    "comcast": Shape(connections=25, messages=1_000, encrypted=True),
    "mimecast": Shape(),
    "orange": Shape(connections=2, encrypted=True),
}


def find_shape(shapes: Mapping[str, Shape], provider: str) -> Shape:
    """Return the provider's shape, or that of everybody else."""
    return shapes.get(provider, shapes[""])
