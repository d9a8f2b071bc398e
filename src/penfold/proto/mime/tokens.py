"""Words of a structured header value (RFC 5322 §3.2): atoms, quoted strings, comments, specials.

Lossless (the texts of all tokens make the value again) and linear: the end of a comment that is
never closed is looked for once, that of a quote too, because no other quote can follow it. What a
token means is the affair of words.py and proto/address.py.
"""

import re
from collections.abc import Iterator
from typing import Final

#: RFC 2047 §2: charset, encoding, text. Tolerated: blanks and a few `?` inside the text (never
#: more than 8, so that looking for the end stays cheap).
ENCODED_WORD = re.compile(r"=\?([^?\s]++)\?([bBqQ])\?([^?]*+(?:\?(?!=)[^?]*+){0,8}?)\?=")


# Kinds of tokens; plain numbers, because comparing members of an Enum costs more than the token.
ATOM: Final = 1  # anything that is not one of the others; `@`, `.` and \x pairs included
QUOTED: Final = 2
COMMENT: Final = 3
WORD: Final = 4  # an encoded word; may hold what would be specials outside
SPACE: Final = 5
LITERAL: Final = 6  # [192.0.2.1]
SPECIAL: Final = 7  # one of < > , ; : ( ) [ ] " that opens or ends nothing else

_SPACE = re.compile(r"\s++")
_QUOTED = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_LITERAL = re.compile(r"\[[^\[\]\\]*+\]")
#: RFC 2047 §5: an encoded word does not touch an atom before it, so `a@=?x` is one atom.
_ATOM = re.compile(
    r'(?:[^\s"(),:;<>\[\]\\=]|\\.|=(?!\?)|\\\Z)(?:[^\s"(),:;<>\[\]\\]++|\\.|\\\Z)*+', re.DOTALL
)
_MARKS = re.compile(r"[()]|\\.", re.DOTALL)


def iter_tokens(value: str, *, words: bool = True) -> Iterator[tuple[int, str]]:
    """Yield (kind, text) from left to right; without `words`, encoded words are mere atoms."""
    at = 0
    length = len(value)
    no_comment = False
    while at < length:
        mark = value[at]
        kind, match = ATOM, _ATOM.match(value, at)
        if match is None and (words or mark != "="):
            kind, match = _match_other(mark, value, at)
        if match is not None:
            end = match.end()
        elif mark == "(" and not no_comment and (end := _find_comment_end(value, at)):
            kind = COMMENT
        else:
            no_comment |= mark == "("
            kind, end = (ATOM if mark == "=" else SPECIAL), at + 1
        yield kind, value[at:end]
        at = end


def _match_other(mark: str, value: str, at: int) -> tuple[int, re.Match[str] | None]:
    if mark == "=":
        return WORD, ENCODED_WORD.match(value, at)
    if mark == '"':
        return QUOTED, _QUOTED.match(value, at)
    if mark == "[":
        return LITERAL, _LITERAL.match(value, at)
    if mark.isspace():
        return SPACE, _SPACE.match(value, at)
    return SPECIAL, None


def _find_comment_end(value: str, at: int) -> int:
    """Return the end of the comment that opens at `at`, 0 when it is never closed.

    RFC 5322 §3.2.2: comments nest. Counting needs no stack, so depth needs no limit.
    """
    depth = 0
    for match in _MARKS.finditer(value, at):
        if match[0] == "(":
            depth += 1
        elif match[0] == ")":
            depth -= 1
            if not depth:
                return match.end()
    return 0


_PAIR = re.compile(r"\\(.)", re.DOTALL)


def unquote(text: str) -> str:
    """Return what a quoted-string says."""
    text = text[1:-1]
    return _PAIR.sub(r"\1", text) if "\\" in text else text
