"""A look at every Liquid tag before the library sees it, in linear time.

The library's lexer is quadratic on `{{ {{ {{` and unbounded in the length of a tag; what passes
here has tags that are closed, short, few and known, so neither it nor the parser has anything to
lose itself in.
"""

import re
from typing import Final, NamedTuple

from penfold.base.limits import (
    TEMPLATE_FINDINGS_MAX,
    TEMPLATE_PART_MAX_BYTES,
    TEMPLATE_TAG_JOINTS_MAX,
    TEMPLATE_TAG_MAX_CHARS,
    TEMPLATE_TAGS_MAX,
)
from penfold.proto.templates.model import Finding

TAG_NAMES: Final = (
    "if elsif else endif unless endunless case when endcase for endfor break continue assign "
    "capture endcapture cycle increment decrement render comment endcomment #"
).split()
_INSTEAD: Final = {
    "include": "use render, which shows what a partial gets",
    "raw": "print braces by {{ '{{' }}",
    "liquid": "write one tag for each line",
    "echo": "write {{ … }}",
    "tablerow": "write a for loop in a table",
}
_OPEN: Final = re.compile(r"\{[{%]")
_NAME: Final = re.compile(r"\{%-?\s{0,99}(#|\w{0,30})")
#: What makes one step of rendering dearer, or the library's parser go one level deeper.
_JOINTS: Final = re.compile(r"\b(?:and|or)\b|[\[(,]")
#: What a tag is replaced by begins with this.
_WORD: Final = "slot"
#: More blanks than this in a row make the library's lexer slow.
_BLANKS: Final = re.compile(r"\s{100}")


class Tag(NamedTuple):
    """`{{ … }}` (name is empty) or `{% name … %}`, from start to end."""

    name: str
    start: int
    end: int


def line_of(source: str, at: int) -> int:
    return source.count("\n", 0, at) + 1


def scan_part(source: str, where: str) -> tuple[list[Tag], list[Finding]]:
    """Return the tags of a part and what is wrong with it; with something wrong, not all tags."""
    if len(source.encode("utf-8", "replace")) > TEMPLATE_PART_MAX_BYTES:
        why = f"is larger than {TEMPLATE_PART_MAX_BYTES} octets; put pictures on a server"
        return [], [Finding("too-large", why, where)]
    tags: list[Tag] = []
    wrong: list[Finding] = []
    at = 0
    while (found := _OPEN.search(source, at)) and len(wrong) < TEMPLATE_FINDINGS_MAX:
        tag, problem = _read_tag(source, found.start())
        if tag:
            tags.append(tag)
        if problem:
            code, message = problem
            wrong.append(Finding(code, message, where, line_of(source, found.start())))
        if len(tags) > TEMPLATE_TAGS_MAX:
            why = f"has more than {TEMPLATE_TAGS_MAX} tags; use loops or several templates"
            return [], [Finding("too-large", why, where)]
        at = tag.end if tag else found.end()
    return tags, wrong


def _read_tag(source: str, start: int) -> tuple[Tag | None, tuple[str, str] | None]:
    """Return the tag that opens at start, and a code and message if something is wrong with it."""
    output = source.startswith("{{", start)
    close = "}}" if output else "%}"
    end = source.find(close, start + 2, start + TEMPLATE_TAG_MAX_CHARS)
    if end < 0:
        shown = source[start : start + 20].partition("\n")[0]
        return None, (
            "syntax",
            f"`{shown}` is not closed by `{close}` within {TEMPLATE_TAG_MAX_CHARS} characters",
        )
    name = ""
    if not output:
        found = _NAME.match(source, start)
        name = found[1] if found else ""
    tag = Tag(name, start, end + 2)
    inside = source[start + 2 : end].strip("-").strip()
    if _BLANKS.search(source, start, end):
        return tag, ("syntax", "a tag has 100 blanks in a row; remove some")
    if not inside:
        return tag, ("syntax", "there is nothing in the tag; name a variable or remove it")
    if len(_JOINTS.findall(inside)) > TEMPLATE_TAG_JOINTS_MAX:
        why = (
            f"a tag has more than {TEMPLATE_TAG_JOINTS_MAX} commas, brackets, and, or; use several"
        )
        return tag, ("syntax", why)
    if not output and name not in TAG_NAMES:
        hint = _INSTEAD.get(name, "docs/templates.md lists those there are")
        return tag, ("syntax", f"there is no tag `{name}`; {hint}")
    return tag, None


def mark_tags(source: str, tags: list[Tag]) -> tuple[str, dict[str, str]]:
    """Return the source with a word in place of each tag, and the tags by word.

    For what reads HTML or MJML and knows nothing of Liquid. Each word ends in a letter, so none
    begins another.
    """
    prefix = _WORD
    while prefix in source:
        prefix += "x"
    words: dict[str, str] = {}
    pieces: list[str] = []
    at = 0
    for number, tag in enumerate(tags):
        word = f"{prefix}{number}z"
        words[word] = source[tag.start : tag.end]
        pieces += (source[at : tag.start], word)
        at = tag.end
    return "".join((*pieces, source[at:])), words


def put_tags_back(marked: str, words: dict[str, str]) -> str:
    """Undo mark_tags, after something else has been done to the text."""
    return _marks(words).sub(lambda found: words.get(found[0], found[0]), marked)


def list_marks(text: str, words: dict[str, str]) -> list[str]:
    """Return the words of mark_tags in a piece of what it marked, in their order."""
    return [word for word in _marks(words).findall(text) if word in words]


def _marks(words: dict[str, str]) -> re.Pattern[str]:
    """Return what matches the words; nothing at all when there are none."""
    prefix = next(iter(words), "").removesuffix("0z")
    return re.compile(rf"{prefix}\d+z" if prefix else r"(?!)")
