"""Liquid as templates have it: the library's parser and nodes, our filters, a counted rendering.

What bounds it: scan.py has looked at every tag before the library sees it (length, number, names);
each node, variable, filter, turn of a loop and character is paid for from one budget; values and
output have a largest size; a partial is one of a mapping. There is no file, no clock, no address in
reach: the environment has no loader of its own, and the names `now` and `today` are not there.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from typing import Any, Final, TextIO

from liquid import BoundTemplate, CachingDictLoader, Environment, RenderContext
from liquid.builtin.content import Literal
from liquid.builtin.illegal import Illegal
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    cycle_tag,
    decrement_tag,
    for_tag,
    if_tag,
    increment_tag,
    inline_comment_tag,
    render_tag,
    unless_tag,
)
from liquid.utils import ReadOnlyChainMap
from markupsafe import Markup, escape

from penfold.base.limits import (
    RENDERED_PART_MAX_CHARS,
    TEMPLATE_NESTING_MAX,
    TEMPLATE_PARTIALS_MAX,
)
from penfold.proto.templates.budget import Budget, SpentError, check_items
from penfold.proto.templates.filters import iter_filters, to_text

_TAGS: Final = (
    Literal,
    Illegal,
    if_tag.IfTag,
    unless_tag.UnlessTag,
    case_tag.CaseTag,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    assign_tag.AssignTag,
    capture_tag.CaptureTag,
    cycle_tag.CycleTag,
    increment_tag.IncrementTag,
    decrement_tag.DecrementTag,
    render_tag.RenderTag,
    comment_tag.CommentTag,
    inline_comment_tag.InlineCommentTag,
)


class _Buffer(StringIO):
    """Where output goes, up to a number of characters."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget
        self._room = RENDERED_PART_MAX_CHARS

    def write(self, text: str) -> int:
        self._budget.charge(len(text))
        self._room -= len(text)
        if self._room < 0:
            raise SpentError(f"becomes more than {RENDERED_PART_MAX_CHARS} characters")
        return super().write(text)


class _Context(RenderContext):
    """The library's state of one rendering, with the budget that copies of it share."""

    __slots__ = ("_disabled", "budget")

    def __init__(self, template: BoundTemplate, **options: Any) -> None:
        parent = options.get("parent_context")
        self.budget: Budget = parent.budget if parent is not None else Budget()
        super().__init__(template, **options)
        # Without the library's `now` and `today`: a rendering has no clock.
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)

    @property
    def disabled_tags(self) -> list[str]:
        """Each node looks here before it is rendered, and so pays for itself."""
        self.budget.step()
        return self._disabled

    @disabled_tags.setter
    def disabled_tags(self, tags: list[str]) -> None:
        self._disabled = tags

    def get(self, path: list[object], **options: Any) -> object:
        self.budget.step()
        return super().get(path, **options)

    def get_item(self, obj: Any, key: Any) -> Any:
        if isinstance(obj, Mapping) and isinstance(key, str) and key not in obj:
            # Liquid's .first, .last and .size are for lists and texts: a member that is not there
            # is not there.
            raise KeyError(key)
        return super().get_item(obj, key)

    def assign(self, key: str, val: Any) -> None:
        self.budget.step()
        self.locals[key] = val

    @contextmanager
    def loop(self, namespace: Mapping[str, object], forloop: Any) -> Iterator[RenderContext]:
        forloop.it = self.budget.counted(forloop.it)
        with super().loop(namespace, forloop) as context:
            yield context

    @contextmanager
    def extend(
        self, namespace: Mapping[str, object], template: BoundTemplate | None = None
    ) -> Iterator[RenderContext]:
        self.budget.step()
        with super().extend(namespace, template) as context:
            yield context

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:  # noqa: ARG002 - the library's
        return _Buffer(self.budget)


class _Template(BoundTemplate):
    context_class = _Context

    def _get_buffer(self) -> StringIO:
        raise NotImplementedError("render_part makes the buffer, which needs the budget")


class _OutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        text = to_text(self.expression.evaluate(context))
        return buffer.write(escape(text) if context.autoescape else text)


class _Output(Output):
    node_class = _OutputNode


class _ForNode(for_tag.ForNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        # Before the library skips (offset) or copies (reversed) the items of a range or list.
        items = self.expression.iterable.evaluate(context)
        if isinstance(items, range):
            check_items(items.stop - items.start)
        elif isinstance(items, list) and isinstance(context, _Context):
            context.budget.charge(len(items))
        return super().render_to_output(context, buffer)


class _ForTag(for_tag.ForTag):
    node_class = _ForNode


class _Environment(Environment):
    template_class = _Template
    block_nesting_limit = TEMPLATE_NESTING_MAX

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:  # noqa: ARG002 - the library's
        for tag in (*_TAGS, _Output, _ForTag):
            self.add_tag(tag)
        for name, do in iter_filters():
            self.add_filter(name, do)


def make_environment(partials: Mapping[str, str], *, html: bool) -> Environment:
    """Return what parses: with these partials and no other, escaping if it makes HTML."""
    loader = CachingDictLoader(dict(partials), capacity=TEMPLATE_PARTIALS_MAX)
    return _Environment(loader=loader, autoescape=html)


def render_part(template: BoundTemplate, variables: Mapping[str, object], budget: Budget) -> str:
    """Return what a parsed template becomes; SpentError, FilterError or what the library raises."""
    context = _Context(template, globals=variables)
    context.budget = budget
    buffer = _Buffer(budget)
    template.render_with_context(context, buffer)
    return buffer.getvalue()


__all__ = ["Markup", "make_environment", "render_part"]
