"""Records in memory."""

from collections.abc import Hashable
from typing import Any, TypeVar

from msgspec import Struct

from penfold.base.errors import ConflictError, NotFoundError
from penfold.ports.sending.records import RULES
from penfold.testing.sending.state import Part

R = TypeVar("R", bound=Struct)


class MemoryRecords(Part):
    def find(self, kind: type[R], key: str, account_id: str) -> R | None:
        found: Any = self._state.records.get((kind, key))
        return found if found is not None and found.account_id == account_id else None

    def find_unowned(self, kind: type[R], key: str) -> R | None:
        return self._state.records.get((kind, key))

    def find_word(self, kind: type[R], word: str, account_id: str) -> R | None:
        mine = self._list(kind, account_id)
        return next((one for one in mine if RULES[kind].word(one) == word), None)

    def list_records(
        self, kind: type[R], account_id: str, *, parent: Hashable = None, limit: int
    ) -> list[R]:
        mine: list[Any] = self._list(kind, account_id)
        wanted = [one for one in mine if parent is None or RULES[kind].parent(one) == parent]
        return sorted(wanted, key=lambda one: (one.created_ms, one.id))[:limit]

    def list_everywhere(self, kind: type[R], *, after: str = "", limit: int) -> list[R]:
        found = sorted(key for other, key in self._state.records if other is kind and key > after)
        return [self._state.records[kind, key] for key in found[:limit]]

    def add(self, record: Struct) -> None:
        fields: Any = record
        if (type(record), fields.id) in self._state.records:
            raise ConflictError("the record is there already")
        self._check_word(fields)
        self._state.records[type(record), fields.id] = record

    def replace(self, record: Struct) -> None:
        fields: Any = record
        if self.find(type(record), fields.id, fields.account_id) is None:
            raise NotFoundError("the record is not there")
        self._check_word(fields)
        self._state.records[type(record), fields.id] = record

    def delete(self, kind: type[Struct], key: str, account_id: str) -> bool:
        if self.find(kind, key, account_id) is None:
            return False
        del self._state.records[kind, key]
        for (other, below), record in list(self._state.records.items()):
            if RULES[other].parent(record) == key:
                del self._state.records[other, below]
        return True

    def _list(self, kind: type[R], account_id: str) -> list[R]:
        found = [one for (other, _), one in self._state.records.items() if other is kind]
        return [one for one in found if one.account_id == account_id]

    def _check_word(self, record: Any) -> None:
        word = RULES[type(record)].word(record)
        there = None if word is None else self.find_word(type(record), word, record.account_id)
        if there is not None and there.id != record.id:
            raise ConflictError("the record is there already")
