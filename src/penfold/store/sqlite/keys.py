"""Integers that stand for texts in the mailbox file, so that an index on them stays small.

The hash is part of the file format: changing it means a migration.
"""

import hashlib
from functools import lru_cache


@lru_cache(maxsize=256)  # the few of one message, asked for while it is looked for and added
def hash63(text: str) -> int:
    """Return 1 … 2**63 - 1 for a text; 0 is left free for "none".

    Texts that are not valid Unicode (lone surrogates from broken mail) hash as well.
    """
    octets = text.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(octets, digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1 or 1
