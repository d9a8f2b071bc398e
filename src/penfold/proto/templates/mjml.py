"""MJML to HTML, with Liquid in it, when a template is compiled.

The compiler knows nothing of Liquid: `{% if a < b %}` is no XML, and a tag between elements is
text. So each tag is replaced by a word before and put back after. One that the compiler lost (in
place of an attribute, within a number) is an error, not silence.

Nothing is fetched: `mj-include` is refused here and has no loader there, and no font is linked that
the author did not name.
"""

import re
from typing import Final

import mjml

from penfold.base.limits import HTML_DEPTH_MAX, TEMPLATE_COMPILED_MAX_BYTES
from penfold.proto.templates.markup import measure_depth
from penfold.proto.templates.model import Finding, TemplateError
from penfold.proto.templates.scan import Tag, line_of, mark_tags, put_tags_back

_INCLUDE: Final = re.compile(r"<\s{0,9}mj-include\b", re.IGNORECASE)
_POSITION: Final = re.compile(r"at position (\d{1,9}):")


def compile_mjml(source: str, tags: list[Tag], where: str) -> str:
    """Return HTML with the same tags in it; TemplateError says what is wrong and in which line."""
    if found := _INCLUDE.search(source):
        why = "mj-include reads files and is not supported; use a layout or {% render %} in mj-raw"
        raise _error(why, where, line_of(source, found.start()))
    if measure_depth(source, xml=True).depth > HTML_DEPTH_MAX:
        raise _error(f"nests more than {HTML_DEPTH_MAX} elements", where)
    marked, words = mark_tags(source, tags)
    try:
        html = mjml.mjml2html(marked, fonts={})
    except ValueError as error:
        raise _error(*_explain(str(error), source, marked, where)) from error
    _check_all_there(html, words, source, tags, where)
    html = put_tags_back(html, words)
    if len(html.encode("utf-8", "replace")) > TEMPLATE_COMPILED_MAX_BYTES:
        raise _error(f"becomes more than {TEMPLATE_COMPILED_MAX_BYTES} octets of HTML", where)
    return html


def _error(message: str, where: str, line: int = 0) -> TemplateError:
    return TemplateError((Finding("mjml", message, where, line),))


def _explain(problem: str, source: str, marked: str, where: str) -> tuple[str, str, int]:
    """Return the compiler's message for people, with the line it speaks of, if it says where."""
    found = _POSITION.search(problem)
    line = line_of(marked, int(found[1])) if found else 0
    said = problem.replace(" in root template", "").split(" at position")[0]
    hint = 'every element and attribute must be closed and quoted as in XML (<br/>, a="b")'
    # Words stand for tags on one line; a tag with line ends in it moves what is behind.
    return f"the MJML cannot be read: {said}; {hint}", where, line if source else 0


def _check_all_there(
    html: str, words: dict[str, str], source: str, tags: list[Tag], where: str
) -> None:
    lost = [
        Finding(
            "mjml",
            f"`{words[word]}` cannot stand here, MJML drops it; put it in text, a quoted "
            "attribute or mj-raw",
            where,
            line_of(source, tag.start),
        )
        for word, tag in zip(words, tags, strict=True)
        if word not in html
    ]
    if lost:
        raise TemplateError(tuple(lost[:10]))
