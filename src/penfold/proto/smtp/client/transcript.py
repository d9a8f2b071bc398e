"""What was said in a conversation, for people who ask where their mail is.

Bounded: of a long conversation the beginning and the end are kept. Whoever adds a line has masked
the secrets in it.
"""

from collections import deque

from penfold.base.limits import SMTP_OUT_TRANSCRIPT_CHARS, SMTP_OUT_TRANSCRIPT_LINE_CHARS

#: What stands for a secret.
MASK = "***"


def mask(text: str, secrets: tuple[str, ...]) -> str:
    """Return the text with MASK in place of every secret."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


class Transcript:
    """Lines in order; half the room is for the first ones, half for the last."""

    __slots__ = ("_dropped", "_head", "_head_room", "_tail", "_tail_room")

    def __init__(self, *, max_chars: int = SMTP_OUT_TRANSCRIPT_CHARS) -> None:
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._head_room = self._tail_room = max_chars // 2
        self._dropped = 0

    def add(self, who: str, text: str) -> None:
        """Add what was said; who: C, S, or -- for what is not a line on the wire."""
        line = f"{who}: {text}"[:SMTP_OUT_TRANSCRIPT_LINE_CHARS]
        if not self._tail and len(line) <= self._head_room:
            self._head.append(line)
            self._head_room -= len(line)
            return
        self._head_room = 0
        self._tail.append(line)
        self._tail_room -= len(line)
        while self._tail_room < 0:
            self._tail_room += len(self._tail.popleft())
            self._dropped += 1

    @property
    def lines(self) -> tuple[str, ...]:
        gap = [f"--: {self._dropped} lines left out"] if self._dropped else []
        return (*self._head, *gap, *self._tail)
