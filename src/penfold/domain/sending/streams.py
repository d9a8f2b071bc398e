"""Streams: what an account's own may say, and how many of its recipients leave in an hour.

The recipients of a limited stream leave evenly: at 20 an hour one every three minutes. What comes
faster is put off, as if it had been scheduled, and after STREAM_WAIT_MAX_MS refused.
"""

import re
from typing import Final

from msgspec.structs import replace

from penfold.base.limits import (
    STREAM_PER_HOUR_MAX,
    STREAM_TTL_MAX_S,
    STREAM_WAIT_MAX_MS,
    WARMUP_DAYS,
    WARMUP_FIRST,
    WARMUP_GROWTH,
)
from penfold.domain.sending.findings import INVALID, Findings
from penfold.ports.sending.book import SendingWriter
from penfold.ports.sending.emails import Email, EmailState
from penfold.ports.sending.records import Stream
from penfold.spec.sending.problems import RATE_LIMITED, SendingError
from penfold.spec.sending.streams import TRANSACTIONAL

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000
BROADCAST: Final = "broadcast"
_KINDS: Final = (TRANSACTIONAL, BROADCAST)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def check_stream(stream: Stream, findings: Findings) -> None:
    """Note what is wrong with a stream somebody asks for."""
    if not _NAME.fullmatch(stream.name):
        findings.add("name", INVALID, "has up to 64 of a-z, 0-9, _ and -, no mark in front")
    if stream.kind not in _KINDS:
        findings.add("kind", INVALID, f"is one of {', '.join(_KINDS)}")
    if not 0 <= stream.ttl_s <= STREAM_TTL_MAX_S:
        findings.add("ttl", INVALID, f"is not between 0 and {STREAM_TTL_MAX_S}")
    if not 0 <= stream.per_hour <= STREAM_PER_HOUR_MAX:
        findings.add("per_hour", INVALID, f"is not between 0 and {STREAM_PER_HOUR_MAX}")
    if stream.kind == BROADCAST and not stream.unsubscribe:
        findings.add("unsubscribe", INVALID, "is always true for broadcast")


def find_limit(stream: Stream, now_ms: int) -> int | None:
    """Return how many recipients of a stream may leave in an hour; None for any number."""
    limit = stream.per_hour or None
    if stream.warmup_ms:
        day = max(0, now_ms - stream.warmup_ms) // _DAY_MS
        if day < WARMUP_DAYS:
            grown = round(WARMUP_FIRST * WARMUP_GROWTH**day)
            return min(limit, grown) if limit else grown
    return limit


def pace(writer: SendingWriter, email: Email, recipients: int) -> Email:
    """Return an email with the time its stream has room for it, and take that room.

    SendingError (429) when that is days away. The account's own streams alone have limits.
    """
    stream = writer.find_word(Stream, email.stream, email.account_id)
    limit = find_limit(stream, email.created_ms) if stream else None
    if stream is None or limit is None or email.test:
        return email
    wanted_ms = email.scheduled_ms or email.created_ms
    room_ms = max(wanted_ms, stream.paced_ms)
    wait_ms = room_ms - wanted_ms
    if wait_ms > STREAM_WAIT_MAX_MS:
        raise SendingError(
            RATE_LIMITED,
            f"The stream {stream.name} sends to {limit} an hour and is full for three days.",
            wait_s=(wait_ms - STREAM_WAIT_MAX_MS) // 1000 + 1,
            limit=limit,
        )
    writer.replace(replace(stream, paced_ms=room_ms + recipients * _HOUR_MS // limit))
    if not wait_ms:
        return email
    return replace(email, scheduled_ms=room_ms, state=EmailState.SCHEDULED)
