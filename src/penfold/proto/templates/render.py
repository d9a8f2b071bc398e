"""A compiled template and variables become a mail: Liquid → style sheets into elements → text part.

Style sheets come after Liquid, because the HTML parser that puts them in moves `{% for %}` out of
tables and writes `a > b` as `a &gt; b`. Nothing is fetched and no file is read.

What a template or variables can cost is counted (budget.py). What libraries make of hostile HTML is
bounded by a look at its depth and, for the rest, by the process this runs in
(app/process/renderer.py).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from css_inline import CSSInliner
from liquid import BoundTemplate
from liquid.exceptions import LiquidError

from penfold.base.limits import (
    HTML_DEPTH_MAX,
    HTML_ELEMENTS_MAX,
    RENDER_STEPS_MAX,
    RENDERED_SUBJECT_MAX_CHARS,
)
from penfold.proto.mime.html import split_markup
from penfold.proto.templates.budget import Budget, SpentError
from penfold.proto.templates.filters import FilterError
from penfold.proto.templates.lint import find_dangerous, list_warnings
from penfold.proto.templates.liquid import make_environment, render_part
from penfold.proto.templates.markup import measure_depth
from penfold.proto.templates.model import Compiled, Finding, Rendered, RenderError
from penfold.proto.templates.plain import make_text
from penfold.proto.templates.scan import line_of
from penfold.proto.templates.schema import fill_defaults, parse_schema

_INLINER: Final = CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)
#: RFC 5322 §2.2: a header field's line ends are the message's; other controls show nothing. U+2028
#: and U+2029 end lines for some readers.
_NOT_IN_SUBJECT: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\\s]+")
#: What no text in a mail has, and half characters, which cannot be encoded.
_NOT_IN_TEXT: Final = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\ud800-\udfff\ufffe\uffff]")


class Prepared:
    """A compiled template whose parts are parsed; for one thread at a time."""

    __slots__ = ("compiled", "html", "schema", "subject", "text")

    def __init__(self, compiled: Compiled) -> None:
        text = make_environment(compiled.text_partials, html=False)
        html = make_environment(compiled.html_partials, html=True)
        self.compiled = compiled
        self.schema = parse_schema(compiled.schema)
        self.subject = text.from_string(compiled.subject)
        self.html = None if compiled.html is None else html.from_string(compiled.html)
        self.text = None if compiled.text is None else text.from_string(compiled.text)


def prepare(compiled: Compiled) -> Prepared:
    """Return what render takes; RenderError if this was not compiled by this release."""
    try:
        return Prepared(compiled)
    except LiquidError as error:
        raise _explain(error, "template") from error


def render(
    prepared: Prepared,
    variables: Mapping[str, Any],
    *,
    warn: bool = True,
    steps: int = RENDER_STEPS_MAX,
) -> Rendered:
    """Return one mail; RenderError, and nothing else, when there is none.

    The variables are those check_variables found nothing wrong with; what else they are gives a
    worse mail or a RenderError. warn: whether to look for what mail clients make of it. steps: what
    the three parts together may take, see limits.
    """
    filled = fill_defaults(prepared.schema, variables)
    budget = Budget(steps)
    subject = _clean_subject(_render(prepared.subject, filled, budget, "subject"))
    html = text = None
    pieces: list[str | Any] = []
    if prepared.html is not None:
        html = _clean(_render(prepared.html, filled, budget, "html"))
        if prepared.compiled.inlines:
            html = inline_styles(html)
        pieces = split_markup(html)
        if refused := find_dangerous(pieces):
            raise RenderError(refused)
    if prepared.text is not None:
        text = _clean(_render(prepared.text, filled, budget, "text"))
    elif pieces:
        text = make_text(pieces)
    text = text or ""
    return Rendered(
        subject=subject,
        html=html,
        text=text,
        warnings=tuple(list_warnings(html, text)) if warn else (),
        size=len((html or "").encode()) + len(text.encode()),
    )


def inline_styles(html: str) -> str:
    """Return HTML with the rules of its style sheets in the elements they are about.

    What cannot be there (@media) stays in a style sheet.
    """
    depth, elements = measure_depth(html)
    if depth > HTML_DEPTH_MAX or elements > HTML_ELEMENTS_MAX:
        why = f"has more than {HTML_ELEMENTS_MAX} elements, or {HTML_DEPTH_MAX} within each other"
        raise RenderError(Finding("too-large", why, "html"))
    try:
        return _INLINER.inline(html)
    except BaseException as error:
        # Rust's panic is no Exception; a process that is told to end is no panic.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise RenderError(Finding("css", "its style sheets cannot be read", "html")) from error
        raise


def _render(
    template: BoundTemplate, variables: Mapping[str, Any], budget: Budget, where: str
) -> str:
    try:
        return render_part(template, variables, budget)
    except SpentError as error:
        raise RenderError(Finding("too-much", str(error), where)) from error
    except Exception as error:
        # Liquid is a library, and hostile templates and values may bring out anything of it:
        # comparing what has no order, too deep a recursion.
        raise _explain(error, where) from error


def _explain(error: Exception, where: str) -> RenderError:
    if isinstance(error, LiquidError):
        token = error.token
        known = token is not None and token.start_index >= 0
        line = line_of(token.source, token.start_index) if token and known else 0
        return RenderError(
            Finding("liquid", str(error.message or "cannot be rendered"), where, line)
        )
    said = str(error) if isinstance(error, FilterError) else f"{type(error).__name__}"
    return RenderError(Finding("liquid", f"a value cannot be used: {said}", where))


def _clean_subject(text: str) -> str:
    subject = _clean(_NOT_IN_SUBJECT.sub(" ", text)).strip()
    if len(subject) > RENDERED_SUBJECT_MAX_CHARS:
        why = f"has more than {RENDERED_SUBJECT_MAX_CHARS} characters"
        raise RenderError(Finding("too-large", why, "subject"))
    return subject


def _clean(text: str) -> str:
    return _NOT_IN_TEXT.sub("\ufffd", text)
