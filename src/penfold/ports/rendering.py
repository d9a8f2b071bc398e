"""What compiles and renders templates: elsewhere and within bounds, whatever they do."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from penfold.proto.templates.model import (
    Compiled,
    Layout,
    Partial,
    Rendered,
    RenderError,
    TemplateSource,
)


class Job(Struct, frozen=True):
    """One mail to be made. key: names this template and no other, now and later (id and version).

    variables: what check_variables found nothing wrong with. warn: whether to look for warnings.
    """

    key: str
    compiled: Compiled
    variables: Mapping[str, Any]
    warn: bool = False


class Renderer(Protocol):
    """For any number of threads. UnavailableError without a process, or once `stopping` is set."""

    def compile(
        self,
        source: TemplateSource,
        layouts: Mapping[str, Layout],
        partials: Mapping[str, Partial],
        *,
        stopping: threading.Event,
    ) -> Compiled:
        """Return the template compiled; TemplateError says what is wrong with it."""
        ...

    def render_many(
        self, jobs: Sequence[Job], *, stopping: threading.Event
    ) -> list[Rendered | RenderError]:
        """Return what became of each job, in order. One that fails does no other any harm."""
        ...

    def close(self) -> None: ...
