"""What each `name:value` of a query means.

`find_term` turns one name and one value into a tree. A value an operator cannot use is None,
and the parser then reads the whole as text, as it does with names nobody knows (Gmail: assumed;
no client has ever seen a syntax error).
"""

import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from penfold.base.labels import (
    CATEGORY_FORUMS,
    CATEGORY_PERSONAL,
    CATEGORY_PROMOTIONS,
    CATEGORY_SOCIAL,
    CATEGORY_UPDATES,
    CHAT,
    DRAFT,
    INBOX,
    SENT,
    SPAM,
    STARRED,
    SYSTEM_LABELS,
    TRASH,
    UNREAD,
)
from penfold.proto.search.dates import find_ago, find_date, find_epoch
from penfold.proto.search.tokens import tokenise
from penfold.proto.search.tree import (
    Absent,
    Addressed,
    After,
    And,
    Anywhere,
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
    label_key,
)

#: A value that holds nothing to search for; the term is ignored. Known by identity: in:all is
#: an equal tree.
EMPTY: Final = And(())

#: Sizes and times beyond these say no more than these.
_NUMBER_MAX = 10**15 - 1
_SIZE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,6}))?([kKmMgG]?)[bB]?")
#: Gmail (documented): K and M. Gmail (assumed): powers of two, a G, and parts of a unit (1.5M).
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

#: Words that mean a system label after label:, in: and is: alike (clients: interchangeable).
_SYSTEM_WORDS = {
    **{name.lower(): number for number, name in enumerate(SYSTEM_LABELS, start=1)},
    "drafts": DRAFT,
    "chats": CHAT,
    "yellow_star": STARRED,
}

#: Gmail (assumed): archive is what lies in no system place.
_PLACES_OF_THEIR_OWN = (INBOX, SENT, DRAFT, CHAT, SPAM, TRASH)
_STATES: dict[str, Node] = {
    "read": Not(System(UNREAD)),
    "unstarred": Not(System(STARRED)),
    "anywhere": Anywhere(),
    "all": And(()),
    "archive": And(tuple(Not(System(number)) for number in _PLACES_OF_THEIR_OWN)),
    "snoozed": Absent("in", "snoozed"),
    "scheduled": Absent("in", "scheduled"),
    "muted": Absent("in", "muted"),
}

_CATEGORIES: dict[str, Node] = {
    # Gmail (documented): primary is CATEGORY_PERSONAL, or inbox mail in no other category.
    "primary": Or((
        System(CATEGORY_PERSONAL),
        And((
            System(INBOX),
            Not(System(CATEGORY_SOCIAL)),
            Not(System(CATEGORY_PROMOTIONS)),
            Not(System(CATEGORY_UPDATES)),
            Not(System(CATEGORY_FORUMS)),
        )),
    )),
    "personal": System(CATEGORY_PERSONAL),  # Gmail (assumed): by the name of the label
    "social": System(CATEGORY_SOCIAL),
    "promotions": System(CATEGORY_PROMOTIONS),
    "updates": System(CATEGORY_UPDATES),
    "forums": System(CATEGORY_FORUMS),
    "reservations": Absent("category", "reservations"),
    "purchases": Absent("category", "purchases"),
}  # fmt: skip

#: The API cannot set stars other than the yellow one (Gmail: documented).
_OTHER_STARS = (
    "orange-star", "red-star", "purple-star", "blue-star", "green-star", "red-bang",
    "yellow-bang", "orange-guillemet", "green-check", "blue-info", "purple-question",
)  # fmt: skip
_HAS: dict[str, Node] = {
    "attachment": Has("attachment"),
    "userlabels": Has("userlabels"),
    "nouserlabels": Not(Has("userlabels")),
    "drive": Has("drive"),
    "document": Has("document"),
    "spreadsheet": Has("spreadsheet"),
    "presentation": Has("presentation"),
    "youtube": Has("youtube"),
    "yellow-star": System(STARRED),
    **{star: Absent("has", star) for star in _OTHER_STARS},
}


