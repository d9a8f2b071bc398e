"""Authentication-Results fields that claim to be ours, in a message that came from outside.

RFC 8601 §5: a receiver MUST delete or otherwise obscure them before it adds its own. They are
renamed, docs/decisions says why, and the message keeps every other octet. Only the header of the
message itself counts: what stands in an attached message was never a result of it.

NOTE signatures are verified first, over the octets that came. Never raises; linear.
"""

from typing import Final

from penfold.base.limits import RESULTS_FIELDS_MAX
from penfold.proto.mailauth.results_read import is_of
from penfold.proto.mime.fields import iter_named, unfold

_NAME: Final = b"Authentication-Results"
#: Gmail (observed): how Google Groups renames the fields a message came with.
PREFIX: Final = b"X-Original-"


def find_forged(raw: bytes, authserv_id: str) -> list[tuple[int, int]]:
    """Return where such fields start and end, line end included, in the order they stand.

    A field whose authserv-id or version cannot be read is among them (RFC 8601 §5), and so is
    every one after the first RESULTS_FIELDS_MAX.
    """
    return [
        match.span()
        for number, match in enumerate(iter_named(raw, _NAME))
        if number >= RESULTS_FIELDS_MAX or is_of(unfold(match[1]), authserv_id)
    ]


def rename_forged(raw: bytes, authserv_id: str) -> bytes:
    """Return the message with those fields under a name nobody trusts; otherwise as it is."""
    kept = []
    at = 0
    for start, _ in find_forged(raw, authserv_id):
        kept += [raw[at:start], PREFIX]
        at = start
    return b"".join([*kept, raw[at:]]) if kept else raw
