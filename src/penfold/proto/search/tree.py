"""The tree of a Gmail search query: what the parser makes and compilers read.

Every node is immutable. A node holds exactly what the user wrote, split into fields; what a
field means on disk is the compiler's affair.
"""

from typing import Literal

from msgspec import Struct

#: Where a text term looks. "any" is subject, addresses, body and attachment names.
Place = Literal[
    "any", "subject", "from", "to", "cc", "bcc", "filename", "list", "deliveredto", "rfc822msgid"
]


class Node(Struct, frozen=True, gc=False, tag=True):
    """Any node of the tree."""


class And(Node, frozen=True, gc=False):
    """All children match; no children match everything."""

    children: tuple[Node, ...]


class Or(Node, frozen=True, gc=False):
    """Some child matches; no children match nothing."""

    children: tuple[Node, ...]


class Not(Node, frozen=True, gc=False):
    child: Node


class Text(Node, frozen=True, gc=False):
    """Tokens that stand next to each other in one place, as typed (not yet tokenised).

    exact: written with + or in quotes. `from:me` and `to:me` are Me.
    """

    place: Place
    text: str
    exact: bool = False


class Me(Node, frozen=True, gc=False):
    """from:me, to:me, cc:me, bcc:me, deliveredto:me."""

    place: Place


class Around(Node, frozen=True, gc=False):
    """Two texts within `distance` words."""

    left: Text
    right: Text
    distance: int


class Label(Node, frozen=True, gc=False):
    """label:NAME, in:WORD, is:WORD, category:WORD that name a label; name as typed.

    key: lower case with space, / and - made one separator, as label names are compared.
    """

    name: str
    key: str


class Is(Node, frozen=True, gc=False):
    """A state that is no label: read, unstarred, muted, snoozed, archive, anywhere, …"""

    word: str


class Has(Node, frozen=True, gc=False):
    """has:WORD: attachment, userlabels, nouserlabels, drive, youtube, yellow-star, …"""

    word: str


class After(Node, frozen=True, gc=False):
    """Indexed at or after this epoch second."""

    epoch_s: int


class Before(Node, frozen=True, gc=False):
    """Indexed before this epoch ms (exclusive); epoch queries are made inclusive by the parser."""

    epoch_ms: int


class NewerThan(Node, frozen=True, gc=False):
    """Indexed within the last so many hours, days, months or years."""

    count: int
    unit: Literal["h", "d", "m", "y"]


class OlderThan(Node, frozen=True, gc=False):
    count: int
    unit: Literal["h", "d", "m", "y"]


class Larger(Node, frozen=True, gc=False):
    """At least so many octets."""

    size: int


class Smaller(Node, frozen=True, gc=False):
    """Fewer than so many octets."""

    size: int


class Nothing(Node, frozen=True, gc=False):
    """Matches no message: an unknown label, an impossible date."""
