"""Answers of the DNS that are kept for a while, in memory and within bounds.

An answer lives as long as it says, between DNS_TTL_MIN_S and DNS_TTL_MAX_S; "no such name" and
"no such record" at most DNS_NEGATIVE_TTL_MAX_S (RFC 2308 §5); a failure DNS_FAILURE_TTL_S
(RFC 9520 §3.2). When entries or octets are too many, the one that was used least recently goes.
"""

from collections import OrderedDict

from penfold.base.clock import Clock
from penfold.base.limits import (
    DNS_FAILURE_TTL_S,
    DNS_KEPT_BYTES,
    DNS_KEPT_MAX,
    DNS_NEGATIVE_TTL_MAX_S,
    DNS_TTL_MAX_S,
    DNS_TTL_MIN_S,
)
from penfold.proto.dns import Answer, Association, Exchange, Question, Record, Status

#: Octets of an entry beside its records, measured to the nearest hundred.
_ENTRY_BYTES = 500


class DnsCache:
    """clock: only its passing matters."""

    def __init__(
        self,
        clock: Clock,
        *,
        entries_max: int = DNS_KEPT_MAX,
        bytes_max: int = DNS_KEPT_BYTES,
    ) -> None:
        self._clock = clock
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._bytes = 0
        #: Answer, when it ends, octets; the most recently used last.
        self._kept: OrderedDict[Question, tuple[Answer, int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, question: Question) -> Answer | None:
        """Return what is known and still good."""
        kept = self._kept.get(question)
        if kept is None:
            return None
        answer, end_ms, _ = kept
        if self._clock.now_ms() >= end_ms:
            self._drop(question)
            return None
        self._kept.move_to_end(question)
        return answer

    def keep(self, question: Question, answer: Answer, *, ttl_s: int) -> None:
        """Keep an answer in place of what was known."""
        self._drop(question)
        size = _ENTRY_BYTES + sum(map(_size, answer.records))
        end_ms = self._clock.now_ms() + 1000 * _bound(answer.status, ttl_s)
        self._kept[question] = answer, end_ms, size
        self._bytes += size
        while len(self._kept) > self._entries_max or self._bytes > self._bytes_max:
            self._drop(next(iter(self._kept)))

    def _drop(self, question: Question) -> None:
        if gone := self._kept.pop(question, None):
            self._bytes -= gone[2]


def _bound(status: Status, ttl_s: int) -> int:
    if status is Status.FAILED:
        return DNS_FAILURE_TTL_S
    most = DNS_TTL_MAX_S if status is Status.FOUND else DNS_NEGATIVE_TTL_MAX_S
    return min(max(ttl_s, DNS_TTL_MIN_S), most)


def _size(record: Record) -> int:
    match record:
        case Exchange(_, host):
            return 100 + len(host)
        case Association(data=data):
            return 100 + len(data)
    return 50 + len(record)
