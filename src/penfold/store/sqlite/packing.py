"""Make a message ready for a mailbox file: hash, packed octets, packed tree, words to index.

What needs no transaction, so that it can be done before one, and in another process.
"""

import hashlib

from penfold.base.limits import INLINE_RAW_MAX_BYTES
from penfold.ports.blobs import Blobs
from penfold.ports.mailbox import Packed
from penfold.proto.extract.kinds import has_files
from penfold.proto.mime.model import Part, Summary
from penfold.proto.search.document import make_texts
from penfold.store.sqlite.content import pack_parsed, pack_raw


class SqlitePacker:
    """Implements ports.mailbox.Packer."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def pack(self, raw: bytes, root: Part, summary: Summary) -> Packed:
        sha256, packed = keep_raw(raw, self._blobs)
        tree = pack_parsed(root, summary.subject_key)
        words = make_texts(summary, len(raw))
        return Packed(sha256, len(raw), packed, tree, words, has_files(root))


def keep_raw(raw: bytes, blobs: Blobs) -> tuple[bytes, bytes | None]:
    """Return the hash, and the octets packed; None: they are among the blobs, durable."""
    sha256 = hashlib.sha256(raw).digest()
    if len(raw) > INLINE_RAW_MAX_BYTES:
        blobs.put(sha256, raw)
        return sha256, None
    return sha256, pack_raw(raw)
