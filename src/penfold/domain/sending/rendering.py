"""Where templates are rendered: whoever hands emails over is given a function that does it."""

from collections.abc import Callable, Sequence

from penfold.base.errors import PenfoldError
from penfold.domain.sending.content import Content
from penfold.ports.sending.emails import Email


class NotRenderedError(PenfoldError):
    """A template made no message of its variables; the detail is for whoever sent the email."""

    public = "The template cannot be rendered"


#: Returns for each email with a template what is in it, or why there is nothing. It blocks.
Render = Callable[[Sequence[tuple[Email, Content]]], Sequence[Content | NotRenderedError]]


def render_nothing(wanted: Sequence[tuple[Email, Content]]) -> list[Content | NotRenderedError]:
    """A Render where there are no templates."""
    return [NotRenderedError("there are no templates here") for _ in wanted]
