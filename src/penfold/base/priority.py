"""Which mail leaves before which. What people send is NORMAL.

Lower ones keep moving: of each lot of emails a share, and one of some looks into the queue, are for
who waits longest (base.limits).
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class Priority(IntEnum):
    HIGH = 1
    NORMAL = 2
    LOW = 3


#: As the API and commands say it.
PRIORITIES: Final = {each.name.lower(): each for each in Priority}


def divide(waiting: Mapping[Priority, int], limit: int, *, share: int) -> dict[Priority, int]:
    """Return how many of each are taken now, all together no more than the limit.

    They go by priority, but one in `share` of the limit is for each lower one, if so many wait.
    """
    kept = {each: min(waiting[each], limit // share) for each in Priority if each > Priority.HIGH}
    left = limit - sum(kept.values())
    taken: dict[Priority, int] = {}
    for each in Priority:
        own = kept.get(each, 0)
        more = min(waiting[each] - own, left)
        taken[each] = own + more
        left -= more
    return taken
