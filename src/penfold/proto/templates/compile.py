"""A template, its layout and its partials become one checked thing, or a list of what is wrong.

Order: each part by itself (so that errors have the author's lines) → variables against the schema →
the layout around the body → MJML to HTML → once more a look at the whole.

Runs libraries in C and Rust on what strangers wrote: beyond a preview on one's own machine that
belongs into a process that may die (app/process/renderer.py).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from liquid import BoundTemplate, Environment
from liquid.exceptions import LiquidError
from msgspec.structs import replace

from penfold.base.limits import (
    TEMPLATE_COMPILED_MAX_BYTES,
    TEMPLATE_FINDINGS_MAX,
    TEMPLATE_PARTIALS_MAX,
    TEMPLATE_SUBJECT_MAX_CHARS,
)
from penfold.proto.templates.lint import check_source, list_unquoted
from penfold.proto.templates.liquid import make_environment
from penfold.proto.templates.mjml import compile_mjml
from penfold.proto.templates.model import (
    UNSUBSCRIBE_URL,
    Compiled,
    Finding,
    Layout,
    Partial,
    TemplateError,
    TemplateSource,
)
from penfold.proto.templates.scan import line_of, scan_part
from penfold.proto.templates.schema import parse_schema
from penfold.proto.templates.usage import UNDECLARED, Usage, list_unused
from penfold.proto.templates.variables import check_variables

_SLOT: Final = re.compile(r"\{\{-?\s*content\s*-?\}\}")
_STYLE: Final = re.compile(r"<style\b", re.IGNORECASE)
Sources = dict[str, str]


def compile_template(
    source: TemplateSource,
    layouts: Mapping[str, Layout] | None = None,
    partials: Mapping[str, Partial] | None = None,
) -> Compiled:
    """Return the template checked and put together; TemplateError has all that is wrong with it."""
    return _Compiler(source, layouts or {}, partials or {}).compile()


class _Compiler:
    def __init__(
        self,
        source: TemplateSource,
        layouts: Mapping[str, Layout],
        partials: Mapping[str, Partial],
    ) -> None:
        self._source = source
        self._layout = self._find_layout(layouts)
        if len(partials) > TEMPLATE_PARTIALS_MAX:
            raise _refused(f"has more than {TEMPLATE_PARTIALS_MAX} partials")
        self._html = _Side(
            {name: each.html for name, each in partials.items() if each.html is not None}, html=True
        )
        self._text = _Side(
            {name: each.text for name, each in partials.items() if each.text is not None},
            html=False,
        )

    def compile(self) -> Compiled:
        source = self._source
        self._check_form()
        schema = parse_schema(source.schema) if source.schema is not None else UNDECLARED
        body, kind = (source.mjml, "mjml") if source.mjml is not None else (source.html, "html")
        frame = getattr(self._layout, kind)
        uses = [self._html.look(body, kind, schema), self._text.look(source.text, "text", schema)]
        uses.append(self._text.look(source.subject, "subject", schema))
        name = source.layout or ""
        uses.append(self._html.look(_fill(frame), f"{kind} of layout {name}", schema))
        if source.text is not None:
            uses.append(self._text.look(_fill(self._layout.text), f"text of layout {name}", schema))
        wrong = [each for use in uses for each in use.wrong]
        if wrong:
            raise TemplateError(tuple(wrong[:TEMPLATE_FINDINGS_MAX]))
        used = {path for use in uses for path in use.used}
        html = self._put_together(body, frame, kind)
        document = source.schema if source.schema is not None else _derive(used)
        self._check_sample(document)
        html_partials = self._html.pick(uses)
        return Compiled(
            subject=source.subject,
            html=html,
            text=_put_into(source.text, self._layout.text) if source.text is not None else None,
            html_partials=html_partials,
            text_partials=self._text.pick(uses),
            schema=document,
            on_missing=source.on_missing,
            inlines=any(_STYLE.search(each) for each in (html or "", *html_partials.values())),
            warnings=tuple(self._warn(html, used))[:TEMPLATE_FINDINGS_MAX],
        )

    def _find_layout(self, layouts: Mapping[str, Layout]) -> Layout:
        name = self._source.layout
        if name is None:
            return Layout()
        if name not in layouts:
            raise _refused(f"names a layout there is not: `{name[:64]}`")
        return layouts[name]

    def _check_form(self) -> None:
        source = self._source
        if source.html is not None and source.mjml is not None:
            raise _refused("has HTML and MJML; keep one of them")
        if source.html is None and source.mjml is None and source.text is None:
            raise _refused("has no body; write HTML, MJML or text")
        if len(source.subject) > TEMPLATE_SUBJECT_MAX_CHARS or not source.subject.strip():
            raise _refused(f"needs a subject of at most {TEMPLATE_SUBJECT_MAX_CHARS} characters")
        wanted = "mjml" if source.mjml is not None else "html"
        other = "html" if wanted == "mjml" else "mjml"
        if source.layout is not None and wanted != "html" and getattr(self._layout, wanted) is None:
            raise _refused(
                f"has a layout `{source.layout}` without {wanted}; write the body in {other}"
            )
        if source.html is not None and self._layout.mjml is not None and self._layout.html is None:
            raise _refused(
                f"has a layout `{source.layout}` in MJML; write the body in MJML as well"
            )

    def _put_together(self, body: str | None, frame: str | None, kind: str) -> str | None:
        if body is None:
            return None
        whole = _put_into(body, frame)
        # The layout made it longer and may have made two tags meet.
        tags, wrong = scan_part(whole, kind)
        if wrong:
            raise TemplateError(_place(wrong, body, frame, self._source.layout))
        try:
            html = compile_mjml(whole, tags, kind) if kind == "mjml" else whole
        except TemplateError as error:
            raise TemplateError(_place(error.findings, body, frame, self._source.layout)) from error
        if len(html.encode("utf-8", "replace")) > TEMPLATE_COMPILED_MAX_BYTES:
            raise _refused(f"is more than {TEMPLATE_COMPILED_MAX_BYTES} octets with its layout")
        try:
            self._html.environment.from_string(html)
        except LiquidError as error:
            why = f"tags do not match after the layout was put around: {_message(error)}"
            raise TemplateError((Finding("syntax", why, kind),)) from error
        return html

    def _check_sample(self, document: dict[str, Any]) -> None:
        sample = self._source.sample
        if sample is None:
            return
        blank = self._source.on_missing == "blank"
        schema = parse_schema(document)
        wrong = check_variables(schema, sample, missing_is_blank=blank)
        if wrong:
            raise TemplateError(tuple(Finding("sample", each.message, "sample") for each in wrong))

    def _warn(self, html: str | None, used: set[tuple[str, ...]]) -> list[Finding]:
        source = self._source
        warnings = check_source(html or "")
        if source.schema is not None:
            warnings += [
                Finding("unused", f"`{name}` is declared and no part uses it", "schema")
                for name in list_unused(parse_schema(source.schema), used)
            ]
        return warnings


class _Side:
    """HTML, or text and subject: an environment, and the partials it has."""

    def __init__(self, partials: Sources, *, html: bool) -> None:
        self.environment = make_environment(partials, html=html)
        self._sources = partials
        self._html = html
        self._parsed: dict[str, BoundTemplate] = {}
        self._wrong: dict[str, list[Finding]] = {}
        for name, each in partials.items():
            part = f"partial {name}.{'html' if html else 'txt'}"
            parsed = _parse(self.environment, each, part)
            if isinstance(parsed, BoundTemplate):
                self._parsed[name] = parsed
            else:
                self._wrong[name] = parsed

    def look(self, source: str | None, where: str, schema: Any) -> Usage:
        """Return what a part uses, with what is wrong in it and in the partials it renders."""
        use = Usage(schema, self._parsed)
        if source is None:
            return use
        parsed = _parse(self.environment, source, where)
        if not isinstance(parsed, BoundTemplate):
            use.wrong += parsed
            return use
        # All that are broken, whoever renders them: a folder of templates is mended as a whole.
        use.wrong += [each for found in self._wrong.values() for each in found]
        use.look_at(parsed, where)
        return use

    def pick(self, uses: list[Usage]) -> Sources:
        names = {name for use in uses for name in use.partials}
        return {name: self._sources[name] for name in sorted(names) if name in self._sources}


def _parse(environment: Environment, source: str, where: str) -> BoundTemplate | list[Finding]:
    _, wrong = scan_part(source, where)
    if wrong:
        return wrong
    if environment.autoescape and (unquoted := list_unquoted(source, where)):
        return unquoted
    try:
        return environment.from_string(source)
    except LiquidError as error:
        return [Finding("syntax", _message(error), where, _line(error))]


def _message(error: LiquidError) -> str:
    said = str(error.message or "cannot be read")
    return f"{said}; see docs/templates.md for what there is"


def _line(error: LiquidError) -> int:
    token = error.token
    return line_of(token.source, token.start_index) if token and token.start_index >= 0 else 0


def _fill(frame: str | None) -> str | None:
    """Return a layout with its slot filled by nothing; TemplateError without exactly one."""
    if frame is None:
        return None
    if len(_SLOT.findall(frame)) != 1:
        raise TemplateError((Finding("layout", "a layout has `{{ content }}` exactly once"),))
    return _SLOT.sub("", frame)


def _put_into(body: str, frame: str | None) -> str:
    return body if frame is None else _SLOT.sub(lambda _: body, frame, count=1)


def _place(
    findings: Iterable[Finding], body: str, frame: str | None, layout: str | None
) -> tuple[Finding, ...]:
    """Return findings about a body in its layout with the lines of the files they are in."""
    slot = _SLOT.search(frame or "")
    if frame is None or slot is None:
        return tuple(findings)
    first, more = line_of(frame, slot.start()), body.count("\n")

    def place(each: Finding) -> Finding:
        if not each.line or first <= each.line <= first + more:
            return replace(each, line=max(each.line - first + 1, 0) if each.line else 0)
        line = each.line if each.line < first else each.line - more
        return replace(each, where=f"{each.where} of layout {layout}", line=line)

    return tuple(map(place, findings))


def _derive(used: set[tuple[str, ...]]) -> dict[str, Any]:
    """Return the schema of a template without one: each variable it names, required if nobody else
    gives it.
    """
    names = sorted({path[0] for path in used if path})
    return {
        "type": "object",
        "properties": {name: {} for name in names},
        "required": [name for name in names if name != UNSUBSCRIBE_URL],
        "additionalProperties": False,
    }


def _refused(why: str) -> TemplateError:
    return TemplateError((Finding("template", f"the template {why}"),))
