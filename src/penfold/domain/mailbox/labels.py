"""What labels mean: which exist, who may put them where, and what user labels may be called.

Owns the rules for label ids in requests, for INBOX, SPAM and TRASH shutting each other out, and
for the life of user labels. It refuses names that are reserved or taken and colours outside the
palette. Invariant: two user labels never share a conflict key (proto.search.tree.label_key).
Gmail: observed 2026-09/10 unless a line says otherwise.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from msgspec import UNSET, UnsetType, structs

from penfold.base.labels import (
    CHAT,
    DRAFT,
    FIRST_USER_LABEL,
    SENT,
    UNREAD,
    YELLOW_STAR,
    find_label_number,
    format_label_id,
)
from penfold.base.limits import LABEL_NAME_MAX, LABELS_MAX
from penfold.domain.mailbox.changes import change_labels
from penfold.ports.mailbox import LabelRow, MailboxReader, MailboxWriter, MessageRow
from penfold.proto.search.tree import label_key, label_name
from penfold.spec.problems import (
    INVALID_COLOR,
    INVALID_DELETE,
    INVALID_LABEL,
    INVALID_LABEL_NAME,
    INVALID_UPDATE,
    LABEL_EXISTS,
    LABEL_ID_NOT_FOUND,
    NOT_FOUND,
    TOO_MANY_USER_LABELS,
    ProblemError,
)
from penfold.spec.schemas import Label, LabelColor

#: Labels only the server moves. Gmail (assumed): YELLOW_STAR follows STARRED by itself.
NOT_CHANGEABLE: Final = frozenset({SENT, DRAFT, CHAT, YELLOW_STAR})
#: insert and import may also say SENT and DRAFT.
NOT_INSERTABLE: Final = frozenset({CHAT, YELLOW_STAR})

#: Refused as a whole name in any case; fine as the first part of a nested name.
RESERVED_NAMES: Final = frozenset(
    {"inbox", "spam", "trash", "sent", "drafts", "starred", "important", "unread", "chats"}
)

#: Background and text colours, the same set for both. Gmail: the documented palette.
PALETTE: Final = frozenset(
    "#" + color
    for color in """
    000000 434343 666666 999999 cccccc efefef f3f3f3 ffffff fb4c2f ffad47 fad165 16a766 43d692
    4a86e8 a479e2 f691b3 f6c5be ffe6c7 fef1d1 b9e4d0 c6f3de c9daf8 e4d7f5 fcdee8 efa093 ffd6a2
    fce8b3 89d3b2 a0eac9 a4c2f4 d0bcf1 fbc8d9 e66550 ffbc6b fcda83 44b984 68dfa9 6d9eeb b694e8
    f7a7c0 cc3a21 eaa041 f2c960 149e60 3dc789 3c78d8 8e63ce e07798 ac2b16 cf8933 d5ae49 0b804b
    2a9c68 285bac 653e9b b65775 822111 a46a21 aa8831 076239 1a764d 1c4587 41236d 83334c 464646
    e7e7e7 0d3472 b6cff5 0d3b44 98d7e4 3d188e e3d7ff 711a36 fbd3e0 8a1c0a f2b2a8 7a2e0b ffc8af
    7a4706 ffdeb5 594c05 fbe983 684e07 fdedc1 0b4f30 b3efd3 04502e a2dcc1 c2c2c2 4986e7 2da2bb
    b99aff 994a64 ff7537 ffad46 662e37 ebdbde cca6ac 094228 42d692 16a765 757575 1e53b8 007286
    7858c3 c2185b d93025 54240e 633e04 521d28 202124 083018
    """.split()
)

_USER_LABEL_SHAPE = re.compile(r"Label_[0-9]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


# --- label ids in requests ---------------------------------------------------------------


@lru_cache(maxsize=4096)
def _label_ids(labels: frozenset[int]) -> tuple[str, ...]:
    # Gmail gives no order; answers seen begin with UNREAD.
    ordered = sorted(labels, key=lambda number: (number != UNREAD, number))
    return tuple(format_label_id(number) for number in ordered)


def label_ids(labels: frozenset[int]) -> list[str]:
    """Return the public ids of a message's labels; mailboxes use few combinations, so cached."""
    return list(_label_ids(labels))


def get_label_number(box: MailboxReader, text: str) -> int:
    """Return the number of an existing label; ids only, a name is no id."""
    number = find_label_number(text)
    if number is None:
        if _USER_LABEL_SHAPE.fullmatch(text):
            raise ProblemError(LABEL_ID_NOT_FOUND)
        raise ProblemError(INVALID_LABEL, label=text)
    if number >= FIRST_USER_LABEL and box.find_label(number) is None:
        raise ProblemError(LABEL_ID_NOT_FOUND)
    return number


def get_label_numbers(
    box: MailboxReader, texts: Iterable[str], *, refused: frozenset[int] = frozenset()
) -> frozenset[int]:
    """Return the numbers of existing labels, none of them in `refused`."""
    numbers = set()
    for text in texts:
        number = get_label_number(box, text)
        if number in refused:
            raise ProblemError(INVALID_LABEL, label=text)
        numbers.add(number)
    return frozenset(numbers)


# --- user labels -------------------------------------------------------------------------


def list_labels(box: MailboxReader) -> list[Label]:
    """Return every label as labels.list shows it: without counters."""
    return [_to_schema(row, kind=True) for row in box.list_labels()]


