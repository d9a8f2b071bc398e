"""A search in words that people understand, a line for each of its parts."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from penfold.base.labels import SYSTEM_LABELS
from penfold.proto.search.dates import find_pacific_day
from penfold.proto.search.tree import (
    Absent,
    Addressed,
    After,
    And,
    Around,
    Before,
    Has,
    Label,
    Larger,
    Me,
    MessageId,
    Node,
    Not,
    Or,
    Place,
    Smaller,
    System,
    Text,
)

_PLACES: Final[dict[Place, str]] = {
    "any": "",
    "subject": " in the subject",
    "from": " in the sender",
    "to": " in To, Cc or Bcc",
    "cc": " in Cc",
    "bcc": " in Bcc",
    "filename": " in the name of an attachment, where the last word may go on",
    "list": " in the mailing list",
    "deliveredto": " in Delivered-To",
}
_KINDS: Final = {
    "attachment": "an attachment",
    "userlabels": "a label of the user's",
    "drive": "a link to a file of Google Drive",
    "document": "a link to a document",
    "spreadsheet": "a link to a spreadsheet",
    "presentation": "a link to a presentation",
    "youtube": "a link to a video",
}


def _name_label(node: System | Label) -> str:
    return f"label {SYSTEM_LABELS[node.number - 1] if isinstance(node, System) else node.key}"


#: How a label is said.
LabelNames = Callable[[System | Label], str]


def describe(tree: Node, name_label: LabelNames = _name_label) -> list[str]:
    """Return what must be true of a message, indented by two spaces a level.

    name_label: says a label as the reader's mailbox has it.
    """
    return list(_outline(tree, 0, name_label))


def _outline(node: Node, depth: int, name_label: LabelNames) -> Iterator[str]:
    indent = "  " * depth
    match node:
        case And(()):
            yield f"{indent}anything"
        case Or(()):
            yield f"{indent}nothing"
        case And(children) | Or(children):
            yield f"{indent}{'all' if isinstance(node, And) else 'any'} of"
            for child in children:
                yield from _outline(child, depth + 1, name_label)
        case Not(And() | Or() as group):
            yield f"{indent}not"
            yield from _outline(group, depth + 1, name_label)
        case Not(child):
            yield f"{indent}not {_describe_leaf(child, name_label)}"
        case _:
            yield f"{indent}{_describe_leaf(node, name_label)}"


def _describe_leaf(node: Node, name_label: LabelNames) -> str:
    match node:
        case Text(place, words):
            return f"{_say_words(words)}{_PLACES[place]}"
        case Around(place, left, right, distance, ordered):
            order = ", in this order" if ordered else ""
            near = f"{_say_words(left)} within {distance} words of {_say_words(right)}"
            return f"{near}{order}{_PLACES[place]}"
        case Me(place):
            return f"an address of the account's own{_PLACES[place]}"
        case Addressed(place, address):
            return f"the address {address}{_PLACES[place]}"
        case MessageId(text):
            return f"the Message-ID {text}"
        case System() | Label():
            return name_label(node)
        case Has(word):
            return _KINDS[word]
        case _:
            return _describe_number(node)


def _describe_number(node: Node) -> str:
    match node:
        case After(epoch_s):
            return f"from {_say_time(epoch_s)} on"
        case Before(epoch_s):
            return f"before {_say_time(epoch_s)}"
        case Larger(size):
            return f"at least {size:,} bytes"
        case Smaller(size):
            return f"less than {size:,} bytes"
        case Absent(operator, word):
            return f"{operator}:{word}, which no message here ever is"
        case _:
            return "anything, spam and trash too"


def _say_words(words: tuple[str, ...]) -> str:
    if len(words) == 1:
        return f"the word {words[0]}"
    return f"the words {' '.join(words)} side by side"


def _say_time(epoch_s: int) -> str:
    """Return the instant; a day of the query's own zone by its date alone."""
    try:
        if day := find_pacific_day(epoch_s):
            return f"{day.isoformat()} 00:00 Pacific time"
        return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):  # beyond the year 9999
        return f"second {epoch_s}"
