"""Content transfer encodings (RFC 2045 §6): undo base64 and quoted-printable, or say how long.

Never raises; time and memory grow with the input only. Damage is answered the way RFC 2045
asks: octets outside the base64 alphabet are ignored, padding ends the data, a stray `=` in
quoted-printable stands for itself.
"""

import binascii
import contextlib
from typing import Final

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_DIGITS: Final = bytes(set(range(256)) - set(_ALPHABET))
_JUNK: Final = bytes(set(range(256)) - set(_ALPHABET) - {ord("=")})

#: Octets counted at a time, so that counting 150 MB does not copy 150 MB.
_CHUNK: Final = 1 << 20


def decode_base64(data: bytes) -> bytes:
    """Return the octets; junk is ignored, a lone last digit dropped, padding supplied."""
    digits = data.translate(None, _JUNK).rstrip(b"=")
    if b"=" in digits:
        return _decode_padded_inside(digits)
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=="[: -len(digits) % 4])


def _decode_padded_inside(digits: bytes) -> bytes:
    # RFC 2045 §6.8: `=` may be taken as evidence that the end of the data has been reached.
    # binascii does that where the padding completes a group, and skips `=` anywhere else.
    with contextlib.suppress(binascii.Error):
        return binascii.a2b_base64(digits + b"==")
    return binascii.a2b_base64(digits[:-1].rstrip(b"=") + b"==")  # less a lone last digit


def decode_quoted_printable(data: bytes) -> bytes:
    return binascii.a2b_qp(data)


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """Return the octets under a transfer encoding as named by `Part.encoding`."""
    if encoding == "base64":
        return decode_base64(data)
    if encoding == "quoted-printable":
        return decode_quoted_printable(data)
    return data


def decoded_size(raw: bytes, start: int, end: int, encoding: str) -> int:
    """Return len(decode_transfer(raw[start:end], encoding)), for base64 without decoding."""
    if not encoding:
        return end - start
    if encoding != "base64":
        return len(decode_quoted_printable(raw[start:end]))
    stop = raw.find(b"=", start, end)
    if stop < 0:
        stop = end
    elif raw[stop:end].translate(None, b"=\r\n\t "):
        return len(decode_base64(raw[start:end]))
    digits = 0
    for at in range(start, stop, _CHUNK):
        digits += len(raw[at : min(at + _CHUNK, stop)].translate(None, _NOT_DIGITS))
    return digits * 3 // 4
