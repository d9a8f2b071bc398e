"""What the process that looks through files hands to those that read messages."""

from msgspec import Struct

from penfold.ports.moving import Place
from penfold.proto.mbox import Quoting


class Found(Struct, frozen=True, gc=False, array_like=True):
    """One message as it lies in its file.

    postmark: the line an mbox parts messages with; fallback_ms: when the file was changed.
    marked: it may carry Takeout's fields and status fields. letters: flags of a Maildir file,
    None elsewhere. folder: what it lies in. quoting: None when nothing was quoted.
    """

    place: Place
    where: str
    raw: bytes
    fallback_ms: int
    postmark: bytes = b""
    quoting: Quoting | None = None
    marked: bool = False
    letters: str | None = None
    folder: str = ""
