"""What one rendering may cost: steps, characters, items. Counted, not timed, so it is the same
everywhere; what a step costs at most is bounded by TEMPLATE_TAG_MAX_CHARS.
"""

from collections.abc import Iterator
from typing import Final

from penfold.base.limits import (
    RENDER_ITEMS_MAX,
    RENDER_NUMBER_MAX,
    RENDER_STEPS_MAX,
    RENDER_VALUE_MAX_CHARS,
)

#: Characters that are read or written at the price of a step.
_STEP_CHARS: Final = 256


class SpentError(Exception):
    """A bound was reached; the message says which and what to do."""


class Budget:
    __slots__ = ("_left",)

    def __init__(self, steps: int = RENDER_STEPS_MAX) -> None:
        self._left = steps

    def step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise SpentError(
                "takes too much work; use smaller lists, fewer loops within loops or a limit:"
            )

    def charge(self, characters: int) -> None:
        self._left -= characters // _STEP_CHARS
        self.step()

    def counted(self, items: Iterator[object]) -> Iterator[object]:
        for item in items:
            self.step()
            yield item


def check_length(characters: int) -> None:
    if characters > RENDER_VALUE_MAX_CHARS:
        raise SpentError(f"a value has more than {RENDER_VALUE_MAX_CHARS} characters")


def check_items(count: int) -> None:
    if count > RENDER_ITEMS_MAX:
        raise SpentError(f"a list has more than {RENDER_ITEMS_MAX} items")


def check_number(number: float) -> float:
    # Compared from both sides: what is not a number passes neither.
    if -RENDER_NUMBER_MAX <= number <= RENDER_NUMBER_MAX:
        return number
    raise SpentError(f"a number is beyond {RENDER_NUMBER_MAX:g}")
