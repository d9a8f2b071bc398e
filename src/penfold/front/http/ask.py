"""A call that passed every check but that of its body, and how its answer is to look."""

from typing import Any

from msgspec import Struct

from penfold.front.http.call import Call
from penfold.front.http.plan import Plan
from penfold.proto.fields import Mask


class Ask(Struct, frozen=True):
    """fields: the mask as the client wrote it. values: of the path, as they came."""

    plan: Plan
    call: Call[Any, Any]
    fields: str
    mask: Mask | None
    values: list[str]
