"""Templates: made, versioned, published, and tried out.

A version never changes. It is compiled with the layouts and partials there are when it is made,
and keeps those; publishing an older one is how a mistake is taken back. Compiling and rendering
happen in processes of their own, and never inside a transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError
from penfold.base.limits import TEMPLATE_VERSIONS_MAX, TEMPLATES_MAX
from penfold.domain.sending.accept import make_id
from penfold.domain.sending.template_parts import load_parts
from penfold.domain.sending.template_records import (
    Stored,
    Whole,
    find_whole,
    get_template,
    pack_stored,
)
from penfold.domain.sending.workshop import Workshop
from penfold.ports.rendering import Job
from penfold.ports.sending.book import SendingBook, SendingReader, SendingWriter
from penfold.ports.sending.events import NOBODY, NewEvent, OtherKind
from penfold.ports.sending.records import Template, TemplateBody, TemplateVersion, version_id
from penfold.proto.templates.model import Layout, Partial, Rendered, RenderError, TemplateSource
from penfold.spec.sending.problems import NOT_NOW, SendingError


@dataclass(frozen=True, slots=True)
class Templates:
    """Those of one account, for a key of it. Every call blocks."""

    book: SendingBook
    workshop: Workshop
    clock: Clock
    chance: Chance
    account_id: str
    key_id: str = ""

    def list_templates(self) -> list[Template]:
        """Return them, the oldest first."""
        return self.book.read(
            lambda book: book.list_records(Template, self.account_id, limit=TEMPLATES_MAX)
        )

    def get(self, word: str) -> Template:
        return self.book.read(lambda book: get_template(book, self.account_id, word))

    def add(self, name: str, alias: str) -> Template:
        """Store a template without versions; ConflictError when the alias is taken."""
        now_ms = self.clock.now_ms()
        made = Template(make_id(self.chance), self.account_id, alias, name, now_ms)

        def change(writer: SendingWriter) -> None:
            there = writer.list_records(Template, self.account_id, limit=TEMPLATES_MAX)
            if len(there) >= TEMPLATES_MAX:
                raise SendingError(NOT_NOW, f"An account has {TEMPLATES_MAX} templates at most.")
            writer.add(made)

        self.book.change(change)
        return made

    def change(self, word: str, **values: Any) -> Template:
        """Store other values of a template and return it."""
        return self._replace(word, lambda _, template: replace(template, **values))

    def remove(self, word: str) -> str:
        """Remove a template with its versions; return its id."""

        def change(writer: SendingWriter) -> str:
            template = get_template(writer, self.account_id, word)
            writer.delete(Template, template.id, self.account_id)
            return template.id

        return self.book.change(change)

    def add_version(
        self, word: str, source: TemplateSource, *, streams: tuple[str, ...] = (), note: str = ""
    ) -> Whole:
        """Compile and store the next version, or return the latest if it has all of this.

        TemplateError says what is wrong with it.
        """
        template, layouts, partials = self.book.read(lambda book: self._open(book, word))
        with self.workshop.enter() as renderer:
            compiled = renderer.compile(source, layouts, partials, stopping=self.workshop.stopping)
        stored = Stored(source, compiled, streams)
        return self.book.change(lambda writer: self._store(writer, template.id, stored, note))

    def _open(
        self, book: SendingReader, word: str
    ) -> tuple[Template, dict[str, Layout], dict[str, Partial]]:
        return get_template(book, self.account_id, word), *load_parts(book, self.account_id)

    def _store(self, writer: SendingWriter, template_id: str, stored: Stored, note: str) -> Whole:
        template = get_template(writer, self.account_id, template_id)
        before = find_whole(writer, template, template.latest)
        if before is not None and pack_stored(before.stored) == pack_stored(stored):
            return before
        if template.latest >= TEMPLATE_VERSIONS_MAX:
            raise SendingError(
                NOT_NOW, f"A template has {TEMPLATE_VERSIONS_MAX} versions at most; make a new one."
            )
        number, now_ms = template.latest + 1, self.clock.now_ms()
        key = version_id(template.id, number)
        version = TemplateVersion(
            key, self.account_id, template.id, number, now_ms, self.key_id, note,
            stored.compiled.schema, stored.compiled.on_missing, stored.streams,
        )  # fmt: skip
        writer.add(version)
        writer.add(TemplateBody(key, self.account_id, template.id, pack_stored(stored), now_ms))
        template = replace(template, latest=number, updated_ms=now_ms)
        writer.replace(template)
        return Whole(template, version, stored, is_new=True)

    def get_version(self, word: str, number: int) -> Whole:
        """Return a version, for 0 the latest."""

        def look(book: SendingReader) -> Whole:
            template = get_template(book, self.account_id, word)
            found = find_whole(book, template, number or template.latest)
            if found is None:
                raise NotFoundError("there is no such version")
            return found

        return self.book.read(look)

    def list_versions(
        self, word: str, *, older: int, limit: int
    ) -> tuple[Template, list[TemplateVersion]]:
        """Return a template and versions of it, the newest first: those before a number."""

        def look(book: SendingReader) -> tuple[Template, list[TemplateVersion]]:
            template = get_template(book, self.account_id, word)
            first = min(older - 1, template.latest) if older else template.latest
            keys = [version_id(template.id, n) for n in range(first, max(first - limit, 0), -1)]
            found = [book.find(TemplateVersion, key, self.account_id) for key in keys]
            return template, [one for one in found if one is not None]

        return self.book.read(look)

    def publish(self, word: str, weights: tuple[tuple[int, int], ...]) -> Template:
        """Have mails made of these versions, by their weights; () for the latest alone."""

        def edit(writer: SendingWriter, template: Template) -> Template:
            chosen = weights or ((template.latest, 1),)
            for number, _ in chosen:
                key = version_id(template.id, number)
                if writer.find(TemplateVersion, key, self.account_id) is None:
                    raise SendingError(NOT_NOW, f"There is no version {number} to publish.")
            made = replace(
                template,
                published=max(chosen, key=lambda one: one[1])[0],
                weights=chosen if len(chosen) > 1 else (),
            )
            if made != template:
                writer.add_event(self._tell_published(made, chosen))
            return made

        return self._replace(word, edit)

    def _tell_published(self, template: Template, chosen: tuple[tuple[int, int], ...]) -> NewEvent:
        event_id, now_ms = make_id(self.chance), self.clock.now_ms()
        return NewEvent(
            *(event_id, self.account_id, 0, NOBODY, OtherKind.TEMPLATE_PUBLISHED.value, now_ms),
            cause=f"publish:{event_id}",
            data={
                "template_id": template.id,
                "alias": template.alias,
                "version": template.published,
                "weights": [{"version": number, "weight": weight} for number, weight in chosen],
            },
        )

    def render(
        self, word: str, number: int, make: Callable[[Whole], dict[str, Any]]
    ) -> tuple[Whole, Rendered | RenderError]:
        """Return the version and what it makes. make: checks and returns the variables of it."""
        whole = self.get_version(word, number)
        variables = make(whole)
        job = Job(whole.version.id, whole.stored.compiled, variables, warn=True)
        with self.workshop.enter() as renderer:
            [made] = renderer.render_many([job], stopping=self.workshop.stopping)
        return whole, made

    def _replace(self, word: str, edit: Callable[[SendingWriter, Template], Template]) -> Template:
        def change(writer: SendingWriter) -> Template:
            before = get_template(writer, self.account_id, word)
            after = replace(edit(writer, before), updated_ms=self.clock.now_ms())
            writer.replace(after)
            return after

        return self.book.change(change)
