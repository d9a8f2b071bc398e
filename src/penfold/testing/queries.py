"""Random searches and random mail to search, from a random.Random.

Trees are canonical, as the parser makes them. The vocabulary is small, so that searches find
something. Query texts are anything from well-formed to noise.
"""

from random import Random
from typing import get_args

from msgspec import Struct

from penfold.base.labels import (
    CATEGORY_PERSONAL,
    CATEGORY_SOCIAL,
    CHAT,
    DRAFT,
    IMPORTANT,
    INBOX,
    SENT,
    SPAM,
    STARRED,
    TRASH,
    UNREAD,
)
from penfold.proto.mime.model import Address, Summary
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
    Place,
    Smaller,
    System,
    Text,
    all_of,
    any_of,
    negate,
)

ME = ("me@penfold.test", "self@penfold.test")
#: label_key -> number of the user labels random mail carries.
USER_LABELS = {"work": 100, "work-deep": 101, "kids": 102, "work(deep": 103, "(x)&": 104}

FIRST_S = 1_700_000_000
SPAN_S = 1_000_000

_WORDS = ("alpha", "beta", "gamma", "delta", "report", "invoice", "fiancé", "12")
_SOUGHT = (*_WORDS[:6], "fiance", "12", "bob", "example", "youtube", "rep", "inv", "pdf", "a", "zz")
_PLACES: tuple[Place, ...] = (
    "any", "any", "any", "any", "subject", "from", "to", "cc", "bcc", "filename", "list",
    "deliveredto",
)  # fmt: skip
_PERSONS: tuple[Place, ...] = ("from", "to", "cc", "bcc", "deliveredto")
_SYSTEM = (
    SENT, INBOX, IMPORTANT, TRASH, DRAFT, SPAM, STARRED, UNREAD, CHAT, CATEGORY_PERSONAL,
    CATEGORY_SOCIAL,
)  # fmt: skip
_ABSENT = (Absent("in", "snoozed"), Absent("has", "red-star"), Absent("category", "purchases"))
_LINKS = (
    "", "", "https://youtube.com/watch?v=1", "https://docs.google.com/document/d/1",
    "docs.google.com/spreadsheets", "see docs.google.com/presentation/2", "drive.google.com",
)  # fmt: skip
_ADDRESSES = (
    Address("Bob Alpha", "bob@delta.example"),
    Address("", "gamma-12@example.test"),
    Address("Me", ME[0]),
    Address("invoice report", ME[1]),
)
_NOISE = (
    "(", ")", "{", "}", '"', "-", "+", "|", ":", "OR", "AND", "NOT", "AROUND 3", "AROUND", "from:",
    "in:", "is:", "has:", "label:", "after:", "before:2024/02/30", "newer_than:3d", "size:", "\0",
    "larger:1M", "older_than:1y", "in:anywhere", "unknown:value", "é", "e\u0301", "日本", "\ud800",
    "subject:(", "from:{", "-{", "rfc822msgid:<a@b>", "filename:pdf", "category:primary", "*",
    "“", "”", "\u3000", '"alpha AROUND 3 beta"', "rfc822msgid:<a|{b}@c>", "larger:1.5K",
    "label:work&deep", "rfc822msgid:<", "AROUND 2 (",
)  # fmt: skip


class Mail(Struct, frozen=True):
    """A message to search: what the scanner would say of it, and what the mailbox knows."""

    id: int
    thread_id: int
    summary: Summary
    labels: frozenset[int]
    size: int


def make_mail(rng: Random, count: int) -> list[Mail]:
    """Return messages, some of them in common threads."""
    found: list[Mail] = []
    for _ in range(count):
        second = FIRST_S + rng.randrange(SPAN_S)
        message_id = (second * 1_000 + rng.choice((0, 1, 999))) << 20 | rng.randrange(1 << 20)
        joins = found and rng.random() < 0.5
        labels = (*_SYSTEM, *USER_LABELS.values())
        mail = Mail(
            id=message_id,
            thread_id=rng.choice(found).thread_id if joins else message_id,
            summary=_make_summary(rng),
            labels=frozenset(rng.sample(labels, rng.randrange(5))),
            size=rng.choice((10, 1_024, 5_000, 1 << 20)),
        )
        found.append(mail)
    return found


def _make_summary(rng: Random) -> Summary:
    return Summary(
        date_ms=None,
        message_id=rng.choice(("", "a@b", "c@d")),
        references=(),
        subject=_make_words(rng, 4),
        subject_key="",
        sender=(rng.choice(_ADDRESSES),),
        to=_make_addresses(rng),
        cc=_make_addresses(rng),
        bcc=_make_addresses(rng),
        snippet="",
        body=f"{_make_words(rng, 12)} {rng.choice(_LINKS)}",
        filenames=rng.choice(((), ("Report.pdf",), ("invoicing final.docx", "a.b c"))),
        has_attachment=rng.random() < 0.4,
        list_id=rng.choice(("", "<alpha.example>")),
        delivered_to=rng.choice(((), (ME[0],))),
    )


def _make_words(rng: Random, most: int) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(rng.randrange(most)))


def _make_addresses(rng: Random) -> tuple[Address, ...]:
    return tuple(rng.sample(_ADDRESSES, rng.choice((0, 1, 1, 2))))


def make_tree(rng: Random, depth: int) -> Node:
    """Return a canonical tree with groups nested at most so deep."""
    kind = rng.randrange(20) if depth else 19
    if kind < 6:
        return all_of(make_tree(rng, depth - 1) for _ in range(rng.randrange(1, 4)))
    if kind < 12:
        return any_of(make_tree(rng, depth - 1) for _ in range(rng.randrange(1, 4)))
    if kind < 15:
        return negate(make_tree(rng, depth - 1))
    return _make_text(rng) if rng.random() < 0.5 else _make_fact(rng)


def _make_text(rng: Random) -> Node:
    words = tuple(rng.choice(_SOUGHT) for _ in range(rng.choice((1, 1, 1, 2))))
    place = rng.choice(_PLACES)
    if rng.random() < 0.15:
        right = (rng.choice(_WORDS[:6]),)
        return Around(place, words, right, rng.randrange(5), rng.random() < 0.5)
    return Text(place, words)


def _make_fact(rng: Random) -> Node:
    return rng.choice((
        Me(rng.choice(_PERSONS)),
        Addressed(rng.choice(_PERSONS), rng.choice(_ADDRESSES).address),
        MessageId(rng.choice(("a@b", "c@d", "nowhere@all"))),
        System(rng.choice(_SYSTEM)),
        System(rng.choice(_SYSTEM)),
        Label(rng.choice((*USER_LABELS, "no-such-label", "work&deep", "-x--", "(x}&"))),
        Has(rng.choice(get_args(Has.__annotations__["word"]))),
        After(FIRST_S + rng.randrange(SPAN_S)),
        Before(FIRST_S + rng.randrange(SPAN_S)),
        Larger(rng.choice((0, 10, 1_024, 10**15 - 1))),
        Smaller(rng.choice((0, 10, 1_025, 10**15 - 1))),
        rng.choice(_ABSENT),
        Anywhere(),
        And(()),
    ))  # fmt: skip


def make_query_text(rng: Random, pieces: int) -> str:
    """Return a query of up to so many pieces, most of them misplaced."""
    count = rng.randrange(pieces + 1)
    chosen = (rng.choice(_NOISE if rng.random() < 0.6 else _SOUGHT) for _ in range(count))
    return "".join(piece + rng.choice(("", " ", " ")) for piece in chosen)
