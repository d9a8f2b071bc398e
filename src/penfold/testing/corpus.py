"""A mailbox of years, for measuring: as large as wanted, the same for the same seed and count.

Unlike testing.mail, which mixes what is odd, this has the proportions of a person's mail: words
by Zipf's law, some 3,000 correspondents, mailing lists, conversations, labels, twelve years.
The shares are in the constants below; tests/unit/testing/test_corpus.py counts them.
"""

import random
from base64 import b64encode
from binascii import b2a_qp
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from email.header import Header
from email.utils import formatdate
from typing import Final, NamedTuple

from penfold.testing.vocabulary import TOPICS, Sampler, Vocabulary, zipf

#: Changes when the same seed makes other mail.
FORMAT: Final = 1
OWNER: Final = "alice@penfold.test"
PEOPLE: Final = 3_000
DOMAINS: Final = 400
LISTS: Final = 40
YEARS: Final = 12
#: When the newest message is from, about.
END_S: Final = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
_SPAN_S: Final = YEARS * 365 * 86_400

SENT: Final = 0.10
LISTED: Final = 0.25
SPAM: Final = 0.02
TRASH: Final = 0.01
INBOX: Final = 0.30
UNREAD: Final = 0.15
_UNREAD_LISTED: Final = 0.30
STARRED: Final = 0.01
IMPORTANT: Final = 0.20
HTML: Final = 0.03
ALTERNATIVE: Final = 0.30
ATTACHED: Final = 0.10
#: Of all messages: with an attachment of some 100 to 400 kB, of about 1 MB.
_LARGE: Final = 1 / 2_000
_HUGE: Final = 1 / 20_000
_REPLY: Final = 0.45
_COPIED: Final = 0.20

#: User labels from a tenth of all messages to one in ten thousand.
USER_LABELS: Final = tuple(
    f"{group}/{name}"
    for group in ("Projects", "Clients", "Home")
    for name in "alder birch cedar elm fir hazel juniper larch maple oak".split()
)
LABEL_SHARES: Final = tuple(0.1 * weight for weight in zipf(len(USER_LABELS), 2.03))

_RESERVOIR: Final = 4 << 20
_TYPES: Final = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "png": "image/png",
    "jpg": "image/jpeg",
    "ics": "text/calendar",
    "zip": "application/zip",
    "patch": "text/x-diff",
}
_EXTENSIONS: Final = ("pdf",) * 5 + ("jpg", "png", "docx", "docx", "xlsx", "ics", "zip", "patch")


class Mail(NamedTuple):
    """raw: CRLF line ends. labels: ids of system labels, and names of USER_LABELS."""

    raw: bytes
    date_ms: int
    message_id: str
    labels: tuple[str, ...]


class Person(NamedTuple):
    name: str
    address: str
    topic: int


class Talk(NamedTuple):
    """A message somebody may answer."""

    message_id: str
    references: str
    subject: str
    topic: int
    mailing_list: int | None


