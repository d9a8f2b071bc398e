"""A message as search sees it: texts of words, and terms.

COLUMNS is the order in which a store indexes the texts that `make_texts` makes of a message. All
but the last hold what free text looks at. The last, `terms`, holds what operators ask for, each
word with the mark of its operator: `from:ann` asks for one word, whose entry in the index lists
the messages from Ann and no others, however often Ann is written to. What never changes about a
message is a term as well: kinds of links, attachments, orders of magnitude of its size.

`spell_out` turns what a query says into words, so that evaluators know words and labels alone.
Marks are private-use characters, which no text brings along (`tokens`). They are part of the
file format: changing one means a new index.
"""

from typing import Final

from msgspec import Struct, structs

from penfold.proto.mime.model import Address, Summary
from penfold.proto.search.tokens import fold, normalise, tokenise
from penfold.proto.search.tree import (
    Addressed,
    And,
    Around,
    Has,
    Larger,
    Me,
    Node,
    Not,
    Or,
    Place,
    Smaller,
    Text,
    all_of,
    any_of,
)

COLUMNS: Final = (
    "subject", "sender", "recipient", "cc", "bcc", "body", "filename", "attached", "terms",
)  # fmt: skip

_MARKS: Final[dict[Place, str]] = {
    "subject": "\ue001",
    "from": "\ue002",
    "to": "\ue003",
    "cc": "\ue004",
    "bcc": "\ue005",
    "filename": "\ue006",
    "list": "\ue007",
    "deliveredto": "\ue008",
}
#: Between the words of a whole address, which is one word then: from:ann@example.com.
_INSIDE: Final = "\ue00f"
#: On every beginning of a word of a file name: filename:home finds homework.txt.
_BEGINNING: Final = "\ue010"
_BEGINNING_MAX: Final = 32
_FACT: Final = "\ue011"
#: A size of at least, or below, 2 to this power.
_OVER: Final = "\ue012"
_UNDER: Final = "\ue013"
_OVERS: Final = (14, 16, 18, 20, 22, 24)
_UNDERS: Final = (12, 11, 10, 9)

#: The marks as a person reads them.
_SHOWN: Final = str.maketrans({
    **{mark: f"{place}:" for place, mark in _MARKS.items()},
    _INSIDE: ".", _BEGINNING: "filename:", _FACT: "has:", _OVER: "larger:2^", _UNDER: "smaller:2^",
})  # fmt: skip

#: has:WORD by the addresses such links have, in the text or behind it.
_LINKS: Final[dict[str, tuple[str, ...]]] = {
    "drive": ("drive.google.com", "docs.google.com"),
    "document": ("docs.google.com/document",),
    "spreadsheet": ("docs.google.com/spreadsheets",),
    "presentation": ("docs.google.com/presentation",),
    "youtube": ("youtube.com", "youtu.be"),
}
_LINK_WORDS: Final = tuple(
    (word, normalise(link)) for word, links in _LINKS.items() for link in links
)


class Document(Struct, frozen=True, gc=False):
    """One message. texts: words with a space around each, as COLUMNS. indexed_ms: its id's time."""

    texts: tuple[str, ...]
    labels: frozenset[int]
    indexed_ms: int
    size: int
    message_id: str


def make_document(
    summary: Summary,
    *,
    labels: frozenset[int],
    indexed_ms: int,
    size: int,
    attached: str = "",
) -> Document:
    texts = make_texts(summary, size, attached)
    return Document(
        texts=tuple(f" {' '.join(text.split())} " for text in texts),
        labels=labels,
        indexed_ms=indexed_ms,
        size=size,
        message_id=summary.message_id,
    )


def make_texts(summary: Summary, size: int, attached: str = "") -> tuple[str, ...]:
    """Return words parted by spaces for each of COLUMNS.

    size: octets of the message. attached: text found inside its attachments.
    """
    subject = fold(summary.subject)
    sender, to, cc, bcc = map(
        _fold_addresses, (summary.sender, summary.to, summary.cc, summary.bcc)
    )
    body = fold(summary.body)
    filename = fold("\n".join(summary.filenames))
    terms = [
        *_mark("subject", subject),
        *_mark("from", sender),
        *_mark("to", f"{to} {cc} {bcc}"),
        *_mark("cc", cc),
        *_mark("bcc", bcc),
        *_mark("filename", filename),
        *_mark("list", fold(summary.list_id)),
        *_mark("deliveredto", fold("\n".join(summary.delivered_to))),
        *_list_addresses("from", summary.sender),
        *_list_addresses("to", (*summary.to, *summary.cc, *summary.bcc)),
        *_list_addresses("cc", summary.cc),
        *_list_addresses("bcc", summary.bcc),
        *(_MARKS["deliveredto"] + _join_address(each) for each in summary.delivered_to),
        *_list_beginnings(filename),
        *_list_facts(summary, body, size),
    ]
    return subject, sender, to, cc, bcc, body, filename, fold(attached), " ".join(terms)


