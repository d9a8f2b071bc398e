"""What is asked in benchmarks/search.py: kinds of searches, each as several concrete ones.

Words are drawn by their rank in the corpus's vocabulary, so a kind costs about the same on any
mail of this size. Each search stands beside its translation for notmuch, "" where notmuch cannot
say it. Terms of one field side by side mean any of them to notmuch, so "and" is written out.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from penfold.testing.corpus import END_S, LISTS, OWNER, USER_LABELS, YEARS, Corpus

EACH = 12
_DAY_S = 86_400
#: Words that one of the two takes for an operator.
_OPERATORS = {"and", "or", "not", "xor", "near", "adj"}


class Sample(NamedTuple):
    """What is known of a message that is there. words: of its body, in order."""

    message_id: str
    words: Sequence[str]


class Search(NamedTuple):
    q: str
    theirs: str = ""
    hidden: bool = False


class Kind(NamedTuple):
    name: str
    searches: list[Search]
    threads: bool = False


class Asker:
    """Makes the searches of a corpus, the same for the same seed."""

    def __init__(self, corpus: Corpus, samples: Sequence[Sample], seed: int = 1) -> None:
        self._corpus = corpus
        self._samples = samples
        self._chance = random.Random(seed)

    def kinds(self) -> Iterator[Kind]:
        yield from self._texts()
        yield from self._places()
        yield from self._labels()
        yield from self._facts()
        yield from self._combinations()
        yield from self._threads()

    # --- drawing

    def _words(self, low: int, high: int, count: int = EACH) -> list[str]:
        """Return words of these ranks that mean themselves to both."""
        ranked = self._corpus.vocabulary.words[low:high]
        usable = [word for word in ranked if word.isascii() and word not in _OPERATORS]
        return self._chance.sample(usable, min(count, len(usable)))

    def _short_words(self, count: int) -> list[str]:
        """Return words of which 200 with OR between them are no longer than a query may be."""
        usable = [word for word in self._words(2_000, 30_000, 30_000) if len(word) <= 5]
        return usable[:count]

    def _rare(self, count: int = EACH) -> list[str]:
        return self._words(40_000, 60_000, count)

    def _medium(self, count: int = EACH) -> list[str]:
        return self._words(3_000, 6_000, count)

    def _common(self, count: int = EACH) -> list[str]:
        return self._words(100, 160, count)

    def _everywhere(self, count: int = EACH) -> list[str]:
        return self._words(0, 12, count)

    def _addresses(self, count: int = EACH) -> list[str]:
        """Return addresses of people, from the best known to the least."""
        people = self._corpus.people
        return [people[int(len(people) ** self._chance.random()) - 1].address for _ in range(count)]

    def _label(self, low: int, high: int, count: int = EACH) -> list[str]:
        return [_label_name(self._chance.choice(USER_LABELS[low:high])) for _ in range(count)]

    # --- kinds

    def _texts(self) -> Iterator[Kind]:
        yield Kind("rare word", _same(self._rare()))
        yield Kind("medium word", _same(self._medium()))
        yield Kind("common word", _same(self._common()))
        yield Kind("word in every message", _same(self._everywhere()))
        yield Kind("two common words", _all(self._common(), self._words(160, 220)))
        yield Kind("common word, rare word", _all(self._common(), self._rare()))
        yield Kind("two medium words", _all(self._medium(), self._words(6_000, 9_000)))
        own = self._corpus.vocabulary.own
        yield Kind("two words that meet often", _same(f"{w[0]} {w[3]}" for w in own[:EACH]))
        frequent = self._everywhere(10)
        yield Kind("phrase of common words", _same(f'"{a} {b}"' for a, b in pairwise(frequent)))
        yield Kind("rare phrase", _same(f'"{" ".join(s)}"' for s in self._phrases()))
        near = zip(self._common(), self._words(160, 400), strict=True)
        yield Kind("AROUND", [Search(f"{a} AROUND 5 {b}", f"{a} NEAR/5 {b}") for a, b in near])

    def _phrases(self) -> Iterator[Sequence[str]]:
        """Yield three words that follow each other in some message."""
        for sample in self._samples[:EACH]:
            usable = [
                three
                for three in zip(sample.words, sample.words[1:], sample.words[2:], strict=False)
                if all(word.isascii() and word not in _OPERATORS for word in three)
            ]
            yield self._chance.choice(usable)

    def _places(self) -> Iterator[Kind]:
        yield Kind("from:address", _in("from", self._addresses()))
        domains = [address.partition("@")[2] for address in self._addresses()]
        yield Kind("from:domain", _in("from", domains))
        yield Kind("from:me", [Search("from:me", f"from:{OWNER}")])
        yield Kind("cc:me", [Search("cc:me")])
        yield Kind("to:address", _in("to", self._addresses()))
        yield Kind("subject:word", _in("subject", self._words(50, 3_000)))
        yield Kind("list:", [Search(f"list:{each}") for each in self._corpus.lists[::3]])
        extensions = ("pdf", "docx", "xlsx", "png", "jpg", "ics", "zip", "patch")
        yield Kind("filename:pdf", [Search(f"filename:{e}", f"attachment:{e}") for e in extensions])
        ids = [sample.message_id for sample in self._samples[:EACH]]
        yield Kind("rfc822msgid:", [Search(f"rfc822msgid:{each}", f"id:{each}") for each in ids])

    def _labels(self) -> Iterator[Kind]:
        large, small = (0, 3), (15, len(USER_LABELS))
        common, medium = self._common(), self._medium()
        yield Kind("label:large", _in("label", map(_label_name, USER_LABELS[:3])))
        yield Kind("label:small", _in("label", self._label(*small)))
        yield Kind("label:small, common word", _labelled(self._label(*small), common))
        yield Kind("label:large, medium word", _labelled(self._label(*large), medium))
        yield Kind("is:unread", [Search("is:unread", "tag:unread")])
        unread = Search("in:inbox is:unread", "tag:inbox and tag:unread")
        yield Kind("in:inbox is:unread", [unread])
        spans = (1, 2, 3, 7, 14, 30, 60, 90, 180, 365, 730, 1_460)
        newer = [
            Search(
                f"is:unread newer_than:{days}d", f"tag:unread and date:@{END_S - days * _DAY_S}.."
            )
            for days in spans
        ]
        yield Kind("is:unread newer_than:", newer)
        starred = [Search(f"is:starred {word}", f"tag:starred and {word}") for word in common]
        yield Kind("is:starred, common word", starred)
        kinds = ("promotions", "social", "updates", "forums")
        category = [Search(f"category:{each}", f"tag:category_{each}") for each in kinds]
        yield Kind("category:", category)
        others = " and ".join(f"not tag:{_label_name(each)}" for each in USER_LABELS)
        yield Kind("has:nouserlabels", [Search("has:nouserlabels", others)])

    def _facts(self) -> Iterator[Kind]:
        words = self._common()
        yield Kind("has:attachment", [Search("has:attachment", "tag:attachment")])
        attached = [Search(f"has:attachment {w}", f"tag:attachment and {w}") for w in words]
        yield Kind("has:attachment, common word", attached)
        yield Kind("larger:500K", [Search("larger:500K")])
        yield Kind("smaller:1K", [Search("smaller:1K")])
        medium = self._medium()
        yield Kind("larger:100K, common word", [Search(f"larger:100K {word}") for word in words])
        yield Kind("larger:100K, medium word", [Search(f"larger:100K {word}") for word in medium])
        yield Kind("a month", [_window(*self._month()) for _ in range(EACH)])
        dated = [_window(*self._month(), word) for word in words]
        yield Kind("a month, common word", dated)

    def _month(self) -> tuple[int, int]:
        start = END_S - self._chance.randrange(30, YEARS * 365 - 30) * _DAY_S
        return start, start + 30 * _DAY_S

    def _combinations(self) -> Iterator[Kind]:
        pairs = zip(self._medium(), self._medium(), strict=True)
        yield Kind("OR of two words", _same(f"{a} OR {b}" for a, b in pairs))
        yield Kind("OR of 20 addresses", [self._any_of(self._addresses(20)) for _ in range(EACH)])
        many = [" OR ".join(self._short_words(200)) for _ in range(EACH)]
        yield Kind("OR of 200 words", _same(many))
        without = [*self._common(4), *self._medium(4), *self._everywhere(4)]
        yield Kind("-word", [Search(f"-{word}", f"not {word}") for word in without])
        labels = zip(self._common(), self._label(0, 6), strict=True)
        unlabelled = [Search(f"{w} -label:{x}", f"{w} and not tag:{x}") for w, x in labels]
        yield Kind("common word -label:", unlabelled)
        archived = [Search(f"{w} -in:inbox", f"{w} and not tag:inbox") for w in self._everywhere()]
        yield Kind("word in every message -in:inbox", archived)
        yield Kind("deep nesting", [self._nested() for _ in range(EACH)])
        own = self._corpus.vocabulary.own
        never = _same(f"{own[n][1]} {own[n + EACH][1]}" for n in range(EACH))
        yield Kind("nothing: two words that never meet", never)
        # Labels of even rank are on mail between people only, and these words on lists only.
        apart = [_label_name(label) for label in USER_LABELS[:6:2]] * 4
        listed = [own[n % LISTS][0] for n in range(EACH)]
        yield Kind("nothing: label and word that never meet", _labelled(apart, listed))
        hidden = [Search(f"in:anywhere {w}", w, hidden=True) for w in self._common()]
        yield Kind("in:anywhere, common word", hidden)
        spam = [Search(f"in:spam {w}", f"tag:spam and {w}", hidden=True) for w in self._common()]
        yield Kind("in:spam, common word", spam)

    def _any_of(self, addresses: Sequence[str]) -> Search:
        ours = " OR ".join(f"from:{each}" for each in addresses)
        return Search(ours, ours)

    def _nested(self) -> Search:
        """Return groups in groups: someone or something, and not, and so on inwards."""
        chance, people = self._chance, self._addresses(5)
        ours = theirs = self._common(1)[0]
        for address in people:
            word, label = self._medium(1)[0], self._label(0, 6, 1)[0]
            if chance.random() < 0.5:
                ours = f"({ours} OR (from:{address} -label:{label}))"
                theirs = f"({theirs} or (from:{address} and not tag:{label}))"
            else:
                ours = f"({ours} -({word} OR label:{label}))"
                theirs = f"({theirs} and not ({word} or tag:{label}))"
        return Search(ours, theirs)

    def _threads(self) -> Iterator[Kind]:
        yield Kind("threads: rare word", _same(self._rare()), threads=True)
        yield Kind("threads: common word", _same(self._common()), threads=True)
        two = _all(self._common(), self._words(160, 220))
        yield Kind("threads: two common words", two, threads=True)
        large = _labelled(self._label(0, 3), self._medium())
        yield Kind("threads: label:large, medium word", large, threads=True)
        unread = Search("in:inbox is:unread", "tag:inbox and tag:unread")
        yield Kind("threads: in:inbox is:unread", [unread], threads=True)


def _label_name(label: str) -> str:
    return label.lower().replace("/", "-")


def _same(queries) -> list[Search]:
    """Return searches that both say in the same words."""
    return [Search(q, q) for q in queries]


def _all(first: Sequence[str], second: Sequence[str]) -> list[Search]:
    return _same(f"{a} {b}" for a, b in zip(first, second, strict=True))


def _in(place: str, values) -> list[Search]:
    theirs = "tag" if place == "label" else place
    return [Search(f"{place}:{value}", f"{theirs}:{value}") for value in values]


def _labelled(labels: Sequence[str], words: Sequence[str]) -> list[Search]:
    pairs = zip(labels, words, strict=True)
    return [Search(f"label:{label} {word}", f"tag:{label} and {word}") for label, word in pairs]


def _window(start: int, end: int, rest: str = "") -> Search:
    return Search(f"after:{start} before:{end} {rest}", f"date:@{start}..@{end} {rest}")
