"""Templates rendered here and now, in place of processes of their own; for tests of who asks."""

import threading
from collections.abc import Mapping, Sequence

from penfold.base.errors import UnavailableError
from penfold.ports.rendering import Job
from penfold.proto.templates.compile import compile_template
from penfold.proto.templates.model import (
    Compiled,
    Layout,
    Partial,
    Rendered,
    RenderError,
    TemplateSource,
)
from penfold.proto.templates.render import Prepared, prepare, render


class MemoryRenderer:
    def __init__(self) -> None:
        self._prepared: dict[str, Prepared] = {}

    def compile(
        self,
        source: TemplateSource,
        layouts: Mapping[str, Layout],
        partials: Mapping[str, Partial],
        *,
        stopping: threading.Event,
    ) -> Compiled:
        _check(stopping)
        return compile_template(source, layouts, partials)

    def render_many(
        self, jobs: Sequence[Job], *, stopping: threading.Event
    ) -> list[Rendered | RenderError]:
        _check(stopping)
        return [self._render(each) for each in jobs]

    def _render(self, job: Job) -> Rendered | RenderError:
        try:
            if job.key not in self._prepared:
                self._prepared[job.key] = prepare(job.compiled)
            return render(self._prepared[job.key], job.variables, warn=job.warn)
        except RenderError as error:
            return error

    def close(self) -> None:
        self._prepared.clear()


def _check(stopping: threading.Event) -> None:
    if stopping.is_set():
        raise UnavailableError("the server stops")
