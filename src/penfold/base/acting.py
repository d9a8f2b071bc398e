"""Who acts at this moment, and from where: what the audit log writes down beside a change.

Ways in say it once (`act`), so nothing in between has to hand it on. It belongs to the running
context: an asyncio task, and the threads asyncio and anyio start for it, have their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple


class Actor(NamedTuple):
    """who: an account's id, `operator <uid> <name>`, VISITOR or SYSTEM. source: a network address
    or a way in, such as `command line`. client: the OAuth client it acts through, if any.
    """

    who: str
    source: str = ""
    client: str = ""


#: Nobody asked: start, sweeps, renewals.
SYSTEM: Final = "system"
#: Somebody at the pages or endpoints who is known by nothing yet; the entry names the account.
VISITOR: Final = "visitor"

_ACTOR: ContextVar[Actor | None] = ContextVar("penfold_actor", default=None)


def current_actor() -> Actor:
    return _ACTOR.get() or Actor(SYSTEM)


@contextmanager
def act(actor: Actor) -> Iterator[None]:
    """Let what is done inside be this actor's."""
    token = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(token)
