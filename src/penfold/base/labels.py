"""Labels as the mailbox counts them: small integers, system labels below FIRST_USER_LABEL.

The order of SYSTEM_LABELS is the order labels.list shows (Gmail: observed 2026-10-01).
Inside the product a label is its number; its public id is made only at the door.
"""

import re
from typing import Final

SYSTEM_LABELS: Final = (
    "CHAT", "SENT", "INBOX", "IMPORTANT", "TRASH", "DRAFT", "SPAM", "CATEGORY_FORUMS",
    "CATEGORY_UPDATES", "CATEGORY_PERSONAL", "CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL",
    "YELLOW_STAR", "STARRED", "UNREAD",
)  # fmt: skip
(CHAT, SENT, INBOX, IMPORTANT, TRASH, DRAFT, SPAM, CATEGORY_FORUMS, CATEGORY_UPDATES,
 CATEGORY_PERSONAL, CATEGORY_PROMOTIONS, CATEGORY_SOCIAL, YELLOW_STAR, STARRED,
 UNREAD) = range(1, 16)  # fmt: skip

#: Pseudo-label the store keeps on every message outside SPAM and TRASH, so that the default
#: listing is one ordered range like any other label. Never shown.
ALL_MAIL: Final = 0

#: Pseudo-label the store keeps on every message with a label of the user's, for has:userlabels.
USER_LABELLED: Final = 99

FIRST_USER_LABEL: Final = 100

_NUMBER_OF = {name: number for number, name in enumerate(SYSTEM_LABELS, start=1)}
_USER_LABEL = re.compile(r"Label_([1-9][0-9]{0,18})")


def format_label_id(number: int) -> str:
    if number >= FIRST_USER_LABEL:
        return f"Label_{number}"
    return SYSTEM_LABELS[number - 1]


def find_label_number(text: str) -> int | None:
    """Return the number of a label id; None when the text cannot be one (a name, say).

    A number does not mean that the label exists.
    """
    if number := _NUMBER_OF.get(text):
        return number
    match = _USER_LABEL.fullmatch(text)
    if match and FIRST_USER_LABEL <= int(match[1]) < 2**63:
        return int(match[1])
    return None
