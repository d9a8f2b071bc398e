"""Layouts and partials that new versions of templates are made with."""

from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError
from penfold.base.limits import TEMPLATE_PARTS_MAX
from penfold.domain.sending.accept import make_id
from penfold.ports.sending.book import SendingBook, SendingReader, SendingWriter
from penfold.ports.sending.records import TemplatePart
from penfold.proto.templates.model import Layout, Partial
from penfold.spec.sending.problems import NOT_NOW, SendingError

LAYOUT: Final = "layout"
PARTIAL: Final = "partial"


@dataclass(frozen=True, slots=True)
class TemplateParts:
    """Those of one account."""

    book: SendingBook
    clock: Clock
    chance: Chance
    account_id: str

    def list_parts(self) -> list[TemplatePart]:
        """Return layouts and partials, the oldest first."""
        return self.book.read(
            lambda book: book.list_records(TemplatePart, self.account_id, limit=TEMPLATE_PARTS_MAX)
        )

    def get_part(self, part_id: str) -> TemplatePart:
        found = self.book.read(lambda book: book.find(TemplatePart, part_id, self.account_id))
        if found is None:
            raise NotFoundError("there is no such layout or partial")
        return found

    def put_part(self, kind: str, name: str, parts: Layout | Partial) -> TemplatePart:
        """Store a layout or partial in place of the one of its name."""
        source = msgspec.json.encode(parts).decode()
        made = TemplatePart(
            make_id(self.chance), self.account_id, kind, name, source, self.clock.now_ms()
        )

        def change(writer: SendingWriter) -> TemplatePart:
            there = writer.list_records(TemplatePart, self.account_id, limit=TEMPLATE_PARTS_MAX)
            same = [one for one in there if (one.kind, one.name) == (kind, name)]
            if same:
                kept = replace(made, id=same[0].id)
                writer.replace(kept)
                return kept
            if len(there) >= TEMPLATE_PARTS_MAX:
                raise SendingError(
                    NOT_NOW, f"An account has {TEMPLATE_PARTS_MAX} layouts and partials at most."
                )
            writer.add(made)
            return made

        return self.book.change(change)

    def remove_part(self, part_id: str) -> None:
        def change(writer: SendingWriter) -> None:
            if not writer.delete(TemplatePart, part_id, self.account_id):
                raise NotFoundError("there is no such layout or partial")

        self.book.change(change)


def load_parts(
    book: SendingReader, account_id: str
) -> tuple[dict[str, Layout], dict[str, Partial]]:
    """Return an account's layouts and partials by their names."""
    found = book.list_records(TemplatePart, account_id, limit=TEMPLATE_PARTS_MAX)
    layouts = {one.name: read_layout(one) for one in found if one.kind == LAYOUT}
    return layouts, {one.name: _read_partial(one) for one in found if one.kind == PARTIAL}


def read_layout(part: TemplatePart) -> Layout:
    return msgspec.json.decode(part.source, type=Layout)


def _read_partial(part: TemplatePart) -> Partial:
    return msgspec.json.decode(part.source, type=Partial)
