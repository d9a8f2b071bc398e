"""Words as mail has them: 60,000 whose frequency falls as one over their rank (Zipf's law).

The first hundred are English; the others are made of syllables, one in eighty with an accent.
Besides what everybody says there are topics, each with words it prefers and a few that are
nobody else's, so that some words meet often and others never.
"""

import random
from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

WORDS: Final = 60_000
TOPICS: Final = 64
#: Words a topic prefers, and those that only it has.
PREFERRED: Final = 300
OWN: Final = 12
#: Preferred words are taken from these ranks: known, but nobody's daily bread.
_PREFERRED_RANKS: Final = range(150, 30_000)

#: Entries of a table from which words are drawn evenly; the rarest word has one or two.
_TABLE_BITS: Final = 20
_TOPIC_BITS: Final = 12

_ENGLISH: Final = (
    "the to and of a in is for you that it on with this be are as we have not at or your from by "
    "can will if an but was so all do there they has our which please what one would about any "
    "more when been out up no some time just like my new how were also them than other then its "
    "now who know may see only use into work could two first these over get after make me need "
    "good back should thanks very where well best here much way day mail list people before "
    "regards because know"
).split()
_ONSETS: Final = "b c d f g h k l m n p r s t v w b d f g k l m n p r s t br pl st tr sh".split()
_VOWELS: Final = "a e i o u".split()
_CODAS: Final = ("", "", "", "", "n", "r", "s", "t", "l", "m", "x")
_ACCENTS: Final = str.maketrans("aeou", "áéöü")
_ACCENTED_FROM: Final = 500
_ACCENTED_EACH: Final = 80


class Sampler:
    """Draws from a sequence with the given weights, 50 ns each.

    The table holds what is likely more often.
    """

    def __init__(self, items: Sequence[str], weights: Sequence[float], *, bits: int) -> None:
        scale = (1 << bits) / sum(weights)
        table: list[str] = []
        for item, end in zip(items, accumulate(weights), strict=True):
            table += [item] * max(round(end * scale) - len(table), 0)
        self._table = table + [items[0]] * ((1 << bits) - len(table))
        self._shift = 32 - bits

    def draw(self, chance: random.Random, count: int) -> list[str]:
        table, shift = self._table, self._shift
        return [table[each >> shift] for each in array("I", chance.randbytes(4 * count))]


def zipf(count: int, exponent: float = 1.0) -> list[float]:
    """Return the weights of ranks 1 to count."""
    return [rank**-exponent for rank in range(1, count + 1)]


class Vocabulary:
    """words: by rank, the most frequent first. own: by topic, what no other text has."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        known = set(_ENGLISH)
        made = [*dict.fromkeys(_ENGLISH)]
        while len(made) < WORDS + TOPICS * OWN:
            word = _make_word(chance, len(made))
            if word not in known:
                known.add(word)
                made.append(word)
        self.words = made[:WORDS]
        self.own = [made[start : start + OWN] for start in range(WORDS, len(made), OWN)]
        self._everyday = Sampler(self.words, zipf(WORDS), bits=_TABLE_BITS)
        self._topics = [self._make_topic(chance, own) for own in self.own]

    def draw(self, chance: random.Random, count: int) -> list[str]:
        """Return words of everyday."""
        return self._everyday.draw(chance, count)

    def draw_of(self, topic: int, chance: random.Random, count: int) -> list[str]:
        """Return words of a topic."""
        return self._topics[topic].draw(chance, count)

    def _make_topic(self, chance: random.Random, own: list[str]) -> Sampler:
        words = [self.words[rank] for rank in chance.sample(_PREFERRED_RANKS, PREFERRED)]
        words[5:5] = own  # some of them common within the topic, others less
        return Sampler(words, zipf(len(words), 0.8), bits=_TOPIC_BITS)


def _make_word(chance: random.Random, rank: int) -> str:
    """Return letters that can be spoken; frequent words are short."""
    syllables = 2 if rank < 5_000 else chance.choice((2, 3))
    word = "".join(
        chance.choice(_ONSETS) + chance.choice(_VOWELS) + chance.choice(_CODAS)
        for _ in range(syllables)
    )
    accented = rank >= _ACCENTED_FROM and rank % _ACCENTED_EACH == 0
    return word.translate(_ACCENTS) if accented else word
