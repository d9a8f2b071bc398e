"""What filters make of one arriving message.

Criteria become a tree of the query language, and all of them must hold. A filter judges the
message as it comes, before it is in INBOX, and every filter that matches acts. Gmail: documented.
"""

from functools import lru_cache
from typing import Final

from msgspec import Struct

from penfold.base.labels import CHAT, FIRST_USER_LABEL, INBOX, SPAM, find_label_number
from penfold.base.limits import FILTER_TREES_MAX
from penfold.domain.mailbox.arrival import Arrival
from penfold.domain.mailbox.changes import settle_labels
from penfold.ports.mailbox import MailboxReader
from penfold.proto.search.document import make_document
from penfold.proto.search.match import matches
from penfold.proto.search.parse import parse_query
from penfold.proto.search.tree import And, Has, Larger, Node, Smaller, System, all_of, negate
from penfold.spec.schemas import Filter, FilterCriteria

#: The tree that any message matches.
EVERYTHING: Final = And(())
_HOUR_MS: Final = 3_600_000


class Outcome(Struct, frozen=True, gc=False):
    """labels: with which the message is stored. forward: where filters send it, as they say."""

    labels: frozenset[int]
    forward: tuple[str, ...] = ()


def apply_filters(box: MailboxReader, filters: list[Filter], arrival: Arrival) -> Outcome:
    """Return what becomes of a message; a label that is gone is passed over."""
    if not filters:
        return Outcome(arrival.labels)
    document = make_document(
        arrival.letter.summary,
        labels=arrival.labels - {INBOX},
        indexed_ms=arrival.now_ms,
        size=len(arrival.letter.raw),
    )
    add: set[int] = set()
    remove: set[int] = set()
    forward: list[str] = []
    for each in filters:
        if not each.criteria or not each.action:
            continue
        tree = make_tree(each.criteria, now_ms=arrival.now_ms)
        if matches(tree, document, me=arrival.own, label_numbers={}):
            add |= _list_labels(box, each.action.add_label_ids or [])
            remove |= _list_labels(box, each.action.remove_label_ids or [])
            forward += [each.action.forward] if each.action.forward else []
    labels = arrival.labels
    if SPAM in labels & remove:
        # Never spam: it goes where it would have gone, which another action may still change.
        labels |= {INBOX}
        labels -= {SPAM}
    settled = settle_labels(labels - remove, add=frozenset(add))
    return Outcome(settled, tuple(forward))


def _list_labels(box: MailboxReader, texts: list[str]) -> set[int]:
    numbers = [number for text in texts if (number := find_label_number(text)) is not None]
    return {each for each in numbers if each < FIRST_USER_LABEL or box.find_label(each)}


def make_tree(criteria: FilterCriteria, *, now_ms: int) -> Node:
    """Return what a message must match. now_ms: see parse_query; only its hour counts.

    An arriving message is newer than any relative time and older than none, so that a tree can
    be kept: a thousand filters are not read again for every message.
    """
    return _make_tree(
        criteria.from_ or "",
        criteria.to or "",
        criteria.subject or "",
        criteria.query or "",
        criteria.negated_query or "",
        bool(criteria.has_attachment),
        bool(criteria.exclude_chats),
        criteria.size or 0,
        criteria.size_comparison or "",
        now_ms // _HOUR_MS,
    )


@lru_cache(maxsize=FILTER_TREES_MAX)
def _make_tree(  # noqa: PLR0913, PLR0917 - the members of FilterCriteria
    from_: str,
    to: str,
    subject: str,
    query: str,
    negated_query: str,
    has_attachment: bool,  # noqa: FBT001 - as above
    exclude_chats: bool,  # noqa: FBT001 - as above
    size: int,
    size_comparison: str,
    hour: int,
) -> Node:
    now_ms = hour * _HOUR_MS
    nodes = [
        parse_query(text, now_ms=now_ms, field=field)
        for field, text in (("from", from_), ("to", to), ("subject", subject), ("", query))
    ]
    refused = [
        parse_query(negated_query, now_ms=now_ms),
        System(CHAT) if exclude_chats else EVERYTHING,
    ]
    # A text without a word says nothing, and neither does its negation.
    nodes += [negate(node) for node in refused if node != EVERYTHING]
    if has_attachment:
        nodes.append(Has("attachment"))
    if size:
        nodes.append(Larger(size) if size_comparison == "larger" else Smaller(size))
    return all_of(nodes)
