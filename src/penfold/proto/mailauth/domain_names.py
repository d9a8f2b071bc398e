"""Domain names as mail authentication compares them: lower case, A-labels, no final dot.

Wider than what SMTP takes for a mailbox: labels may hold underscores, which DNS names do. Address
literals and bare words that are no names are None. Never raises; linear.
"""

import re

from penfold.base.errors import ParseError
from penfold.base.limits import DOMAIN_MAX_BYTES
from penfold.proto.address import encode_domain

#: RFC 1035 §2.3.4: a label has 63 octets, and a name 255 on the wire: 253 without the final dot.
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*+")
NAME_MAX = DOMAIN_MAX_BYTES - 2


def find_domain_name(text: str) -> str | None:
    """Return the name in the one spelling that is compared (RFC 5890 §2.3.2.1); None for none."""
    if len(text) > DOMAIN_MAX_BYTES:
        return None
    try:
        name = text.lower() if text.isascii() else encode_domain(text)
    except ParseError:
        return None
    name = name.removesuffix(".")
    if len(name) > NAME_MAX or not _NAME.fullmatch(name):
        return None
    # An address in digits is no name: no top level is a number (RFC 3696 §2).
    return None if name.rpartition(".")[2].isdigit() else name


def is_within(name: str, domain: str) -> bool:
    """Say whether the name is the domain or lies below it."""
    return name == domain or name.endswith(f".{domain}")