def spell_tree(tree: Node, me: tuple[str, ...], *, negated: bool = False) -> Node:
    """Return the tree (or its negation) spelled out, with Not on leaves alone.

    me: the account's own addresses.
    """
    match tree:
        case Not(child):
            return spell_tree(child, me, negated=not negated)
        case And(children) | Or(children):
            spelled = [spell_tree(child, me, negated=negated) for child in children]
            return all_of(spelled) if isinstance(tree, And) is not negated else any_of(spelled)
        case Larger(size) if negated:
            return spell_out(Smaller(size), me)
        case Smaller(size) if negated:
            return spell_out(Larger(size), me)
        case _:
            leaf = spell_out(tree, me)
            return _exclude(leaf) if negated else leaf


def _exclude(leaf: Node) -> Node:
    if isinstance(leaf, Or):  # one of the account's addresses
        return all_of(map(Not, leaf.children))
    return Not(leaf)


def spell_out(node: Node, me: tuple[str, ...]) -> Node:
    """Return what one node stands for, in words where there are words for it.

    Text and Around come back as words to look for in any of the texts; in a Text whose place is
    "filename" the last word may go on. me: the account's own addresses.
    """
    match node:
        case Text(place, words) if place in _MARKS:
            if place == "filename":
                return _spell_filename(words)
            return Text("any", _mark_words(place, words))
        case Around(place, left, right) if place in _MARKS:
            left, right = _mark_words(place, left), _mark_words(place, right)
            return structs.replace(node, place="any", left=left, right=right)
        case Me(place):
            return any_of(spell_out(Addressed(place, address), ()) for address in me)
        case Addressed(place, address):
            return Text("any", (_MARKS[place] + _join_address(address),))
        case Has(word) if word != "userlabels":
            return Text("any", (_FACT + word,))
        case Larger(size):
            return _narrow(node, _OVER, [power for power in _OVERS if 1 << power <= size][-1:])
        case Smaller(size):
            return _narrow(node, _UNDER, [power for power in _UNDERS if size <= 1 << power][-1:])
        case _:
            return node


def show_marks(text: str) -> str:
    """Return spelled-out text with the marks replaced by the names of their operators."""
    return text.translate(_SHOWN)


def is_prefix(node: Text) -> bool:
    """Say whether the last word of a text that was spelled out may go on."""
    return node.place == "filename"


def _spell_filename(words: tuple[str, ...]) -> Text:
    if len(words) == 1:
        return Text("any", (_BEGINNING + words[0][:_BEGINNING_MAX],))
    return Text("filename", _mark_words("filename", words))


def _narrow(node: Node, mark: str, powers: list[int]) -> Node:
    """Return the node, and with it the term that leaves few messages to look at."""
    return all_of([*(Text("any", (f"{mark}{power}",)) for power in powers), node])


def _mark_words(place: Place, words: tuple[str, ...]) -> tuple[str, ...]:
    mark = _MARKS[place]
    return tuple([mark + word for word in words])


def _mark(place: Place, text: str) -> list[str]:
    mark = _MARKS[place]
    return [mark + word for word in text.split()]


def _list_addresses(place: Place, addresses: tuple[Address, ...]) -> list[str]:
    return [_MARKS[place] + _join_address(each.address) for each in addresses]


def _join_address(address: str) -> str:
    return _INSIDE.join(tokenise(address))


def _list_beginnings(filename: str) -> list[str]:
    beginnings = {
        word[:end]
        for word in filename.split()
        for end in range(1, min(len(word), _BEGINNING_MAX) + 1)
    }
    return [_BEGINNING + each for each in sorted(beginnings)]


def _list_facts(summary: Summary, body: str, size: int) -> list[str]:
    facts = {_FACT + "attachment"} if summary.has_attachment else set()
    seen = f"{body} {fold(chr(10).join(summary.links))}" if summary.links else body
    if " google " in seen or " youtu" in seen:  # the rest costs more than finding that out
        text = f" {' '.join(seen.split())} "
        facts |= {_FACT + word for word, link in _LINK_WORDS if link in text}
    facts |= {f"{_OVER}{power}" for power in _OVERS if size >= 1 << power}
    facts |= {f"{_UNDER}{power}" for power in _UNDERS if size < 1 << power}
    return sorted(facts)


def _fold_addresses(addresses: tuple[Address, ...]) -> str:
    return fold("\n".join(f"{each.name} {each.address}" for each in addresses))
