"""Content-Type and Content-Disposition: type, parameters, file name.

RFC 2045 §5.1 with what mail really contains: unquoted blanks in names, missing semicolons, 8-bit
and RFC 2047 words where RFC 2231 belongs. Of two parameters with one name the first counts.

Never raises; linear. RFC 2231 continuations count up to MIME_MAX_PARAM_SEGMENTS and to the first
gap.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from penfold.base.limits import MIME_FILENAME_MAX_BYTES, MIME_MAX_PARAM_SEGMENTS
from penfold.proto.mime.charset import decode_text
from penfold.proto.mime.words import decode_words, strip_controls

_TYPE = re.compile(r"\s*+([!#$%&'*+.^_`|~0-9A-Za-z-]++)/([!#$%&'*+.^_`|~0-9A-Za-z-]++)")
#: A run of blanks is entered at its start only: tried from each blank, it would cost its square.
_PARAM = re.compile(
    r'(?:;\s*+|(?<![;\s])\s++)([^\s=;"()<>]++)\s*+=\s*+(?:"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)|([^;"]*+))',
    re.DOTALL,
)
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_SEGMENT = re.compile(r"([^*]++)(?:\*([0-9]{1,4}))?(\*)?")


def parse_type(value: str) -> str | None:
    """Return `type/subtype` in lower case; None when the value does not begin with one."""
    match = _TYPE.match(value)
    return f"{match[1]}/{match[2]}".lower() if match else None


class Params:
    """The parameters of one header value, parsed once; names in lower case."""

    __slots__ = ("_plain", "_segments")

    def __init__(self, value: str) -> None:
        self._plain: dict[str, str] = {}
        self._segments: dict[str, dict[int, tuple[str, bool]]] = {}
        if "=" not in value:
            return
        for key, quoted, bare in _PARAM.findall(value):
            name = key.lower()
            text = _unescape(quoted) if quoted else bare.strip()
            if "*" in name:
                self._add_segment(name, text)
            elif name not in self._plain:
                # A bare value ends at white space, but senders forget the quotes of a file name.
                bare_word = bool(bare) and name not in _NAMES
                self._plain[name] = text.split(None, 1)[0] if bare_word and text else text

    def _add_segment(self, key: str, text: str) -> None:
        match = _SEGMENT.fullmatch(key)
        if match is None:
            return
        segments = self._segments.setdefault(match[1], {})
        if len(segments) < MIME_MAX_PARAM_SEGMENTS:
            segments.setdefault(int(match[2] or 0), (text, bool(match[3])))

    def find(self, name: str) -> str:
        """Return the value, "" when there is none; RFC 2231 goes before the plain form."""
        return self._join_segments(name) or self._plain.get(name, "")

    def _join_segments(self, name: str) -> str:
        # RFC 2231 §3, §4: name*0*=charset'language'text; later segments hold text only.
        segments = self._segments.get(name)
        if not segments or 0 not in segments:
            return ""
        charset = "utf-8"
        data = b""
        for number in range(len(segments)):
            if number not in segments:
                break
            text, encoded = segments[number]
            if encoded and not number and text.count("'") >= 2:
                charset, _, text = text.split("'", 2)
            data += unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace")
        return decode_text(data, charset.lower())


_NAMES: Final = frozenset({"name", "filename"})
_NO_PARAMS: Final = Params("")


def _unescape(quoted: str) -> str:
    # A backslash that cannot be an escape stands for itself: C:\dir\file of old Windows mailers.
    if "\\" not in quoted:
        return quoted
    return _PAIR.sub(lambda match: match[1] if match[1] in '"\\' else match[0], quoted)


def parse_params(value: str | None) -> Params:
    return Params(value) if value else _NO_PARAMS


def file_name(disposition: Params, content_type: Params) -> str:
    """Return the file name, "" when there is none: data for display, not a path to open.

    Content-Disposition goes before Content-Type. RFC 2047 words are decoded although
    RFC 2047 §5 forbids them here, because many senders write them.
    """
    text = disposition.find("filename") or content_type.find("name")
    if not text:
        return ""
    return _shorten(" ".join(strip_controls(decode_words(text)).split()))


def _shorten(name: str) -> str:
    if len(name) * 4 <= MIME_FILENAME_MAX_BYTES:
        return name
    data = name.encode()
    if len(data) <= MIME_FILENAME_MAX_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    tail = (dot + extension).encode() if stem and len(extension) <= 10 else b""
    return (data[: MIME_FILENAME_MAX_BYTES - len(tail)] + b"").decode("utf-8", "ignore") + (
        tail.decode()
    )
