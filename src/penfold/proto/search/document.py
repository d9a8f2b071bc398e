"""A message as search sees it: nine texts and a few facts.

COLUMNS is the order in which a store indexes the texts; `make_texts` makes them from what the
MIME scanner found. `spell_out` turns the nodes that are only short for texts into those texts,
so that evaluators know texts alone.
"""

from typing import Final

from msgspec import Struct

from penfold.proto.mime.model import Address, Summary
from penfold.proto.search.tokens import normalise, tokenise
from penfold.proto.search.tree import Has, Me, Node, Place, Text, any_of

COLUMNS: Final = (
    "subject", "sender", "recipient", "cc", "bcc", "body", "filename", "list", "deliveredto",
)  # fmt: skip

#: Where a place looks. Gmail's filter documentation: to: covers To, Cc and Bcc.
COLUMNS_OF: Final[dict[Place, tuple[str, ...]]] = {
    "any": COLUMNS[:7],
    "subject": ("subject",),
    "from": ("sender",),
    "to": ("recipient", "cc", "bcc"),
    "cc": ("cc",),
    "bcc": ("bcc",),
    "body": ("body",),
    "filename": ("filename",),
    "list": ("list",),
    "deliveredto": ("deliveredto",),
}

_PLACES: Final = {
    place: tuple(map(COLUMNS.index, columns)) for place, columns in COLUMNS_OF.items()
}

#: Letters from which on the last word of filename: is a prefix. A shorter one would gather a
#: good part of the whole index, and no file type needs it.
PREFIX_MIN: Final = 3

#: has:WORD by the addresses such links have, as they are seen in readable text.
_LINKS: dict[str, tuple[str, ...]] = {
    "drive": ("drive.google.com", "docs.google.com"),
    "document": ("docs.google.com/document",),
    "spreadsheet": ("docs.google.com/spreadsheets",),
    "presentation": ("docs.google.com/presentation",),
    "youtube": ("youtube.com", "youtu.be"),
}


class Document(Struct, frozen=True, gc=False):
    """One message. texts: normalised, in the order of COLUMNS. indexed_ms: its id's time."""

    texts: tuple[str, ...]
    labels: frozenset[int]
    indexed_ms: int
    size: int
    message_id: str
    has_attachment: bool

    def select(self, place: Place) -> list[str]:
        """Return the texts of a place."""
        return [self.texts[at] for at in _PLACES[place]]


def make_document(
    summary: Summary, *, labels: frozenset[int], indexed_ms: int, size: int
) -> Document:
    return Document(
        texts=tuple(map(normalise, make_texts(summary))),
        labels=labels,
        indexed_ms=indexed_ms,
        size=size,
        message_id=summary.message_id,
        has_attachment=summary.has_attachment,
    )


def make_texts(summary: Summary) -> tuple[str, ...]:
    """Return the texts to index, in the order of COLUMNS."""
    return (
        summary.subject,
        _join(summary.sender),
        _join(summary.to),
        _join(summary.cc),
        _join(summary.bcc),
        summary.body,
        "\n".join(summary.filenames),
        summary.list_id,
        "\n".join(summary.delivered_to),
    )


def _join(addresses: tuple[Address, ...]) -> str:
    return "\n".join(f"{each.name} {each.address}" for each in addresses)


def is_prefix(node: Text) -> bool:
    """Say whether the last word of a text stands for all words that begin with it."""
    return node.place == "filename" and len(node.words[-1]) >= PREFIX_MIN


def spell_out(node: Me | Has, me: tuple[str, ...]) -> Node:
    """Return the texts that from:me, has:youtube and their kin stand for."""
    if isinstance(node, Me):
        return any_of(Text(node.place, tokenise(address)) for address in me)
    return any_of(Text("body", tokenise(link)) for link in _LINKS[node.word])
