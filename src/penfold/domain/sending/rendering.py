"""Where templates are rendered: whoever hands emails over is given a function that does it."""

import threading
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from penfold.base.errors import PenfoldError
from penfold.base.limits import TEMPLATES_IN_HAND
from penfold.domain.sending.content import Content
from penfold.domain.sending.template_records import find_compiled
from penfold.ports.rendering import Job, Renderer
from penfold.ports.sending.book import SendingBook
from penfold.ports.sending.emails import Email
from penfold.ports.sending.records import version_id
from penfold.proto.templates.model import RenderError


class NotRenderedError(PenfoldError):
    """A template made no message of its variables; the detail is for whoever sent the email."""

    public = "The template cannot be rendered"


#: Returns for each email with a template what is in it, or why there is nothing. It blocks.
Render = Callable[[Sequence[tuple[Email, Content]]], Sequence[Content | NotRenderedError]]


def render_nothing(wanted: Sequence[tuple[Email, Content]]) -> list[Content | NotRenderedError]:
    """A Render where there are no templates."""
    return [NotRenderedError("there are no templates here") for _ in wanted]


Wanted = Sequence[tuple[Email, Content]]
_GONE = "its template was removed"


def make_render(book: SendingBook, renderer: Renderer, stopping: threading.Event) -> Render:
    """Return what renders emails of the book; UnavailableError once `stopping` is set."""

    def render(wanted: Wanted) -> list[Content | NotRenderedError]:
        return [each for some in _split(wanted) for each in _render(book, renderer, some, stopping)]

    return render


def _split(wanted: Wanted) -> Iterator[Wanted]:
    """Yield emails that have TEMPLATES_IN_HAND versions between them at most."""
    keys: set[str] = set()
    first = 0
    for at, one in enumerate(wanted):
        key = _key(one)
        if key not in keys and len(keys) == TEMPLATES_IN_HAND:
            yield wanted[first:at]
            first, keys = at, set()
        keys.add(key)
    yield wanted[first:]


def _key(one: tuple[Email, Content]) -> str:
    return version_id(one[1].template_id, one[1].template_version)


def _render(
    book: SendingBook, renderer: Renderer, wanted: Wanted, stopping: threading.Event
) -> list[Content | NotRenderedError]:
    owners = {_key(one): one[0].account_id for one in wanted}
    compiled = book.read(
        lambda reader: {
            key: find_compiled(reader, key, account_id) for key, account_id in owners.items()
        }
    )
    jobs = [
        Job(key, found, one[1].variables)
        for one in wanted
        if (found := compiled[key := _key(one)]) is not None
    ]
    made = iter(renderer.render_many(jobs, stopping=stopping))
    outcomes: list[Content | NotRenderedError] = []
    for one in wanted:
        if compiled[_key(one)] is None:
            outcomes.append(NotRenderedError(_GONE))
            continue
        mail = next(made)
        if isinstance(mail, RenderError):
            outcomes.append(NotRenderedError(str(mail)))
        else:
            outcomes.append(replace(one[1], html=mail.html, text=mail.text, subject=mail.subject))
    return outcomes
