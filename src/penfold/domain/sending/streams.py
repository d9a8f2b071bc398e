"""Streams: what an account's own may say, and how many of its recipients leave in an hour.

The recipients of a limited stream leave evenly: at 20 an hour one every three minutes. What comes
faster is put off, as if it had been scheduled, and after STREAM_WAIT_MAX_MS refused. What was
scheduled takes its place when it is due, behind what came before.
"""

import re
from typing import Final

from msgspec import Struct
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
from penfold.ports.sending.emails import Email, EmailLease, EmailState
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
    """Return an email that is accepted with the time its stream has room for it, and take that.

    SendingError (429) when that is days away, or when nobody wants it any more. One for a time of
    its own takes no room before it is due (`take_due`), so that it keeps none from others.
    """
    now_ms = email.created_ms
    room = None if email.scheduled_ms else _find_room(writer, email, now_ms)
    if room is None:
        return email
    wait_ms = room.at_ms - now_ms
    if wait_ms > STREAM_WAIT_MAX_MS:
        raise _make_refusal(room, "is full for three days", wait_ms - STREAM_WAIT_MAX_MS)
    if 0 < email.expires_ms <= room.at_ms:
        what = "has no room before the email expires"
        raise _make_refusal(room, what, room.at_ms - email.expires_ms)
    _take_room(writer, room, recipients)
    if not wait_ms:
        return email
    return replace(email, scheduled_ms=room.at_ms, paced=True, state=EmailState.SCHEDULED)


def take_due(writer: SendingWriter, *, now_ms: int, lease_ms: int, limit: int) -> list[EmailLease]:
    """Take emails that are due, but put off those whose streams have room for them later.

    It may return none though others are due.
    """
    leases = writer.take_emails(now_ms=now_ms, lease_ms=lease_ms, limit=limit)
    return [lease for lease in leases if not _put_off(writer, lease, now_ms)]


def _put_off(writer: SendingWriter, lease: EmailLease, now_ms: int) -> bool:
    email = lease.email
    if email.state is not EmailState.SCHEDULED or email.paced:
        return False
    room = _find_room(writer, email, now_ms)
    if room is None:
        return False
    if 0 < email.expires_ms <= room.at_ms:
        # It can only expire, for which it needs no room.
        until_ms = email.expires_ms
    else:
        until_ms = room.at_ms
        people = writer.list_recipients(email.number)
        _take_room(writer, room, sum(not one.final for one in people))
    if until_ms <= now_ms:
        return False
    writer.put_off(lease, until_ms)
    return True


class _Room(Struct, frozen=True, gc=False):
    """When a stream has room for more, at how many recipients an hour."""

    stream: Stream
    limit: int
    at_ms: int


def _find_room(writer: SendingWriter, email: Email, now_ms: int) -> _Room | None:
    """Return when there is room; None: always. The account's own streams alone have limits."""
    stream = writer.find_word(Stream, email.stream, email.account_id)
    limit = find_limit(stream, now_ms) if stream else None
    if stream is None or limit is None or email.test:
        return None
    return _Room(stream, limit, max(now_ms, stream.paced_ms))


def _take_room(writer: SendingWriter, room: _Room, recipients: int) -> None:
    paced_ms = room.at_ms + recipients * _HOUR_MS // room.limit
    writer.replace(replace(room.stream, paced_ms=paced_ms))


def _make_refusal(room: _Room, what: str, wait_ms: int) -> SendingError:
    return SendingError(
        RATE_LIMITED,
        f"The stream {room.stream.name} sends to {room.limit} an hour and {what}.",
        wait_s=wait_ms // 1000 + 1,
        limit=room.limit,
    )
