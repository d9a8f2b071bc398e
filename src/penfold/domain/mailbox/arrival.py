"""A message at the door of one mailbox, before anything was decided about it."""

from msgspec import Struct

from penfold.domain.mailbox.messages import Letter


class Arrival(Struct, frozen=True, gc=False):
    """letter: with its trace headers. sender: the envelope's, "" for notices.

    labels: what it gets when no setting says otherwise. own: the account's addresses, the
    canonical one first; name: its owner's.
    """

    letter: Letter
    sender: str
    labels: frozenset[int]
    own: tuple[str, ...]
    name: str
    now_ms: int