class Corpus:
    """Makes `count` messages in the order in which they arrived."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self.count = count
        self._seed = seed
        self.vocabulary = Vocabulary(seed)
        chance = random.Random(seed)
        self.people = _make_people(chance, self.vocabulary)
        #: The least known of them, who sends what nobody wants.
        self._spammers = self.people[-200:]
        self._who = Sampler(range_text(PEOPLE), zipf(PEOPLE), bits=16)
        self._which_list = Sampler(range_text(LISTS), zipf(LISTS, 0.8), bits=12)
        names = self.vocabulary.words[2_000 : 2_000 + LISTS]
        self.lists = [f"{_ascii(name)}-{n}@lists{n % 5}.example" for n, name in enumerate(names)]

    def __iter__(self) -> Iterator[Mail]:
        maker = _Maker(self, random.Random(self._seed + 1))
        for number in range(self.count):
            yield maker.make(number)

    def draw_person(self, chance: random.Random) -> Person:
        return self.people[int(self._who.draw(chance, 1)[0])]

    def draw_list(self, chance: random.Random) -> int:
        return int(self._which_list.draw(chance, 1)[0])

    def draw_spammer(self, chance: random.Random) -> Person:
        return chance.choice(self._spammers)


def range_text(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def _make_people(chance: random.Random, vocabulary: Vocabulary) -> list[Person]:
    words = [_ascii(word) for word in vocabulary.words[1_000:9_000]]
    domains = [f"{words[n]}.{chance.choice(('example', 'test'))}" for n in range(DOMAINS)]
    weights = zipf(DOMAINS)
    people = []
    for n in range(PEOPLE):
        first, last = words[1_000 + n % 700], words[2_000 + n]
        domain = chance.choices(domains, weights)[0]
        name = f"{first.capitalize()} {last.capitalize()}"
        people.append(Person(name, f"{first}.{last}@{domain}", chance.randrange(LISTS, TOPICS)))
    return people


def _ascii(word: str) -> str:
    return word.translate(str.maketrans("áéöüç", "aeouc"))


class _Maker:
    """The state of one run: who talked lately, and chance."""

    def __init__(self, corpus: Corpus, chance: random.Random) -> None:
        self._corpus = corpus
        self._chance = chance
        self._vocabulary = corpus.vocabulary
        self._step_s = _SPAN_S / corpus.count
        self._recent: deque[Talk] = deque(maxlen=1_500)
        self._octets = random.Random(7).randbytes(_RESERVOIR)
        self._labels = _make_label_table()

    def make(self, number: int) -> Mail:
        chance = self._chance
        date_s = END_S - _SPAN_S + int(number * self._step_s + chance.gauss(0, 1_800))
        if chance.random() < 0.01:
            date_s -= chance.randrange(3 * 86_400)
        kind = chance.random()
        spam = SENT + LISTED <= kind < SENT + LISTED + SPAM
        sent, listed = kind < SENT, SENT <= kind < SENT + LISTED
        talk = None if spam else self._choose_talk(listed=listed)
        mailing_list = self._choose_list(talk) if listed else None
        sender = self._choose_sender(sent=sent, spam=spam)
        topic = self._choose_topic(talk, mailing_list, sender)
        message_id = f"<{number:x}.{chance.getrandbits(40):010x}@{sender.address.split('@')[1]}>"
        subject = f"Re: {talk.subject}" if talk else self._make_subject(topic)
        head = self._head(date_s, sender, subject, message_id, talk, mailing_list)
        body = self._body(topic)
        if not spam:
            references = f"{talk.references} {message_id}".strip() if talk else message_id
            bare = talk.subject if talk else subject
            self._recent.append(Talk(message_id, references[-1_000:], bare, topic, mailing_list))
        raw = f"{head}{body}".replace("\n", "\r\n").encode()
        labels = self._choose_labels(mailing_list, sender, sent=sent, spam=spam)
        return Mail(raw, date_s * 1000, message_id[1:-1], labels)

    # --- who, about what

    def _choose_talk(self, *, listed: bool) -> Talk | None:
        chance = self._chance
        if not self._recent or chance.random() > _REPLY:
            return None
        for _ in range(8):
            # The newer, the likelier; long conversations go on, as each message counts.
            talk = self._recent[-1 - int(len(self._recent) * chance.random() ** 3)]
            if (talk.mailing_list is not None) == listed:
                return talk
        return None

    def _choose_list(self, talk: Talk | None) -> int:
        if talk is not None and talk.mailing_list is not None:
            return talk.mailing_list
        return self._corpus.draw_list(self._chance)

    def _choose_sender(self, *, sent: bool, spam: bool) -> Person:
        if sent:
            return _ALICE
        if spam:
            return self._corpus.draw_spammer(self._chance)
        return self._corpus.draw_person(self._chance)

    def _choose_topic(self, talk: Talk | None, mailing_list: int | None, sender: Person) -> int:
        """Return the number of a topic: the first are the lists'."""
        if talk is not None:
            return talk.topic
        if mailing_list is not None:
            return mailing_list
        return sender.topic if sender is not _ALICE else self._chance.randrange(LISTS, TOPICS)

    def _choose_labels(
        self, mailing_list: int | None, sender: Person, *, sent: bool, spam: bool
    ) -> tuple[str, ...]:
        chance = self._chance.random
        listed = mailing_list is not None
        labels = []
        trashed = not sent and not spam and chance() < TRASH / (1 - SENT - SPAM)
        if sent:
            labels.append("SENT")
        elif spam or trashed:
            labels.append("SPAM" if spam else "TRASH")
        elif chance() < INBOX / (1 - SENT - SPAM - TRASH):
            labels.append("INBOX")
        if not sent and chance() < (_UNREAD_LISTED if listed else _UNREAD_OTHER):
            labels.append("UNREAD")
        if chance() < STARRED:
            labels.append("STARRED")
        if not sent and not spam:
            labels.append(_category(mailing_list, sender))
            if chance() < IMPORTANT:
                labels.append("IMPORTANT")
        if not spam and (label := self._labels[listed][int(chance() * _LABEL_SLOTS)]):
            labels.append(label)
        return tuple(labels)

    # --- text

    def _head(  # noqa: PLR0917 - one call; each is a line of the header
        self,
        date_s: int,
        sender: Person,
        subject: str,
        message_id: str,
        talk: Talk | None,
        mailing_list: int | None,
    ) -> str:
        chance, corpus = self._chance, self._corpus
        others = [corpus.draw_person(chance) for _ in range(1 + int(chance.expovariate(1.5)))]
        copied = [corpus.draw_person(chance) for _ in range(chance.randint(1, 4))]
        lines = []
        if sender is not _ALICE:
            lines.append(f"Delivered-To: {OWNER}")
        if mailing_list is not None:
            address = corpus.lists[mailing_list]
            local, _, domain = address.partition("@")
            to = address
            lines += [f"List-Id: {local} <{local}.{domain}>", f"List-Post: <mailto:{address}>"]
        elif sender is _ALICE or chance.random() < 0.1:
            to = ", ".join(_show(person) for person in others)
            copied += [_ALICE] if sender is not _ALICE and chance.random() < 0.7 else []
        else:
            to = ", ".join([_show(_ALICE), *(_show(person) for person in others[1:])])
        if chance.random() < _COPIED or copied[-1] is _ALICE:
            lines.append(f"Cc: {', '.join(_show(person) for person in copied)}")
        if talk:
            lines += [f"In-Reply-To: {talk.message_id}", f"References: {talk.references}"]
        shown = subject if subject.isascii() else Header(subject, "utf-8").encode(linesep="\n")
        return "\n".join([
            f"From: {_show(sender)}", f"To: {to}", f"Subject: {shown}",
            f"Date: {formatdate(date_s)}", f"Message-ID: {message_id}", *lines,
            "MIME-Version: 1.0", "",
        ])  # fmt: skip

    def _make_subject(self, topic: int) -> str:
        chance = self._chance
        words = self._vocabulary.draw(chance, chance.randint(1, 5))
        words[1:1] = self._vocabulary.draw_of(topic, chance, chance.randint(1, 3))
        return " ".join(words).capitalize()

    def _body(self, topic: int) -> str:
        chance = self._chance
        text = self._make_text(topic)
        shape = chance.random()
        if shape < HTML:
            body = self._html(text)
        elif shape < HTML + ALTERNATIVE:
            body = self._multipart("alternative", [_plain(text), self._html(text)])
        else:
            body = _plain(text)
        if chance.random() >= ATTACHED:
            return body
        parts = [body, *(self._attachment() for _ in range(1 + (chance.random() < 0.2)))]
        return self._multipart("mixed", parts)

    def _make_text(self, topic: int) -> str:
        """Return 60 to 400 words, median about 120; each seventh is one of the topic."""
        chance = self._chance
        count = min(400, max(60, int(chance.lognormvariate(4.79, 0.6))))
        words = self._vocabulary.draw(chance, count)
        special = words[5::7]
        words[5::7] = self._vocabulary.draw_of(topic, chance, len(special))
        sentence = chance.randint(9, 16)
        for start in range(0, count, sentence):
            words[start] = words[start].capitalize()
            if start:
                words[start - 1] += ".\n" if start % 3 else ".\n\n"
        return " ".join(words).replace("\n ", "\n") + ".\n"

    def _html(self, text: str) -> str:
        paragraphs = "</p>\n<p>".join(text.split("\n\n"))
        html = f"<html><head><style>p {{ margin: 1em }}</style></head>\n<body><p>{paragraphs}</p>\n"
        html += '<p><a href="https://www.example/unsubscribe">www</a></p></body></html>\n'
        packed = b2a_qp(html.encode()).decode("ascii")
        return (
            'Content-Type: text/html; charset="utf-8"\n'
            f"Content-Transfer-Encoding: quoted-printable\n\n{packed}"
        )

    def _attachment(self) -> str:
        chance = self._chance
        extension = chance.choice(_EXTENSIONS)
        name = "_".join(map(_ascii, self._vocabulary.draw(chance, 2)))
        packed = b64encode(self._draw_octets()).decode("ascii")
        lines = "\n".join([packed[at : at + 76] for at in range(0, len(packed), 76)])
        return (
            f'Content-Type: {_TYPES[extension]}; name="{name}.{extension}"\n'
            f'Content-Disposition: attachment; filename="{name}.{extension}"\n'
            f"Content-Transfer-Encoding: base64\n\n{lines}\n"
        )

    def _draw_octets(self) -> bytes:
        chance = self._chance
        size = min(60_000, int(chance.lognormvariate(7.8, 1)))
        tail = chance.random() * ATTACHED
        if tail < _HUGE:
            size = 750_000
        elif tail < _LARGE:
            size = chance.randint(75_000, 300_000)
        start = chance.randrange(_RESERVOIR - size)
        return self._octets[start : start + size]

    def _multipart(self, subtype: str, parts: list[str]) -> str:
        mark = f"=_{self._chance.getrandbits(64):016x}"
        inside = "".join(f"--{mark}\n{part}\n" for part in parts)
        return f'Content-Type: multipart/{subtype}; boundary="{mark}"\n\n{inside}--{mark}--\n'


