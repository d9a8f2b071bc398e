"""Streams every account has, without making them; its own by that name counts instead."""

from types import MappingProxyType
from typing import Final

from msgspec import Struct

from penfold.base.priority import Priority


class BuiltIn(Struct, frozen=True, gc=False):
    """kind: transactional or broadcast. ttl_s: seconds it is worth delivering, 0 for no end."""

    kind: str
    ttl_s: int = 0
    unsubscribe: bool = False
    priority: Priority = Priority.NORMAL


TRANSACTIONAL: Final = "transactional"
#: A code is worth nothing after a quarter of an hour.
BUILT_IN: Final = MappingProxyType({
    TRANSACTIONAL: BuiltIn("transactional"),
    "otp": BuiltIn("transactional", ttl_s=900, priority=Priority.HIGH),
    "broadcast": BuiltIn("broadcast", unsubscribe=True, priority=Priority.LOW),
})  # fmt: skip
