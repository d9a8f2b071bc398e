"""A tree as query text, in one canonical spelling.

Parsing what is printed gives the same tree again, as long as it stays within the parser's
limits of length, words and nesting.
"""

import re

from penfold.base.labels import SYSTEM_LABELS
from penfold.proto.search.tree import (
    Absent,
    Addressed,
    After,
    And,
    Anywhere,
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
    Smaller,
    System,
    Text,
)

_BARE = re.compile(r'[^\s"(){}|]+')
_ANGLED = re.compile(r'[^<>\s"]+')


def print_query(tree: Node) -> str:
    """Return q for a canonical tree."""
    if isinstance(tree, And) and tree.children:
        return " ".join(_term(child) for child in tree.children)
    return _term(tree)


def _term(node: Node) -> str:
    match node:
        case And(()):
            return "in:all"
        case And(children):
            return f"({' '.join(map(_term, children))})"
        case Or(children):
            return f"{{{' '.join(map(_term, children))}}}"
        case Not(child):
            return f"-{_term(child)}"
        case Text(place, words):
            return _field("" if place == "any" else place, " ".join(words))
        case Around(place, left, right, distance, ordered):
            field = "" if place == "any" else place
            if ordered:
                return _field(field, f"{' '.join(left)} AROUND {distance} {' '.join(right)}")
            return f'{_field(field, " ".join(left))} AROUND {distance} "{" ".join(right)}"'
        case _:
            return _leaf(node)


def _leaf(node: Node) -> str:
    match node:
        case Me(place):
            return f"{place}:me"
        case Addressed(place, address):
            return _field(place, address)
        case MessageId(text):
            return _message_id(text)
        case System(number):
            return f"in:{SYSTEM_LABELS[number - 1].lower()}"
        case Label(key):
            return _field("label", key)
        case Has(word):
            return f"has:{word}"
        case After(epoch_s):
            return f"after:{epoch_s}"
        case Before(epoch_s):
            return f"before:{epoch_s - 1}"
        case Larger(size):
            return f"larger:{size}"
        case Smaller(size):
            return f"smaller:{size}"
        case Absent(operator, word):
            return f"{operator}:{word}"
        case _:
            assert isinstance(node, Anywhere), f"no spelling for {node!r}"
            return "in:anywhere"


def _message_id(text: str) -> str:
    if _ANGLED.fullmatch(text):
        return f"rfc822msgid:<{text}>"
    return _field("rfc822msgid", text)


def _field(name: str, value: str) -> str:
    text = value if _BARE.fullmatch(value) else f'"{value}"'
    return f"{name}:{text}" if name else text