_ALICE: Final = Person("Alice", OWNER, 0)
_UNREAD_OTHER: Final = (UNREAD - LISTED * _UNREAD_LISTED) / (1 - LISTED - SENT)
#: Resolution of the rarest label.
_LABEL_SLOTS: Final = 200_000


def _make_label_table() -> tuple[list[str], list[str]]:
    """Return slots to draw a user label from: of mail between people, of lists.

    A label belongs to one of the two, so that it never meets what only the other talks about.
    """
    tables: tuple[list[str], list[str]] = ([], [])
    for rank, (name, share) in enumerate(zip(USER_LABELS, LABEL_SHARES, strict=True)):
        listed = rank % 2
        part = LISTED if listed else 1 - LISTED - SPAM
        tables[listed].extend([name] * round(share / part * _LABEL_SLOTS))
    for table in tables:
        table.extend([""] * (_LABEL_SLOTS - len(table)))
    return tables


def _category(mailing_list: int | None, sender: Person) -> str:
    if mailing_list is not None:
        return ("CATEGORY_FORUMS", "CATEGORY_UPDATES", "CATEGORY_PROMOTIONS")[mailing_list % 3]
    kinds = ("CATEGORY_UPDATES", "CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL")
    return kinds[sender.topic % 3] if sender.topic % 8 == 0 else "CATEGORY_PERSONAL"


def _show(person: Person) -> str:
    return f"{person.name} <{person.address}>"


def _plain(text: str) -> str:
    encoding = "7bit" if text.isascii() else "8bit"
    head = 'Content-Type: text/plain; charset="utf-8"\n'
    return f"{head}Content-Transfer-Encoding: {encoding}\n\n{text}"
