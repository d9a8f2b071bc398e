"""Parameters of a method, from the path and the query to its declared struct.

Owns names (both spellings), types, repeats and the texts of what is wrong with them. Gmail
(observed 2026-09): of a repeated single parameter the last counts; unknown names are an error.
"""

from typing import NamedTuple

from penfold.front.http.system import Pairs
from penfold.front.http.values import BadValueError, Reader, make_reader, type_label
from penfold.front.http.violations import (
    Violation,
    invalid_value,
    refuse,
    unknown_parameter,
)
from penfold.spec.members import Kind, list_members
from penfold.spec.method import Method, Params, snake_case


class _Slot(NamedTuple):
    attribute: str
    kind: Kind
    read: Reader
    repeated: bool


class Binder:
    """Everything about a method's parameters that can be prepared."""

    def __init__(self, method: Method) -> None:
        self._params = method.params
        members = {member.name: member for member in list_members(method.params)}
        self._path = [members[name].attribute for name in method.path_names]
        self._slots: dict[str, _Slot] = {}
        for name, member in members.items():
            if name not in method.path_names:
                read = make_reader(member.kind, as_text=False)
                slot = _Slot(member.attribute, member.kind, read, member.kind.repeated)
                self._slots[name] = self._slots[snake_case(name)] = slot

    def bind(self, path: list[str], query: Pairs) -> Params:
        """Return the parameters; raises the refusal that lists everything wrong with them."""
        values: dict[str, object] = dict(zip(self._path, path, strict=True))
        if query:
            self._read_query(query, values)
        return self._params(**values)  # type: ignore[arg-type]  # converted by the slots

    def _read_query(self, query: Pairs, values: dict[str, object]) -> None:
        found: list[Violation] = []
        repeated: dict[str, list[object]] = {}
        for name, text in query:
            slot = self._slots.get(name)
            if slot is None:
                found.append(unknown_parameter(name))
                continue
            try:
                value = slot.read(text)
            except BadValueError:
                path = snake_case(name)
                found.append(invalid_value(path, type_label(slot.kind, path), text))
                continue
            if slot.repeated:
                repeated.setdefault(slot.attribute, []).append(value)
            else:
                values[slot.attribute] = value
        if found:
            raise refuse(found)
        for attribute, items in repeated.items():
            values[attribute] = tuple(items)
