"""Text to words, exactly as the full-text index of a mailbox makes them.

Equal to SQLite's `unicode61 remove_diacritics 2` for every character: whole words, upper and
lower case and diacritics folded, split at everything that is neither letter nor digit. Folding
a word again changes nothing.
"""

from bisect import bisect_right

from penfold.proto.search.unicode61 import DROPPED, FOLDED, FOLDED_TO, SEPARATORS

#: Entries the lazily filled table keeps; more of Unicode than this is looked up each time.
_TABLE_MAX = 65_536


def _parse_range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first, 16), int(last or first, 16)


_RANGES = [_parse_range(text) for text in SEPARATORS.split()]
_STARTS = [first for first, _ in _RANGES]


class _Table(dict[int, str]):
    """For str.translate: code point -> what it becomes; separators become a space."""

    def __missing__(self, code: int) -> str:
        at = bisect_right(_STARTS, code) - 1
        answer = " " if at >= 0 and code <= _RANGES[at][1] else chr(code)
        if len(self) < _TABLE_MAX:
            self[code] = answer
        return answer


def _make_table() -> _Table:
    table = _Table()
    for code in range(0x80):
        character = chr(code)
        table[code] = character.lower() if character.isalnum() else " "
    for text in DROPPED.split():
        first, last = _parse_range(text)
        table.update(dict.fromkeys(range(first, last + 1), ""))
    table.update({ord(a): b for a, b in zip(FOLDED, FOLDED_TO, strict=True)})
    return table


_TABLE = _make_table()


def tokenise(text: str) -> tuple[str, ...]:
    """Return the words of a text, in order."""
    return tuple(text.translate(_TABLE).split())


def normalise(text: str) -> str:
    """Return the words of a text, each with a space before and after: " a b "."""
    words = text.translate(_TABLE).split()
    return f" {' '.join(words)} " if words else " "
