"""Header fields onto and off a raw message, octet by octet.

Body and untouched fields keep their octets. Everything written is checked: a name is printable
ASCII without colon, a value has no control characters, so a value can never become a second field
(ValueError otherwise). Text beyond ASCII is written as RFC 2047 words, lines are folded.

A message that begins with no field at all (a bare body) gets a blank line after what is put
before it.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Final

from penfold.proto.mime.dates import format_date
from penfold.proto.mime.fields import find_block, iter_fields, iter_named, unfold
from penfold.proto.mime.model import Address
from penfold.proto.mime.words import quote, strip_controls

__all__ = [
    "encode_header_value",
    "format_address",
    "format_date",
    "header_values",
    "normalize_crlf",
    "prepend_headers",
    "received_header",
    "remove_headers",
    "replace_header",
]

_NAME = re.compile(r"(?!--)[!-9;-~]{1,76}")
#: What may stand in no value: it ends a line for somebody, or is no character.
CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FOLD = re.compile(rb"\r?\n")
_LONE = re.compile(rb"\r\n|\n|\r")
_WORD = re.compile(r" *[^ ]+")

#: RFC 5322 §2.1.1: lines should have 78 characters at most; 998 must not be exceeded.
_LINE: Final = 76
_TOKEN_MAX: Final = 900
#: RFC 2047 §2: an encoded word has 75 characters at most and its line 76. 39 octets make a word of
#: 64, which fits behind a short field name; behind a long one the first line stays empty.
_WORD_BYTES: Final = 39


def header_values(raw: bytes, name: str) -> list[str]:
    """Return the values of every field of that name, unfolded; encoded words stay encoded."""
    return [strip_controls(unfold(match[1])).strip() for match in iter_named(raw, name.encode())]


def remove_headers(raw: bytes, names: Sequence[str]) -> bytes:
    """Return the message without the fields of these names."""
    unwanted = {name.lower().encode() for name in names}
    start, stop, _ = find_block(raw, 0, len(raw))
    fields = iter_fields(raw, start, stop)
    return _without(raw, [match for match in fields if match[1].lower() in unwanted])


def _without(raw: bytes, fields: Sequence[re.Match[bytes]]) -> bytes:
    if not fields:
        return raw
    kept = []
    at = 0
    for match in fields:
        kept.append(raw[at : match.start()])
        at = match.end()
    kept.append(raw[at:])
    return b"".join(kept)


def prepend_headers(
    raw: bytes, headers: Sequence[tuple[str, str]], *, utf8: bool = False, written: bytes = b""
) -> bytes:
    """Return the message with these fields, in this order, before all others.

    A value of ASCII is written as it is (so it may hold encoded words), any other is encoded.
    utf8: no value is encoded, the message can only go where SMTPUTF8 is offered (RFC 6532).
    written: whole fields that follow, written and folded elsewhere; their line ends, CR LF, become
    those of the message.
    """
    if not headers and not written:
        return raw
    line_end = _line_end(raw)
    block = b"".join(_write_field(name, value, line_end, utf8=utf8) for name, value in headers)
    block += written.replace(b"\r\n", line_end)
    start, stop, body = find_block(raw, 0, len(raw))
    if start == stop and body == stop:
        block += line_end  # no field and no blank line: what follows is body
    return raw[:start] + block + raw[start:]


def replace_header(raw: bytes, name: str, value: str) -> bytes:
    """Return the message with exactly one field of that name: where the first was, or on top."""
    fields = list(iter_named(raw, name.encode()))
    if not fields:
        return prepend_headers(raw, [(name, value)])
    first = fields[0].start()
    rest = _without(raw, fields)
    return rest[:first] + _write_field(name, value, _line_end(raw)) + rest[first:]


def _line_end(raw: bytes) -> bytes:
    at = raw.find(b"\n")
    return b"\n" if at > 0 and raw[at - 1 : at] != b"\r" else b"\r\n"


def _write_field(name: str, value: str, line_end: bytes, *, utf8: bool = False) -> bytes:
    if not _NAME.fullmatch(name):
        raise ValueError("not a header field name")
    if utf8 and CONTROLS.search(value):
        raise ValueError("control character in a header field value")
    text = _fold(value.strip(" ") if utf8 else encode_words(value.strip(" ")), len(name) + 2)
    return f"{name}: {text}\r\n".encode().replace(b"\r\n", line_end)


def normalize_crlf(raw: bytes) -> bytes:
    """Return the message with every line ended by CRLF.

    RFC 5321 §2.3.8: CR and LF only go together. A lone LF ended a line where the message was
    made, so does a lone CR in a body; in the header a lone CR becomes a blank, so that it
    cannot begin a field nobody checked.
    """
    count = raw.count(b"\n")
    if raw.count(b"\r\n") == count == raw.count(b"\r"):
        return raw
    body = find_block(raw, 0, len(raw))[2]
    header = raw[:body].replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\n", b"\r\n")
    return header + _LONE.sub(b"\r\n", raw[body:])


# --- text ------------------------------------------------------------------------------


def encode_header_value(value: str) -> str:
    """Return unstructured text (a subject, say) as an ASCII value for one of the writers above.

    Text that looks like an encoded word is encoded, so that it reads back as what it was.
    """
    words = value.split(" ")
    return encode_words(value, also=[word for word in words if "=?" in word])


def encode_words(value: str, *, also: Sequence[str] = ()) -> str:
    """Return the value in ASCII: encoded words from the first word that needs them to the last.

    also: words that are to be encoded although they are short and plain.
    """
    if CONTROLS.search(value):
        raise ValueError("control character in a header field value")
    if value.isascii() and not also and len(value) <= _TOKEN_MAX:
        return value
    words = value.split(" ")
    needy = [
        at
        for at, word in enumerate(words)
        if not word.isascii() or len(word) > _TOKEN_MAX or word in also
    ]
    if not needy:
        return value
    first, last = needy[0], needy[-1] + 1
    return " ".join([*words[:first], *_encode_words(" ".join(words[first:last])), *words[last:]])


def _fold(value: str, column: int) -> str:
    """Return ASCII text with line breaks before blanks, where lines would become too long."""
    lines: list[str] = []
    if value.startswith("=?") and column + len(value.partition(" ")[0]) > _LINE:
        lines.append("")  # RFC 2047 §2: 76 characters in a line with such words
        value, column = " " + value, 0
    start = 0
    while start + _LINE - column < len(value):
        end = _find_break(value, start, start + _LINE - column)
        if end == len(value):
            break
        lines.append(value[start:end])
        start, column = end, 0
    lines.append(value[start:])
    return "\r\n".join(lines)


def _find_break(value: str, start: int, limit: int) -> int:
    """Return where the last blanks begin that stand behind a word and before `limit`.

    When there are none, where those behind the first word do: a long word stands on its own.
    """
    blank = value.rfind(" ", start, max(start, limit + 1))
    if blank > start:
        end = start + len(value[start:blank].rstrip(" "))
        if end > start:
            return end
    word = _WORD.match(value, start)
    return word.end() if word else len(value)


def _encode_words(text: str) -> Iterator[str]:
    """Yield encoded words; RFC 2047 §5: none of them ends inside a character."""
    data = text.encode()
    at = 0
    while at < len(data):
        end = at + _WORD_BYTES
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        yield f"=?utf-8?b?{b64encode(data[at:end]).decode()}?="
        at = end


_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def format_address(address: Address) -> str:
    """Return one mailbox for an address field: name quoted or encoded as it needs.

    What is no character of a line is a space in the name and a ValueError in the address.
    """
    name = CONTROLS.sub(" ", address.name).strip()
    if CONTROLS.search(address.address):
        raise ValueError("control character in an address")
    if not name:
        return address.address
    if not name.isascii() or "=?" in name:
        return f"{' '.join(_encode_words(name))} <{address.address}>"
    return f"{name if _PLAIN_NAME.fullmatch(name) else quote(name)} <{address.address}>"


def received_header(
    *,
    helo: str,
    peer: str,
    by: str,
    protocol: str,
    identity: str,
    epoch_ms: int,
    recipient: str = "",
    tls: str = "",
) -> str:
    """Return the value of a Received field (RFC 5321 §4.4).

    helo: what the peer called itself, not to be trusted. peer: its address, "" when it is this
    product itself. protocol: ESMTP, ESMTPS, ESMTPSA, … (RFC 3848). tls: version and cipher.
    """
    source = _trace_word(helo) or "unknown"
    if peer:
        source += f" ([{_trace_word(peer)}])"
    parts = [f"from {source} by {_trace_word(by)}"]
    if tls:
        parts.append(f"(using {_trace_word(tls, blanks=True)})")
    parts.append(f"with {_trace_word(protocol)} id {_trace_word(identity)}")
    if recipient.isascii() and recipient:
        parts.append(f"for <{_trace_word(recipient)}>")
    return " ".join(parts) + f"; {format_date(epoch_ms)}"


_NOT_TRACE = re.compile(r"[^!#-'*-:=?-\[\]^-~]")
_NOT_TRACE_TEXT = re.compile(r"[^ !#-'*-:=?-Z^-~]")
#: Characters of one word of a trace line; a domain has 255 at most.
_TRACE_WORD_MAX: Final = 255


def _trace_word(text: str, *, blanks: bool = False) -> str:
    """Return a stranger's text as one word that opens no comment, bracket or clause."""
    return (_NOT_TRACE_TEXT if blanks else _NOT_TRACE).sub("?", text)[:_TRACE_WORD_MAX]
