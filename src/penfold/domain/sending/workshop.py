"""Where calls have templates compiled and rendered: in processes, and a few at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from penfold.base.errors import UnavailableError
from penfold.base.limits import TEMPLATE_CALLS_MAX
from penfold.ports.rendering import Renderer


@dataclass(frozen=True, slots=True)
class Workshop:
    """What compiles and renders for calls, TEMPLATE_CALLS_MAX at a time."""

    renderer: Renderer
    stopping: threading.Event = field(default_factory=threading.Event)
    room: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(TEMPLATE_CALLS_MAX)
    )

    @contextmanager
    def enter(self) -> Iterator[Renderer]:
        """UnavailableError when all places are taken: a call that waits holds a thread."""
        if not self.room.acquire(blocking=False):
            raise UnavailableError("too many templates are being looked at")
        try:
            yield self.renderer
        finally:
            self.room.release()

    def close(self) -> None:
        """End what is being rendered; nothing is from now on."""
        self.stopping.set()
        self.renderer.close()