class Operator(Struct, frozen=True, gc=False):
    """A known name: what it makes of a value. now_ms is for times that count from now."""

    name: str
    find: Callable[[str, int], Node | None]


def find_text(place: Place, value: str) -> Node:
    """Return the words of a value in a place; EMPTY when it has none."""
    words = tokenise(value)
    return Text(place, words) if words else EMPTY


def _text(place: Place) -> Callable[[str, int], Node]:
    return lambda value, _now_ms: find_text(place, value)


def _person(place: Place) -> Callable[[str, int], Node]:
    def find(value: str, _now_ms: int) -> Node:
        address = value.removeprefix("<").removesuffix(">").lower()
        if _is_address(address):
            return Addressed(place, address)
        text = find_text(place, value)
        return Me(place) if text == Text(place, ("me",)) else text

    return find


def _is_address(text: str) -> bool:
    """Gmail (documented): addresses are found whole, and in parts when a part is asked for."""
    local, at, domain = text.partition("@")
    plain = bool(at) and not any(each in text for each in ' \t\r\n<>"') and "@" not in domain
    return plain and bool(tokenise(local)) and bool(tokenise(domain))


def _message_id(value: str, _now_ms: int) -> Node:
    text = value.strip("<> \t\r\n")
    return MessageId(text) if text else EMPTY


def _label(value: str, _now_ms: int) -> Node:
    key = label_key(value)
    if number := _SYSTEM_WORDS.get(key):
        return System(number)
    return Label(key) if key else EMPTY


def _state(value: str, now_ms: int) -> Node:
    return _STATES.get(value.lower()) or _label(value, now_ms)


def _category(value: str, _now_ms: int) -> Node | None:
    return _CATEGORIES.get(value.lower())


def _has(value: str, _now_ms: int) -> Node | None:
    return _HAS.get(value.lower())


def _after(value: str, _now_ms: int) -> Node | None:
    second = find_date(value)
    if second is None:
        second = find_epoch(value)
    return None if second is None else After(second)


def _before(value: str, _now_ms: int) -> Node | None:
    """Gmail (observed): a date is excluded, an epoch second included."""
    second = find_date(value)
    if second is None and (epoch := find_epoch(value)) is not None:
        second = epoch + 1
    return None if second is None else Before(second)


def _newer_than(value: str, now_ms: int) -> Node | None:
    second = find_ago(value, now_ms=now_ms)
    return None if second is None else After(second)


def _older_than(value: str, now_ms: int) -> Node | None:
    second = find_ago(value, now_ms=now_ms)
    return None if second is None else Before(second)


def _size(make: Callable[[int], Node]) -> Callable[[str, int], Node | None]:
    def find(value: str, _now_ms: int) -> Node | None:
        found = _SIZE.fullmatch(value)
        if not found:
            return None
        whole, part, unit = found.groups()
        octets = _UNITS[unit.lower()]
        size = int(whole) * octets + int(part or 0) * octets // 10 ** len(part or "")
        return make(min(size, _NUMBER_MAX))

    return find


_FINDERS: dict[str, Callable[[str, int], Node | None]] = {
    "from": _person("from"),
    "to": _person("to"),
    "cc": _person("cc"),
    "bcc": _person("bcc"),
    "deliveredto": _person("deliveredto"),
    "list": _text("list"),
    "subject": _text("subject"),
    "filename": _text("filename"),
    "rfc822msgid": _message_id,
    "label": _label,
    "in": _state,
    "is": _state,
    "has": _has,
    "category": _category,
    "after": _after,
    "newer": _after,
    "before": _before,
    "older": _before,
    "newer_than": _newer_than,
    "older_than": _older_than,
    "larger": _size(Larger),
    "size": _size(Larger),
    "smaller": _size(Smaller),
}
OPERATORS: Final = {name: Operator(name, find) for name, find in _FINDERS.items()}
