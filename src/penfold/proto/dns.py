"""Questions to the DNS as values, so that what needs answers (SPF, DKIM, DMARC) does no I/O.

A check is a generator: it yields a Question, is sent its Answer, and returns what it found.
Whoever runs it decides where answers come from: a resolver, or a table in a test.
"""

from collections.abc import Callable, Generator
from enum import StrEnum
from typing import Literal, TypeVar

from msgspec import Struct

T = TypeVar("T")

Kind = Literal["A", "AAAA", "MX", "PTR", "TLSA", "TXT"]


class Status(StrEnum):
    """found: there are records. nothing: the name is there, with other records. absent: no such
    name (NXDOMAIN). failed: nobody could say (SERVFAIL, refused, no answer in time).
    """

    FOUND = "found"
    NOTHING = "nothing"
    ABSENT = "absent"
    FAILED = "failed"


class Question(Struct, frozen=True, gc=False):
    """name: ASCII, lower case, without the final dot."""

    name: str
    kind: Kind


class Exchange(Struct, frozen=True, gc=False, order=True):
    """An MX record. host: as Question.name; "" is the null MX (RFC 7505)."""

    preference: int
    host: str


class Association(Struct, frozen=True, gc=False):
    """A TLSA record (RFC 6698 §2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes


#: A, AAAA, PTR: text. TXT: its strings joined (RFC 7208 §3.3).
Record = str | bytes | Exchange | Association


class Answer(Struct, frozen=True, gc=False):
    """records: none unless found. secure: the resolver has validated it (DNSSEC)."""

    status: Status
    records: tuple[Record, ...] = ()
    secure: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """The records of A, AAAA and PTR."""
        return tuple(record for record in self.records if isinstance(record, str))

    @property
    def texts(self) -> tuple[bytes, ...]:
        return tuple(record for record in self.records if isinstance(record, bytes))

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return tuple(record for record in self.records if isinstance(record, Exchange))

    @property
    def associations(self) -> tuple[Association, ...]:
        return tuple(record for record in self.records if isinstance(record, Association))


#: Yields questions, is sent their answers, returns a result.
Check = Generator[Question, Answer, T]


def run_check(check: Check[T], look_up: Callable[[Question], Answer]) -> T:
    """Run a check with a function that knows the answers."""
    try:
        question = next(check)
        while True:
            question = check.send(look_up(question))
    except StopIteration as end:
        result: T = end.value
        return result


def ask_once(check: Check[T]) -> Check[T]:
    """Return the same check, which asks no question twice: it remembers the answers."""
    known: dict[Question, Answer] = {}
    try:
        question = next(check)
        while True:
            if question not in known:
                known[question] = yield question
            question = check.send(known[question])
    except StopIteration as end:
        result: T = end.value
        return result
