"""Fold broken and mixed text into words: `fuzz_words.py --seconds 60`.

A case is made of pieces of many scripts, marks, joiners, lone surrogates and any other character,
some of them repeated for long. Folding must not raise, must change nothing the second time, must
split as SQLite's tokenizer splits it, and must take time in line with what it is given. Stops at
the first failure and prints the number that repeats it (`--seed N --seconds 1`).
"""

import time
import unicodedata

import apsw
from looping import run

from penfold.proto.search.tokens import fold, normalise, tokenise

PIECES = (
    "iPhone版", "Straße", "ﬃ", "İı", "Tiếng", "e\u0301\u0323", "שָׁלוֹם", "ـكتاب", "हिन्दी", "น้ำ", "ｶﾞ", "か\u3099",
    "\u1112\u1161\u11ab", "ㅋㅋ", "葛\U000e0100", "👩\u200d💻", "🇩🇪", "1\ufe0f\u20e3", "\u034f\u200c", "\u200b",
    "\ud800", "\udc00", "\ue001", "\0", " ", "\r\n", "a\u0334\u0335", "\u0345\u0334", "\uff9e\u0301\u0334", "\ufdfa", "\u0f71\u0f72", "x_y-z",
)  # fmt: skip
#: Seconds of processor time for any text, and for each character of it: several times what is
#: needed. A character costs more the first time.
SLOWEST_S = 0.02
SLOWEST_EACH_S = 5e-6


def make_case(rng):
    pieces = []
    for _ in range(rng.choice((1, 3, 30))):
        piece = rng.choice(PIECES) if rng.random() < 0.7 else chr(rng.randrange(0x110000))
        pieces.append(piece * rng.choice((1, 1, 1, 2, 1_000, 10_000)))
    return "".join(pieces)


TOKENIZER = apsw.Connection(":memory:").fts5_tokenizer("ascii", [])


def split(text):
    found = TOKENIZER(text.encode(), apsw.FTS5_TOKENIZE_DOCUMENT, None)
    return tuple(word for _start, _end, *words in found for word in words)


def try_case(text):
    started = time.thread_time()
    folded = fold(text)
    took = time.thread_time() - started
    assert took < SLOWEST_S + SLOWEST_EACH_S * len(text), f"{took:.3f} s for {len(text)} characters"
    words = tuple(folded.split())
    assert tokenise(text) == words
    assert tuple(fold(folded).split()) == words, "folds again"
    assert split(folded) == words, "SQLite splits elsewhere"
    assert normalise(text).split() == list(words)
    assert all(unicodedata.category(each)[0] != "C" for word in words for each in word)


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
