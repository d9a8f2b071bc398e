"""Filters: what an account says about mail that is still to come.

A filter is kept as the API's type, without members that say nothing; domain.filtering reads it.
It refuses what could never match or never act. Gmail: documented, or reported by clients, where
no line says that it is assumed.
"""

import base64
from typing import Final

from msgspec import structs

from penfold.base.chance import Chance
from penfold.base.labels import (
    CATEGORY_FORUMS,
    CATEGORY_PERSONAL,
    CATEGORY_PROMOTIONS,
    CATEGORY_SOCIAL,
    CATEGORY_UPDATES,
    FIRST_USER_LABEL,
    IMPORTANT,
    INBOX,
    SPAM,
    STARRED,
    TRASH,
    UNREAD,
    find_label_number,
)
from penfold.base.limits import FILTER_TEXT_MAX, FILTERS_MAX
from penfold.domain.mailbox.filtering import EVERYTHING, make_tree
from penfold.domain.settings.forwarding import find_accepted
from penfold.domain.settings.mail_settings import drop_zeros
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.spec.problems import (
    FILTER_EXISTS,
    INVALID_FILTER,
    INVALID_LABEL,
    NOT_FOUND,
    TOO_MANY_FILTERS,
    UNRECOGNIZED_FORWARDING,
    ProblemError,
)
from penfold.spec.schemas import Filter, FilterAction, FilterCriteria

#: System labels a filter may add, and labels it may take off. Gmail (assumed): no others.
ADDABLE: Final = frozenset(
    {STARRED, IMPORTANT, TRASH, CATEGORY_FORUMS, CATEGORY_UPDATES, CATEGORY_PERSONAL,
     CATEGORY_PROMOTIONS, CATEGORY_SOCIAL}
)  # fmt: skip
REMOVABLE: Final = frozenset({INBOX, UNREAD, SPAM, IMPORTANT})

#: Gmail (observed): ids begin like this and look like base64url.
_ID_PREFIX: Final = "ANe1Bm"
_ID_OCTETS: Final = 24


def list_filters(box: MailboxReader) -> list[Filter]:
    return box.list_settings(Filter)


def get_filter(box: MailboxReader, filter_id: str) -> Filter:
    found = box.find_setting(Filter, filter_id)
    if found is None:
        raise ProblemError(NOT_FOUND)
    return found


def create_filter(box: MailboxWriter, wanted: Filter, *, now_ms: int, chance: Chance) -> Filter:
    """Store a filter under a new id; an id in the request is passed over."""
    criteria = _check_criteria(wanted.criteria or FilterCriteria(), now_ms=now_ms)
    action = _check_action(box, wanted.action or FilterAction())
    others = list_filters(box)
    if any(other.criteria == criteria and other.action == action for other in others):
        raise ProblemError(FILTER_EXISTS)
    if len(others) >= FILTERS_MAX:
        raise ProblemError(TOO_MANY_FILTERS, limit=FILTERS_MAX)
    octets = chance.getrandbits(8 * _ID_OCTETS).to_bytes(_ID_OCTETS)
    filter_id = _ID_PREFIX + base64.urlsafe_b64encode(octets).decode()
    made = Filter(id=filter_id, criteria=criteria, action=action)
    box.put_setting(made, filter_id)
    return made


def delete_filter(box: MailboxWriter, filter_id: str) -> None:
    if not box.delete_setting(Filter, filter_id):
        raise ProblemError(NOT_FOUND)


def _check_criteria(wanted: FilterCriteria, *, now_ms: int) -> FilterCriteria:
    criteria = drop_zeros(wanted)
    if criteria.size_comparison == "unspecified":
        criteria = drop_zeros(structs.replace(criteria, size_comparison=""))
    for value in structs.asdict(criteria).values():
        if isinstance(value, str) and len(value) > FILTER_TEXT_MAX:
            what = f"a text has more than {FILTER_TEXT_MAX} characters"
            raise ProblemError(INVALID_FILTER, what=what)
    if criteria.size and criteria.size < 0:
        raise ProblemError(INVALID_FILTER, what="size is negative")
    if bool(criteria.size) != bool(criteria.size_comparison):
        raise ProblemError(INVALID_FILTER, what="size and sizeComparison go together")
    if make_tree(criteria, now_ms=now_ms) == EVERYTHING:
        # Also a text without a word, as "---": as a search it finds all there is.
        raise ProblemError(INVALID_FILTER, what="criteria are empty")
    return criteria


def _check_action(box: MailboxReader, wanted: FilterAction) -> FilterAction:
    added = [_check_label(box, text, ADDABLE, users=True) for text in wanted.add_label_ids or ()]
    for text in wanted.remove_label_ids or ():
        _check_label(box, text, REMOVABLE, users=False)
    if len({number for number in added if number >= FIRST_USER_LABEL}) > 1:
        raise ProblemError(INVALID_FILTER, what="more than one user label")
    forward = wanted.forward and find_accepted(box, wanted.forward)
    if forward is None:
        raise ProblemError(UNRECOGNIZED_FORWARDING)
    action = drop_zeros(structs.replace(wanted, forward=forward))
    if action == FilterAction():
        raise ProblemError(INVALID_FILTER, what="action is empty")
    return action


def _check_label(box: MailboxReader, text: str, allowed: frozenset[int], *, users: bool) -> int:
    """Return the number of a label an action may name. A user label has to exist."""
    number = find_label_number(text)
    if number is not None and number in allowed:
        return number
    if users and number is not None and number >= FIRST_USER_LABEL and box.find_label(number):
        return number
    raise ProblemError(INVALID_LABEL, label=text)
