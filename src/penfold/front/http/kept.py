"""Answers to questions that were asked before, for as long as their mailbox has not changed.

Programs poll: the same list or message, over and over, from a mailbox where nothing happened. The
answer is kept as octets beside the version of the mailbox it was made from, and given again while
that version stands, so it is never stale. Every check of the request runs as ever.

Kept in memory, bounded in number and size, forgotten in the order they were last asked for. An
answer with attachment ids is not kept, because Gmail makes those anew on each get.
"""

from collections import OrderedDict
from collections.abc import Hashable

from penfold.base.limits import KEPT_ANSWER_MAX_BYTES, KEPT_ANSWERS_MAX

_MADE_ANEW = b'"attachmentId"'


class KeptAnswers:
    """Used on the event loop only."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, tuple[Hashable, bytes]] = OrderedDict()

    def find(self, question: Hashable, version: Hashable) -> bytes | None:
        """Return what was answered when the mailbox had this version."""
        kept = self._answers.get(question)
        if kept is None or kept[0] != version:
            return None
        self._answers.move_to_end(question)
        return kept[1]

    def keep(self, question: Hashable, version: Hashable, answer: bytes) -> None:
        if len(answer) > KEPT_ANSWER_MAX_BYTES or _MADE_ANEW in answer:
            return
        self._answers[question] = (version, answer)
        self._answers.move_to_end(question)
        if len(self._answers) > KEPT_ANSWERS_MAX:
            self._answers.popitem(last=False)
