"""Encoded words (RFC 2047) and safe header text.

Decoded text is data, never syntax: CR, LF and tab become a space, other C0 and C1 controls, NUL and
bidirectional controls go away, and a decoded display name comes back in double quotes so
that a comma or `<` inside it cannot become an address.

Never raises. At most MIME_MAX_ENCODED_WORDS words of a value are decoded; the rest is left as it
came.
"""

import binascii
import re
from typing import Final

from penfold.base.limits import MIME_MAX_ENCODED_WORDS
from penfold.proto.mime.charset import decode_text
from penfold.proto.mime.tokens import (
    ATOM,
    COMMENT,
    ENCODED_WORD,
    QUOTED,
    SPACE,
    SPECIAL,
    WORD,
    iter_tokens,
    unquote,
)
from penfold.proto.mime.transfer import decode_base64

#: C0, DEL, C1, the two Unicode line ends, what reorders text (Unicode Bidi_Control=Yes), and lone
#: surrogates, which no octets can carry.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_WHITE: Final = frozenset("\t\n\r\x0b\x0c\x85\u2028\u2029")
_SPECIALS = re.compile(r'["(),:;<>\[\]\\]')
_ESCAPED = re.compile(r'([\\"])')
_ESCAPED_COMMENT = re.compile(r"([\\()])")


def strip_controls(text: str) -> str:
    """Return text without control characters; those that separate become a space."""
    if text.isprintable():
        return text
    return _CONTROLS.sub(lambda match: " " if match[0] in _WHITE else "", text)


def _decode_q(text: str) -> bytes:
    # RFC 2047 §4.2: `_` always stands for a space. Text that is not ASCII is a sender's mistake.
    return binascii.a2b_qp(text.encode("utf-8", "replace"), header=True)


def decode_words(text: str) -> str:
    """Return text with its encoded words decoded; not yet cleaned of controls.

    RFC 2047 §6.2: white space between two encoded words is dropped. Neighbours of one charset
    are joined before decoding, because senders split characters between words.
    """
    if "=?" not in text:
        return text
    out: list[str] = []
    pending = b""
    charset = ""
    at = 0
    for count, match in enumerate(ENCODED_WORD.finditer(text)):
        if count == MIME_MAX_ENCODED_WORDS:
            break
        between = text[at : match.start()]
        name = match[1].partition("*")[0].lower()  # RFC 2231 §5: a language may follow
        apart = not count or (between and not between.isspace())
        if apart or name != charset:
            out.append(decode_text(pending, charset))
            out.append(between if apart else "")
            pending = b""
        pending += (
            _decode_q(match[3])
            if match[2] in "qQ"
            else decode_base64(match[3].encode("utf-8", "replace"))
        )
        charset = name
        at = match.end()
    out.append(decode_text(pending, charset))
    out.append(text[at:])
    return "".join(out)


def quote(text: str) -> str:
    """Return text as a quoted-string (RFC 5322 §3.2.4)."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + _ESCAPED.sub(r"\\\1", text) + '"'


def decode_names(value: str) -> str:
    """Return an address header's value with its display names decoded, each in double quotes.

    Gmail (observed 2026-09): `=?utf-8?q?Jos=C3=A9_M=C3=BCller?= <j@x>` is shown as
    `"José Müller" <j@x>`. Everything else stays as it was written, but for quotes and brackets
    that are never closed.
    """
    out: list[str] = []
    phrase: list[tuple[int, str]] = []
    inside = False
    for kind, text in iter_tokens(strip_controls(value)):
        if not inside and (kind in _PHRASE) and (kind != ATOM or "@" not in text):
            phrase.append((kind, text))
            continue
        local: list[str] = []  # what touches `@x` is its local part, not a name
        while kind == ATOM and phrase and phrase[-1][0] != SPACE:
            local.append(_show_token(*phrase.pop()))
        out.append(_show_phrase(phrase))
        out.extend(reversed(local))
        phrase.clear()
        if kind == SPECIAL and text in "<>":
            inside = text == "<"
        out.append(_show_token(kind, text))
    out.append(_show_phrase(phrase))
    return "".join(out)


_PHRASE: Final = frozenset({ATOM, QUOTED, WORD, SPACE})


def _show_token(kind: int, text: str) -> str:
    # A quote or bracket on its own would pair up with those of the decoded names.
    if kind == SPECIAL and text in '"()[]':
        return " "
    if kind == WORD:
        return _SPECIALS.sub(" ", text)
    if kind != COMMENT or "=?" not in text:
        return text
    plain = strip_controls(decode_words(text[1:].removesuffix(")")))
    return "(" + _ESCAPED_COMMENT.sub(r"\\\1", plain) + ")"


def _show_phrase(phrase: list[tuple[int, str]]) -> str:
    written = "".join(text for _, text in phrase)
    if "=?" not in written or not ENCODED_WORD.search(written):
        return written
    before = " " if phrase[0][0] == SPACE else ""
    after = " " if phrase[-1][0] == SPACE else ""
    return before + quote(phrase_text(phrase)) + after


def phrase_text(phrase: list[tuple[int, str]], *, decode: bool = True) -> str:
    """Return what a phrase says: quotes taken off, encoded words decoded, blanks collapsed."""
    text = "".join(unquote(text) if kind == QUOTED else text for kind, text in phrase)
    return " ".join(strip_controls(decode_words(text) if decode else text).split())
