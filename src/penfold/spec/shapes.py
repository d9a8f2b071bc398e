"""How much of each mail provider's servers we use at a time.

Figures: what KumoMTA 2026 ships for these providers, which publish little themselves. A provider is
known by the names of its mail servers (proto.smtp.outcomes.providers), so that all domains hosted
there share what is allowed. `[shapes.PROVIDER]` in penfold.toml changes any of it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.errors import ParseError
from penfold.base.limits import (
    SHAPE_CONNECTIONS_MAX,
    SHAPE_MESSAGES_MAX,
    SMTP_OUT_CONNECTIONS_MAX,
    SMTP_OUT_MESSAGES_MAX,
)
from penfold.spec.tables import amount_between, parse_flag, parse_table, suggest

#: What penfold.toml calls everybody who has no shape of his own.
OTHERS: Final = "others"


class Shape(Struct, frozen=True, gc=False):
    """connections: at a time, to all servers of the provider together. messages: over one of
    them. encrypted: never in clear.
    """

    connections: int = SMTP_OUT_CONNECTIONS_MAX
    messages: int = SMTP_OUT_MESSAGES_MAX
    encrypted: bool = False

    def __str__(self) -> str:
        clear = ", never in clear" if self.encrypted else ""
        return f"{self.connections} connections of {self.messages} messages{clear}"


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


_ENTRIES: Final = {
    "connections": amount_between(1, SHAPE_CONNECTIONS_MAX),
    "messages": amount_between(1, SHAPE_MESSAGES_MAX),
    "encrypted": parse_flag,
}


class NamedShape(Struct, frozen=True, gc=False):
    """A shape as penfold.toml changes it: of a provider, or of others."""

    provider: str
    shape: Shape

    def __str__(self) -> str:
        return f"{self.provider}: {self.shape}"


def parse_shapes(value: object) -> tuple[NamedShape, ...]:
    """Return the shapes that [shapes.PROVIDER] tables change; what one does not say stays as it
    is.
    """
    if not isinstance(value, dict):
        raise ParseError("must be [shapes.PROVIDER] tables in penfold.toml")
    return tuple(_parse_shape(name, table) for name, table in value.items())


def _parse_shape(name: str, table: object) -> NamedShape:
    known = [OTHERS, *filter(None, SHAPES)]
    if name not in known:
        raise ParseError(f"{name}: no such provider{suggest(name, known)}")
    try:
        return NamedShape(name, replace(SHAPES[_key(name)], **parse_table(table, _ENTRIES)))
    except ParseError as error:
        raise ParseError(f"{name}: {error}") from None


def merge_shapes(changed: Sequence[NamedShape]) -> Mapping[str, Shape]:
    """Return all shapes with those that are changed."""
    return {**SHAPES, **{_key(each.provider): each.shape for each in changed}}


def _key(provider: str) -> str:
    return "" if provider == OTHERS else provider
