"""Macros of SPF (RFC 7208 §7): `%{ir}.%{v}._spf.%{d2}` and what it stands for.

Owns the grammar of macro strings and domain-specs, and the text they expand to. Asks nobody: the
values of the letters come from the caller. A name is built from its right end and a text from its
left, and no further than it is used, so that no macro makes much out of little.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import SPF_EXPLANATION_MAX_CHARS, SPF_NAME_MAX_CHARS


class Macro(Struct, frozen=True, gc=False):
    """One macro-expand with a letter.

    letter: lower case. escaped: written as a capital. keep: right-hand parts that are kept, 0 for
    all of them. delimiters: sorted, "" when none is given.
    """

    letter: str
    escaped: bool = False
    keep: int = 0
    reverse: bool = False
    delimiters: str = ""


#: A macro-string taken apart: text to be taken as it is, and macros.
Template = tuple[str | Macro, ...]

#: RFC 7208 §7.1: macro-expand, or visible characters except "%"; a blank in explanations only.
_PIECE = re.compile(
    r"%\{([slodiphcrtv])([0-9]*)(r?)([-.+,/_=]*)\}|%([%_-])|([!-$&-~]+)|( +)",
    re.IGNORECASE | re.ASCII,
)
_STANDS_FOR = {"%": "%", "_": " ", "-": "%20"}
#: RFC 7208 §7.2: letters that mean something in an explanation only.
_EXPLANATION_LETTERS = "crt"
#: RFC 7208 §7.1: a toplabel is letters, digits and inner hyphens, and more than digits.
_TOP_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
#: RFC 7208 §7.3: an implementation has to know 127, the most labels a name can have. A larger
#: number keeps everything.
_KEEP_DIGITS = 3
#: Labels of 1 to 63 characters (RFC 1035 §2.3.4), two of them at least. Visible ASCII and the
#: blank, as macros make them; no backslash, which is an escape wherever names are written.
_NAME = re.compile(r"[ !-\-/-\[\]-~]{1,63}(?:\.[ !-\-/-\[\]-~]{1,63})+")


def parse_macro_string(text: str) -> Template:
    """Return the macro-string in pieces, or raise ParseError (RFC 7208 §7.1)."""
    return _parse(text, explains=False)[0]


def parse_explanation(text: str) -> Template:
    """Return the explain-string in pieces, or raise ParseError (RFC 7208 §7.1)."""
    return _parse(text, explains=True)[0]


def parse_domain_spec(text: str) -> Template:
    """Return the domain-spec in pieces, or raise ParseError.

    RFC 7208 §7.1: it ends in a macro, or in a dot and a toplabel.
    """
    template, ends_in_macro = _parse(text, explains=False)
    if ends_in_macro:
        return template
    _, dot, top = text.removesuffix(".").rpartition(".")
    if not dot or not _TOP_LABEL.fullmatch(top) or top.isdigit():
        raise ParseError("not a domain name")
    return template


def _parse(text: str, *, explains: bool) -> tuple[Template, bool]:
    """Return the pieces, and whether the last one is a macro-expand."""
    pieces: list[str | Macro] = []
    at = 0
    ends_in_macro = False
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None or (match[7] and not explains):
            raise ParseError("wrong macro" if text[at] == "%" else "character not allowed")
        if match[1]:
            pieces.append(_parse_macro(match, explains=explains))
        else:
            pieces.append(_STANDS_FOR[match[5]] if match[5] else match[0])
        ends_in_macro = match[0][0] == "%"
        at = match.end()
    return tuple(pieces), ends_in_macro


def _parse_macro(match: re.Match[str], *, explains: bool) -> Macro:
    letter = match[1].lower()
    if letter in _EXPLANATION_LETTERS and not explains:
        raise ParseError("macro for explanations only")
    digits = match[2].lstrip("0")
    if match[2] and not digits:
        raise ParseError("macro that keeps nothing")  # RFC 7208 §7.3: the number is not zero
    return Macro(
        letter=letter,
        escaped=match[1].isupper(),
        keep=int(digits or 0) if len(digits) <= _KEEP_DIGITS else 0,
        reverse=bool(match[3]),
        delimiters="".join(sorted(set(match[4]))),
    )


def uses_letter(template: Template, letter: str) -> bool:
    return any(isinstance(piece, Macro) and piece.letter == letter for piece in template)


def find_target(template: Template, values: Mapping[str, str]) -> str | None:
    """Return the <target-name> the domain-spec expands to, lower case, without the final dot.

    None when nobody can be asked for it: empty or long labels, only one label, no ASCII.
    """
    pieces: list[str] = []
    length = 0
    for piece in reversed(template):
        text = piece if isinstance(piece, str) else _expand(piece, values)
        pieces.append(text)
        length += len(text)
        if length > SPF_NAME_MAX_CHARS + 1:  # one more may be a final dot
            break
    return find_name("".join(reversed(pieces)))


def find_name(text: str) -> str | None:
    """Return the text as the name of a question; None when it cannot be one.

    RFC 7208 §7.3: labels are taken away from the left until it fits.
    """
    if not text.isascii():
        return None
    name = text.removesuffix(".").lower()
    if len(name) > SPF_NAME_MAX_CHARS:
        name = name[-SPF_NAME_MAX_CHARS - 1 :].partition(".")[2]
    return name if _NAME.fullmatch(name) else None


def expand_explanation(template: Template, values: Mapping[str, str]) -> str:
    """Return the explanation, cut at SPF_EXPLANATION_MAX_CHARS; "" unless printable ASCII.

    RFC 7208 §6.2: it goes into an SMTP reply, which is ASCII.
    """
    pieces: list[str] = []
    length = 0
    for piece in template:
        text = piece if isinstance(piece, str) else _expand(piece, values)
        pieces.append(text)
        length += len(text)
        if length > SPF_EXPLANATION_MAX_CHARS:
            break
    text = "".join(pieces)[:SPF_EXPLANATION_MAX_CHARS]
    return text if text.isascii() and text.isprintable() else ""


def _expand(macro: Macro, values: Mapping[str, str]) -> str:
    """Return the value of the letter, transformed (RFC 7208 §7.3).

    RFC 8616 §4: with a local part beyond ASCII a term never matches; so it is not escaped either.
    """
    text = values[macro.letter]
    if macro.keep or macro.reverse or macro.delimiters:
        parts = re.split(f"[{re.escape(macro.delimiters or '.')}]", text)
        if macro.reverse:
            parts.reverse()
        text = ".".join(parts[-macro.keep :])
    return quote(text, safe="") if macro.escaped and text.isascii() else text