def get_label(box: MailboxReader, text: str) -> Label:
    """Return one label with its counters."""
    row = _get_row(box, text)
    label = _to_schema(row, kind=True)
    label.messages_total = row.messages_total
    label.messages_unread = row.messages_unread
    label.threads_total = row.threads_total
    label.threads_unread = row.threads_unread
    return label


def create_label(box: MailboxWriter, wanted: Label) -> Label:
    """Store a user label. The answer has no `type`, unlike those of list and get."""
    row = _merge(_BLANK, wanted)
    key = _check_name(box, row)
    row = box.add_label(row, key=key)
    _check_room(box, row)
    return _to_schema(row, kind=False)


def update_label(box: MailboxWriter, text: str, wanted: Label, *, merge: bool) -> Label:
    """Change a label: PATCH merges the given members, PUT replaces them all.

    A member that is empty ("") was cleared, by null or by itself: it gets its default back.
    """
    old = _get_row(box, text)
    new = _merge(old if merge else structs.replace(old, **_DEFAULTS), wanted)
    system = old.number < FIRST_USER_LABEL
    if (wanted.id or text) != text or (wanted.type or _kind(old)) != _kind(old):
        raise ProblemError(INVALID_UPDATE)
    if system:
        # Gmail (assumed): nothing of a system label can be changed; saying what it is passes.
        if _merge(old, wanted) != old:
            raise ProblemError(INVALID_UPDATE)
        return _to_schema(old, kind=True)
    box.update_label(new, key=_check_name(box, new))
    return _to_schema(new, kind=True)


def delete_label(box: MailboxWriter, text: str, *, now_ms: int) -> None:
    """Take a user label off everything, one history record per thread, and forget it."""
    row = _get_row(box, text)
    if row.number < FIRST_USER_LABEL:
        raise ProblemError(INVALID_DELETE)
    threads: dict[int, list[MessageRow]] = {}
    for message_id in box.list_labelled(row.number):
        message = box.find_message(message_id)
        if message is not None:
            threads.setdefault(message.thread_id, []).append(message)
    for messages in threads.values():
        change_labels(box, messages, remove=frozenset({row.number}), now_ms=now_ms)
    box.delete_label(row.number)


#: What a user label is when nothing is said.
_DEFAULTS: Final = {
    "name": "",
    "message_list_visibility": "show",
    "label_list_visibility": "labelShow",
    "background_color": "",
    "text_color": "",
}
_BLANK: Final = LabelRow(
    number=0,
    messages_total=0,
    messages_unread=0,
    threads_total=0,
    threads_unread=0,
    **_DEFAULTS,
)


def _get_row(box: MailboxReader, text: str) -> LabelRow:
    number = find_label_number(text)
    row = None if number is None else box.find_label(number)
    if row is None:
        raise ProblemError(NOT_FOUND)
    return row


def _merge(row: LabelRow, wanted: Label) -> LabelRow:
    """Return the row with the members that are given."""
    background, text = _merge_color((row.background_color, row.text_color), wanted.color)
    return structs.replace(
        row,
        name=label_name(wanted.name) if wanted.name is not UNSET else row.name,
        **{
            name: getattr(wanted, name) or _DEFAULTS[name]
            for name in ("message_list_visibility", "label_list_visibility")
            if getattr(wanted, name) is not UNSET
        },
        background_color=background,
        text_color=text,
    )


def _check_name(box: MailboxReader, row: LabelRow) -> str:
    """Return the conflict key of a label's name once it may have that name."""
    name = row.name
    if not name or len(name) > LABEL_NAME_MAX or _CONTROL.search(name):
        raise ProblemError(INVALID_LABEL_NAME)
    if name.lower() in RESERVED_NAMES:
        raise ProblemError(INVALID_LABEL_NAME)
    key = label_key(name)
    other = box.find_label_by_key(key)
    if other is not None and other.number != row.number:
        raise ProblemError(LABEL_EXISTS)
    return key


def _merge_color(old: tuple[str, str], color: LabelColor | UnsetType) -> tuple[str, str]:
    """Return background and text; both or neither, from the palette, lower case."""
    if color is UNSET:
        return old
    # Gmail (assumed): one colour alone keeps the other.
    pair = (
        old[0] if color.background_color is UNSET else color.background_color,
        old[1] if color.text_color is UNSET else color.text_color,
    )
    if pair in (old, ("", "")):
        return pair
    for value in pair:
        if value not in PALETTE:
            raise ProblemError(INVALID_COLOR, color=value)
    return pair


def _check_room(box: MailboxReader, newest: LabelRow) -> None:
    # Numbers are never reused, so a low one proves that there is room without counting.
    if newest.number < FIRST_USER_LABEL + LABELS_MAX:
        return
    count = sum(row.number >= FIRST_USER_LABEL for row in box.list_labels())
    if count > LABELS_MAX:
        raise ProblemError(TOO_MANY_USER_LABELS, limit=LABELS_MAX)


def _kind(row: LabelRow) -> str:
    return "system" if row.number < FIRST_USER_LABEL else "user"


def _to_schema(row: LabelRow, *, kind: bool) -> Label:
    return Label(
        id=format_label_id(row.number),
        name=row.name,
        message_list_visibility=row.message_list_visibility or UNSET,  # type: ignore[arg-type]  # Gmail's words
        label_list_visibility=row.label_list_visibility or UNSET,  # type: ignore[arg-type]  # Gmail's words
        type=_kind(row) if kind else UNSET,  # type: ignore[arg-type]  # Gmail's words
        color=(
            LabelColor(background_color=row.background_color, text_color=row.text_color)
            if row.background_color
            else UNSET
        ),
    )
