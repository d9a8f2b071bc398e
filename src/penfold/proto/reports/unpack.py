"""The one file inside gzip or zip, as statistics come by mail (RFC 9990 §2.6, RFC 8460 §3).

What a file unpacks to is counted while it is unpacked, whatever it says of itself, so a bomb costs
REPORT_UNPACKED_MAX_BYTES of memory and no more. Of a zip the first member is read, from its own
header (APPNOTE.TXT 4.3.7): the directory at the end, which may name millions, is not looked at.
"""

import struct
import zlib
from typing import Final

from penfold.base.errors import ParseError
from penfold.base.limits import REPORT_PACKED_MAX_BYTES, REPORT_UNPACKED_MAX_BYTES

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
#: APPNOTE.TXT 4.3.7: version, flags, method, time, date, CRC, sizes, lengths of name and extra.
_MEMBER = struct.Struct("<4sHHHHHLLLHH")
_ENCRYPTED: Final = 1
_STORED: Final = 0
_DEFLATED: Final = 8
#: zlib: a raw deflate stream, and one in a gzip member (RFC 1952).
_RAW: Final = -15
_IN_GZIP: Final = 31
_BOM: Final = b"\xef\xbb\xbf"


def unpack_report(data: bytes, *, most: int = REPORT_UNPACKED_MAX_BYTES) -> bytes:
    """Return the octets inside, or those given when they are not packed.

    ParseError when it is damaged, encrypted, or unpacks to more than `most`.
    """
    if len(data) > REPORT_PACKED_MAX_BYTES:
        raise ParseError("report too large")
    if data.startswith(_GZIP):
        plain = _inflate(data, 0, _IN_GZIP, most)
    elif data.startswith(_ZIP):
        plain = _unzip(data, most)
    else:
        plain = data
    if len(plain) > most:
        raise ParseError("report unpacks to too much")
    return plain.removeprefix(_BOM)


def _unzip(data: bytes, most: int) -> bytes:
    if len(data) < _MEMBER.size:
        raise ParseError("zip file cut off")
    _, _, flags, method, _, _, _, packed, _, name, extra = _MEMBER.unpack_from(data)
    if flags & _ENCRYPTED:
        raise ParseError("zip file is encrypted")
    start = _MEMBER.size + name + extra
    if method == _DEFLATED:
        return _inflate(data, start, _RAW, most)
    if method == _STORED and start + packed <= len(data):
        return data[start : start + packed]
    raise ParseError("zip file cut off, or packed in an unknown way")


def _inflate(data: bytes, start: int, form: int, most: int) -> bytes:
    unpacker = zlib.decompressobj(form)
    try:
        # One octet more than may be tells a file that is too large from one that just fits.
        plain = unpacker.decompress(memoryview(data)[start:], most + 1)
    except zlib.error as error:
        raise ParseError("packed file is damaged") from error
    if len(plain) > most:
        raise ParseError("report unpacks to too much")
    if not unpacker.eof:
        raise ParseError("packed file is cut off")
    return plain
