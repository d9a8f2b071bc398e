"""Whether one message matches a tree, without an index.

Filters ask this about a message on its way in; tests compare it with what the store's compiler
finds. A document's texts are normalised once, and then a phrase is a substring.
"""

from bisect import bisect_left
from collections.abc import Mapping

from penfold.base.labels import FIRST_USER_LABEL
from penfold.proto.search.document import Document, is_prefix, spell_out
from penfold.proto.search.tree import (
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
    loose_label_key,
)


def matches(
    tree: Node,
    document: Document,
    *,
    me: tuple[str, ...] = (),
    label_numbers: Mapping[str, int],
) -> bool:
    """Say whether the document matches.

    me: the account's own addresses. label_numbers: label_key -> number of its user labels.
    """
    match tree:
        case And(children):
            return all(
                matches(child, document, me=me, label_numbers=label_numbers) for child in children
            )
        case Or(children):
            return any(
                matches(child, document, me=me, label_numbers=label_numbers) for child in children
            )
        case Not(child):
            return not matches(child, document, me=me, label_numbers=label_numbers)
        case Label(key):
            return find_label_number(key, label_numbers) in document.labels
        case Me():
            return matches(spell_out(tree, me), document, label_numbers=label_numbers)
        case _:
            return _leaf_matches(tree, document)


def _leaf_matches(node: Node, document: Document) -> bool:
    match node:
        case (
            Text()
            | Around()
            | Addressed()
            | Has("attachment" | "drive" | "document" | "spreadsheet" | "presentation" | "youtube")
        ):
            return _words_match(spell_out(node, ()), document.texts)
        case MessageId(text):
            return document.message_id == text
        case System(number):
            return number in document.labels
        case Has("userlabels"):
            return any(number >= FIRST_USER_LABEL for number in document.labels)
        case After(epoch_s):
            return document.indexed_ms >= epoch_s * 1_000
        case Before(epoch_s):
            return document.indexed_ms < epoch_s * 1_000
        case Larger(size):
            return document.size >= size
        case Smaller(size):
            return document.size < size
        case _:
            return isinstance(node, Anywhere)


def _words_match(node: Node, texts: tuple[str, ...]) -> bool:
    match node:
        case Text(_, words) if words:
            phrase = f" {' '.join(words)}{'' if is_prefix(node) else ' '}"
            return any(phrase in text for text in texts)
        case Around():
            return any(_is_near(node, text.split()) for text in texts)
        case _:
            return False


def find_label_number(key: str, label_numbers: Mapping[str, int]) -> int | None:
    """Return the number of the label a query means by this key: see `tree.Label`."""
    if key in label_numbers:
        return label_numbers[key]
    loose = loose_label_key(key)
    found = [number for each, number in label_numbers.items() if loose_label_key(each) == loose]
    return min(found, default=None)


def _is_near(node: Around, words: list[str]) -> bool:
    """Say whether both stand near each other: the words from the end of one to the other count."""
    rights = _find_phrase(node.right, words)
    back = -len(node.left) if node.ordered else len(node.right) + node.distance
    for left in _find_phrase(node.left, words):
        nearest = bisect_left(rights, left - back)
        if nearest < len(rights) and rights[nearest] <= left + len(node.left) + node.distance:
            return True
    return False


def _find_phrase(phrase: tuple[str, ...], words: list[str]) -> list[int]:
    first, length = phrase[0], len(phrase)
    return [
        at
        for at, word in enumerate(words)
        if word == first and tuple(words[at : at + length]) == phrase
    ]
