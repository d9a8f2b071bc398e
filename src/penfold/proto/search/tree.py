"""The tree of a Gmail search query: what the parser makes and evaluators read.

Every node is immutable and means one thing: words are already tokenised, dates and relative
times already epoch seconds, system words already label numbers. What a node costs, and how it
is found on disk, is the compiler's affair.

`all_of`, `any_of` and `negate` build the canonical form: no And directly inside And, no Or
inside Or, no group of one, no double negation. The parser only makes canonical trees.
"""

from collections.abc import Iterable
from typing import Final, Literal
from unicodedata import normalize

from msgspec import Struct

from penfold.base.labels import SPAM, TRASH
from penfold.base.limits import LABEL_NAME_MAX

#: Where a text looks. "any" is subject, addresses, body and attachment names; "to" is To, Cc
#: and Bcc together. "body" has no operator of its own.
Place = Literal[
    "any", "subject", "from", "to", "cc", "bcc", "body", "filename", "list", "deliveredto"
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
    """Words that stand next to each other in one place, as `tokens.tokenise` gives them.

    In "filename" the last word is a prefix. No words match nothing.
    """

    place: Place
    words: tuple[str, ...]


class Around(Node, frozen=True, gc=False):
    """Two texts in one place with at most `distance` words between them.

    In either order, where they may also overlap; or, `ordered`, right begins behind left.
    """

    place: Place
    left: tuple[str, ...]
    right: tuple[str, ...]
    distance: int
    ordered: bool = False


class Me(Node, frozen=True, gc=False):
    """One of the account's own addresses in that place."""

    place: Place


class Addressed(Node, frozen=True, gc=False):
    """The address itself in that place, not one that holds it, upper and lower case alike."""

    place: Place
    address: str


class MessageId(Node, frozen=True, gc=False):
    """The message with this Message-ID, written without <>."""

    text: str


class System(Node, frozen=True, gc=False):
    """Carries this system label, a number of base.labels."""

    number: int


class Label(Node, frozen=True, gc=False):
    """Carries the user label with this `label_key`; nothing matches when there is none.

    When none has the very key, the first one counts that has the same `loose_label_key`.
    """

    key: str


class Has(Node, frozen=True, gc=False):
    """has:attachment, has:userlabels, or a kind of link."""

    word: Literal[
        "attachment", "userlabels", "drive", "document", "spreadsheet", "presentation", "youtube"
    ]


class After(Node, frozen=True, gc=False):
    """Indexed at or after the start of this epoch second."""

    epoch_s: int


class Before(Node, frozen=True, gc=False):
    """Indexed before the start of this epoch second."""

    epoch_s: int


class Larger(Node, frozen=True, gc=False):
    """At least so many octets."""

    size: int


class Smaller(Node, frozen=True, gc=False):
    """Fewer than so many octets."""

    size: int


class Anywhere(Node, frozen=True, gc=False):
    """in:anywhere: matches everything, and says that SPAM and TRASH are wanted."""


class Absent(Node, frozen=True, gc=False):
    """A state Gmail has a word for and no message here is ever in, such as in:snoozed."""

    operator: Literal["in", "has", "category"]
    word: str


def label_name(name: str) -> str:
    """Return a name as labels have it: single blanks, and NFC, so that none has a twin."""
    name = " ".join(name.split())
    # No label is as long; to put piled marks in order takes time by the square of their number.
    return name if len(name) > 4 * LABEL_NAME_MAX else normalize("NFC", name)


def label_key(name: str) -> str:
    """Return what label names are compared by.

    Gmail (observed): upper and lower case are equal, and so are space, / and -; runs of white
    space count as one space, also at the ends as none.
    """
    return label_name(name).lower().replace(" ", "-").replace("/", "-")


#: Gmail (observed by users): in a search these are all the same as "-"; the space and / are
#: in label_key.
LOOSE_IN_LABELS: Final = '&()"{}|^'
_LOOSE = str.maketrans(dict.fromkeys(LOOSE_IN_LABELS, "-"))


def loose_label_key(key: str) -> str:
    """Return a label_key as Gmail's interface writes it into a search."""
    return key.translate(_LOOSE)


def all_of(nodes: Iterable[Node]) -> Node:
    """Return the canonical And of these nodes."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.children if isinstance(node, And) else (node,))
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(nodes: Iterable[Node]) -> Node:
    """Return the canonical Or of these nodes."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.children if isinstance(node, Or) else (node,))
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def negate(node: Node) -> Node:
    """Return the node that matches where `node` does not."""
    return node.child if isinstance(node, Not) else Not(node)


def mentions_hidden(tree: Node) -> bool:
    """Say whether the query itself asks for spam or trash, so that they are not left out.

    Gmail (documented): in:spam, in:trash, in:anywhere and their other spellings do. A negated
    one does not ask for them (assumed): `-in:trash` still leaves SPAM out.
    """
    match tree:
        case And(children) | Or(children):
            return any(mentions_hidden(child) for child in children)
        case System(number):
            return number in (SPAM, TRASH)
        case Anywhere():
            return True
        case _:
            return False
