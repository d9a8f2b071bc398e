"""What a message's stored octets mean: packing and unpacking of the content table and its kin.

parsed    msgpack([Part, subject key])
raw       zstd(octets)
history   msgpack(list of HistoryEntry)
labels    "1 3 15"
setting   msgpack(record)
wishes    msgpack([MailOptions, ReportRequests]); NULL: none

Measured on 4 kB messages: zstd level 3 takes 23 us and halves them. The part tree is not
compressed: that would save 160 of 640 octets and cost 6 us on the way in and 3 us on each read.
Compressors are kept per thread, as making one costs more than using it. Octets that do not unpack
are damage, told apart from every other error.
"""

import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

import msgspec
import zstandard

from penfold.base.errors import MailboxDamagedError
from penfold.base.labels import ALL_MAIL, FIRST_USER_LABEL, SPAM, TRASH, USER_LABELLED
from penfold.ports.mailbox import HistoryEntry
from penfold.ports.settings import S
from penfold.proto.mime.model import Part
from penfold.proto.smtp.parameters import NO_OPTIONS, MailOptions, ReportRequest

_LEVEL: Final = 3
_HIDDEN: Final = frozenset({SPAM, TRASH})


class _Codec(threading.local):
    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=_LEVEL).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_codec = _Codec()
_encode = msgspec.msgpack.Encoder().encode
_decode_parsed = msgspec.msgpack.Decoder(tuple[Part, str]).decode
_decode_entries = msgspec.msgpack.Decoder(tuple[HistoryEntry, ...]).decode
_decode_names = msgspec.msgpack.Decoder(tuple[str, ...]).decode
_decode_wishes = msgspec.msgpack.Decoder(tuple[MailOptions, tuple[ReportRequest, ...]]).decode

encode = _encode
decode_entries = _decode_entries
decode_names = _decode_names


def pack_parsed(root: Part, subject_key: str) -> bytes:
    return _encode((root, subject_key))


def unpack_parsed(packed: bytes) -> tuple[Part, str]:
    try:
        return _decode_parsed(packed)
    except (msgspec.MsgspecError, MemoryError) as error:
        raise MailboxDamagedError("stored part tree does not unpack") from error


def decode_setting(packed: bytes, kind: type[S]) -> S:
    """Return a record as ports/settings.py knows it now."""
    try:
        record: S = _setting_decoder(kind).decode(packed)
    except msgspec.MsgspecError as error:
        raise MailboxDamagedError("a stored setting does not unpack") from error
    return record


@cache
def _setting_decoder(kind: type[S]) -> msgspec.msgpack.Decoder[S]:
    return msgspec.msgpack.Decoder(kind)


def pack_wishes(options: MailOptions, reports: Sequence[ReportRequest]) -> bytes | None:
    return None if options == NO_OPTIONS and not reports else _encode((options, reports))


def unpack_wishes(packed: bytes | None) -> tuple[MailOptions, tuple[ReportRequest, ...]]:
    if packed is None:
        return NO_OPTIONS, ()
    try:
        return _decode_wishes(packed)
    except msgspec.MsgspecError as error:
        raise MailboxDamagedError("stored wishes do not unpack") from error


def pack_raw(raw: bytes) -> bytes:
    return _codec.compress(raw)


def unpack_raw(packed: bytes) -> bytes:
    try:
        return _codec.decompress(packed)
    except (zstandard.ZstdError, MemoryError) as error:
        raise MailboxDamagedError("stored message does not unpack") from error


@lru_cache(maxsize=4096)
def parse_labels(text: str) -> frozenset[int]:
    return frozenset(map(int, text.split()))


@lru_cache(maxsize=4096)
def format_labels(labels: frozenset[int]) -> str:
    return " ".join(map(str, sorted(labels)))


@lru_cache(maxsize=4096)
def list_postings(labels: frozenset[int]) -> tuple[int, ...]:
    """Return the labels a message with these is listed under, the pseudo-labels among them."""
    pseudo = set() if labels & _HIDDEN else {ALL_MAIL}
    if max(labels, default=0) >= FIRST_USER_LABEL:
        pseudo.add(USER_LABELLED)
    return tuple(sorted(labels | pseudo))


def make_storable(text: str) -> str:
    """Return the text, with lone surrogates (broken mail) replaced: SQLite stores UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
