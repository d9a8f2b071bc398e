"""The one spelling of an account's address: how two spellings are found to be the same mailbox.

Lower case (Gmail: documented, case does not matter) and without the plus tag (documented, any
tag reaches the account). Dots count, as they do on Workspace domains. Owns no syntax and no IDNA:
an address comes here as `penfold.proto.address` left it, with the domain in A-labels; what is not
an address simply leads to no account.
"""

import re
from typing import Final

#: What stands around addresses in header fields and in reports (RFC 5322 §3.2.3, RFC 5965 §3).
_BETWEEN: Final = re.compile(r"[\s<>()\[\],;:\"']+")


def canonical_domain(domain: str) -> str:
    """Return the domain in lower case, without a final dot."""
    return domain.strip().rstrip(".").lower()


def exact_address(address: str) -> str:
    """Return the address in lower case with its plus tag: an alias may be one of those."""
    local, at, domain = address.strip().rpartition("@")
    return f"{local.lower()}{at}{canonical_domain(domain)}"


def canonical_address(address: str) -> str:
    """Return the spelling under which the directory keeps an address."""
    local, at, domain = address.strip().rpartition("@")
    if not at:
        return domain.lower()
    base = local.partition("+")[0] or local  # "+tag@…" has no name without it
    return f"{base.lower()}@{canonical_domain(domain)}"


def names_address(text: str, address: str) -> bool:
    """Return whether a text names the address, as the directory spells it, with any plus tag.

    A longer address it is the end of is another one: `akim@…` does not name `kim@…`.
    """
    words = _BETWEEN.split(text)
    return any("@" in word and canonical_address(word) == address for word in words)
