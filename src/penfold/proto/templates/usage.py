"""Which variables a template uses, followed through loops, assignments and partials, and whether
the schema declares them.

Each name has the schema of what it stands for: `{% for item in order.items %}` gives `item` that of
the items, so `item.prise` is found out before a mail is sent. What a filter makes is anything.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, LoopExpression, Path
from liquid.builtin.expressions.primitive import RangeLiteral, StringLiteral
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.for_tag import ForNode
from liquid.builtin.tags.render_tag import RenderNode
from liquid.expression import Expression

from penfold.base.limits import TEMPLATE_FINDINGS_MAX, TEMPLATE_NESTING_MAX, TEMPLATE_VISITS_MAX
from penfold.proto.templates.filters import FILTER_NAMES
from penfold.proto.templates.model import UNSUBSCRIBE_URL, Finding
from penfold.proto.templates.scan import line_of
from penfold.proto.templates.schema import ANY, Schema

#: Filters that leave the type of their input.
_KEEPING: Final = {"sort", "reverse", "where", "uniq", "compact", "default", "concat", "slice"}
#: Names of which nothing is declared: each is anything. For templates without a schema.
UNDECLARED: Final = Schema(types=("object",))


class Usage:
    """What was found in the parts looked at so far."""

    def __init__(self, schema: Schema, partials: Mapping[str, BoundTemplate]) -> None:
        self.wrong: list[Finding] = []
        #: Paths below the variables, as `order.items`; items of a list have the path of the list.
        self.used: set[tuple[str, ...]] = set()
        self.partials: set[str] = set()
        self._schema = schema
        self._known = partials
        self._visits = 0
        self._where = ""

    def look_at(self, template: BoundTemplate, where: str) -> None:
        self._where = where
        #: What nodes want to list their children; only those that render partials look at it.
        self._static = RenderContext(template)
        self._nodes(template.nodes, {}, ())

    def _nodes(self, nodes: Iterable[Node], scope: "_Scope", inside: tuple[str, ...]) -> None:
        for node in nodes:
            if len(self.wrong) >= TEMPLATE_FINDINGS_MAX:
                return
            if isinstance(node, RenderNode):
                self._render(node, scope, inside)
                continue
            for expression in node.expressions():
                self._expression(expression, scope)
            for name in node.template_scope():
                value = node.expression if isinstance(node, AssignNode) else None
                scope[str(name)] = self._type_of(value, scope)
            inner = scope
            if isinstance(node, ForNode):
                item = self._items_of(node.expression.iterable, scope)
                inner = {**scope, str(node.expression.identifier): item, "forloop": _ANYTHING}
            self._nodes(node.children(self._static), inner, inside)
            if inner is not scope:
                # What a loop assigns is there behind it.
                scope.update({name: kind for name, kind in inner.items() if name in scope})

    def _render(self, node: RenderNode, scope: "_Scope", inside: tuple[str, ...]) -> None:
        for expression in node.expressions():
            self._expression(expression, scope)
        name = node.name.value if isinstance(node.name, StringLiteral) else ""
        template = self._known.get(name)
        self._visits += 1
        if template is None:
            self._say("partial", f"there is no partial `{name or node.name}`", node.token)
        elif name in inside or len(inside) >= TEMPLATE_NESTING_MAX:
            self._say("partial", f"the partial `{name}` renders itself", node.token)
        elif self._visits > TEMPLATE_VISITS_MAX:
            self._say("partial", "partials render each other too often", node.token)
        else:
            self.partials.add(name)
            given = {str(each.name): self._type_of(each.value, scope) for each in node.args}
            if node.var is not None:
                kind = (
                    self._items_of(node.var, scope) if node.loop else self._type_of(node.var, scope)
                )
                given[str(node.alias or name)] = kind
                given["forloop"] = _ANYTHING
            where, self._where = self._where, f"partial {name} ({self._where})"
            self._nodes(template.nodes, given, (*inside, name))
            self._where = where

    def _expression(self, expression: Expression, scope: "_Scope") -> None:
        if isinstance(expression, FilteredExpression):
            for each in expression.filters or ():
                if each.name not in FILTER_NAMES:
                    why = (
                        f"there is no filter `{each.name}`; docs/templates.md lists those there are"
                    )
                    self._say("syntax", why, each.token)
        if isinstance(expression, Path):
            self._follow(expression, scope)
        for child in expression.children():
            self._expression(child, scope)

    def _follow(self, path: Path, scope: "_Scope") -> "_Type":
        """Return what a path leads to, and note it as used; `ANY` if it leads nowhere known."""
        root, *rest = path.path
        if str(root) in scope:
            kind = scope[str(root)]
        elif (
            root == UNSUBSCRIBE_URL and self._schema.closed and root not in self._schema.properties
        ):
            kind = _ANYTHING
        else:
            kind = self._step(_Type(self._schema, ()), root, path)
        for each in rest:
            kind = self._step(kind, each, path)
        if kind.path is not None:
            self.used.add(kind.path)
        return kind

    def _step(self, kind: "_Type", name: object, path: Path) -> "_Type":
        schema = kind.schema
        if isinstance(name, int | Path):
            return kind.item()
        member = str(name)
        below = None if kind.path is None else (*kind.path, member)
        if member in schema.properties:
            return _Type(schema.properties[member], below)
        if schema.types and "object" not in schema.types and member in {"first", "last", "size"}:
            return _ANYTHING if member == "size" else kind.item()
        if schema.closed or (schema.types and "object" not in schema.types):
            return self._miss(path)
        return _Type(schema.extra or ANY, below)

    def _miss(self, path: Path) -> "_Type":
        why = f"`{path}` is not declared in the schema; declare it or correct the name"
        self._say("undeclared", why, path.token)
        return _ANYTHING

    def _type_of(self, expression: Expression | None, scope: "_Scope") -> "_Type":
        if isinstance(expression, FilteredExpression):
            if all(each.name in _KEEPING for each in expression.filters or ()):
                return self._type_of(expression.left, scope)
            return _ANYTHING
        return self._follow(expression, scope) if isinstance(expression, Path) else _ANYTHING

    def _items_of(self, expression: Expression, scope: "_Scope") -> "_Type":
        if isinstance(expression, LoopExpression | RangeLiteral):
            return _ANYTHING
        return self._type_of(expression, scope).item()

    def _say(self, code: str, message: str, token: object) -> None:
        start, source = getattr(token, "start_index", -1), getattr(token, "source", "")
        line = line_of(source, start) if start >= 0 else 0
        finding = Finding(code, message, self._where, line)
        if finding not in self.wrong:
            self.wrong.append(finding)


class _Type:
    """What a name stands for. path: where it is below the variables, None if it is made."""

    __slots__ = ("path", "schema")

    def __init__(self, schema: Schema, path: tuple[str, ...] | None) -> None:
        self.schema = schema
        self.path = path

    def item(self) -> "_Type":
        return _Type(self.schema.items or ANY, self.path)


_Scope = dict[str, _Type]
_ANYTHING: Final = _Type(ANY, None)


def list_unused(schema: Schema, used: set[tuple[str, ...]]) -> list[str]:
    """Return declared variables no part uses, as `order.note`; using an object uses all of it."""
    unused: list[str] = []

    def look(schema: Schema, path: tuple[str, ...]) -> None:
        inner = schema.items if schema.items is not None else schema
        for name, each in inner.properties.items():
            below = (*path, name)
            touched = [path for path in used if path[: len(below)] == below]
            if not touched:
                unused.append(".".join(below))
            elif below not in touched:
                look(each, below)

    look(schema, ())
    return unused
