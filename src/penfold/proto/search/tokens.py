"""Text to words: the words an index holds, and those a query asks for.

A word is a run of letters and digits; everything else parts words. Upper and lower case,
diacritics, ligatures and full-width forms are folded, so `Ｃafé` is `cafe`. Scripts that put no
spaces between words (Han, Kana, Hangul, Thai, Lao, Khmer, Burmese) become one word per character,
and so do emoji: a query for several stands for them side by side, which finds any substring
(docs/decisions/0014-words.md). Folding a word again changes nothing.

The words are made here alone: an index is given them with spaces between. Private-use characters
part words, so that an index can put marks of its own on them.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

#: Entries the lazily filled table keeps; more of Unicode than this is looked up each time.
_TABLE_MAX: Final = 65_536

#: Blocks whose characters are a word each: no spaces between words, or symbols people look for.
_ALONE: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1100, 0x11FF),  # Hangul Jamo
    (0x1780, 0x17FF),  # Khmer
    (0x2300, 0x23FF),  # clocks, keys
    (0x2600, 0x27BF),  # symbols, dingbats
    (0x2B00, 0x2BFF),  # stars
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),
    (0x3040, 0x318F),  # Kana, Bopomofo, Jamo
    (0x31A0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),  # Hangul
    (0xF900, 0xFAFF),
    (0x1F000, 0x1FAFF),  # emoji
    (0x20000, 0x3FFFF),  # Han
)
#: Letters, marks, numbers and symbols are words there; punctuation is not.
_WORDS_ALONE: Final = frozenset("LMNS")

#: Letters whose stroke or ligature Unicode does not take apart.
_FOLDED: Final = {
    "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th",
    "\u0671": "\u0627",  # alef wasla
}  # fmt: skip

#: Combining classes of marks that are part of a letter rather than an accent on it: vowel signs,
#: nukta, voicing marks, virama.
_LETTER_MARKS: Final = frozenset({0, 7, 8, 9})

#: Inside words and no part of them. UAX #29 WB4: so are all format characters (soft hyphen,
#: joiners, directions, byte order mark) but the zero-width space, which says where words end.
#: Some fill the previews of bulk mail by the hundred.
_UNSEEN: Final = frozenset({
    0x034F,  # grapheme joiner
    0x0640,  # tatweel, which stretches Arabic words
    0x115F, 0x1160,  # Hangul fillers
    0x17B4, 0x17B5,  # Khmer vowels that are not written
    *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0),  # variants
})  # fmt: skip
_ZERO_WIDTH_SPACE: Final = 0x200B


#: Marks that NFKC may have to sort, which takes time in the square of their number: minutes for
#: a megabyte, in short texts little. No language puts more than 30 on a letter (UAX #15).
_PILED: Final = re.compile("[\\W\uff9e\uff9f]{31,}")
_PILED_FROM: Final = 2_000
#: Characters from which a word is not remembered.
_SHORT: Final = 24


class _Table(dict[str, str]):
    """Character -> what it becomes."""

    def __missing__(self, character: str) -> str:
        answer = _fold(character)
        if len(self) < _TABLE_MAX:
            self[character] = answer
        return answer


def _fold(character: str) -> str:
    """Return what a character becomes: letters, a space, or nothing."""
    code = ord(character)
    kind = unicodedata.category(character)
    if code in _UNSEEN or (kind == "Cf" and code != _ZERO_WIDTH_SPACE):
        return ""
    if any(first <= code <= last for first, last in _ALONE):
        return f" {character} " if kind[0] in _WORDS_ALONE else " "
    if kind[0] not in "LMN" or kind == "Me":
        return " "
    parts = unicodedata.normalize("NFKD", character.casefold()).casefold()
    letters = "".join(map(_fold_part, parts))
    return letters if kind[0] == "M" or letters else " "


def _fold_part(part: str) -> str:
    """Return a letter as it counts, "" for an accent, a space for what is no letter."""
    kind = unicodedata.category(part)
    if kind[0] == "M":
        return part if unicodedata.combining(part) in _LETTER_MARKS and kind != "Me" else ""
    return _FOLDED.get(part, part) if kind[0] in "LN" else " "


_LOOK_UP: Final = _Table().__getitem__
#: For bytes.translate: ASCII as the table has it, the rest of UTF-8 as it is.
_ASCII: Final = bytes(
    ord(_fold(chr(code)).strip() or " ") if code < 128 else code for code in range(256)
)


def tokenise(text: str) -> tuple[str, ...]:
    """Return the words of a text, in order."""
    return tuple(fold(text).split())


def normalise(text: str) -> str:
    """Return the words of a text, each with a space before and after: " a b "."""
    words = fold(text).split()
    return f" {' '.join(words)} " if words else " "


def fold(text: str) -> str:
    """Return the words of a text with spaces between, one or several: for who splits anyway.

    A lone surrogate (broken mail) parts words.
    """
    if text.isascii():
        return text.encode().translate(_ASCII).decode()
    folded = " ".join(
        [
            word if word.isascii() else _fold_known(word) if len(word) < _SHORT else _fold_any(word)
            for word in text.split()
        ]
    )
    return folded.encode().translate(_ASCII).decode()


def _fold_any(text: str) -> str:
    if len(text) > _PILED_FROM:
        text = _PILED.sub(_sort_marks, text)
    return "".join(map(_LOOK_UP, unicodedata.normalize("NFKC", text)))


#: The same, of words that come again and again: most of a text in the Latin alphabet is ASCII.
_fold_known: Final = lru_cache(maxsize=8_192)(_fold_any)


def _sort_marks(found: re.Match[str]) -> str:
    """Return the same marks in the order that NFKC puts them into (UAX #15, canonical order)."""
    group, keyed = 0, []
    for part in "".join(unicodedata.normalize("NFKD", each) for each in found[0]):
        order = unicodedata.combining(part)
        group += not order
        keyed.append((group, order, part))
    return "".join(part for _group, _order, part in sorted(keyed, key=lambda each: each[:2]))
