"""Streams every account has, without making them; its own by that name counts instead."""

from types import MappingProxyType
from typing import Final

from msgspec import Struct


class BuiltIn(Struct, frozen=True, gc=False):
    """kind: transactional or broadcast. ttl_s: seconds it is worth delivering, 0 for no end."""

    kind: str
    ttl_s: int = 0
    unsubscribe: bool = False


TRANSACTIONAL: Final = "transactional"
#: A code is worth nothing after a quarter of an hour.
BUILT_IN: Final = MappingProxyType({
    TRANSACTIONAL: BuiltIn("transactional"),
    "otp": BuiltIn("transactional", ttl_s=900),
    "broadcast": BuiltIn("broadcast", unsubscribe=True),
})  # fmt: skip
