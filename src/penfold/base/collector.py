"""Python's cycle collector, set for processes that make objects by the million.

Nearly all of them die by reference count. With the default of 700 new objects between two looks
the collector runs many times per listing, and for a twentieth of the time of an import.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_NEW_OBJECTS: Final = 50_000


def calm_collector() -> None:
    """Leave what is there now out of every collection, and collect seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


@contextmanager
def rested_collector() -> Iterator[None]:
    """Load code without collections: all that loading makes stays. It takes a fifth less time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
