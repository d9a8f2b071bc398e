"""The one spelling of an account's address: how two spellings are found to be the same mailbox.

Owns no syntax: what is not an address simply leads to no account. Lower case (Gmail: documented,
case does not matter), without the plus tag (documented, any tag reaches the account), the domain
in A-labels (RFC 5891 §4.4). Dots count, as they do on Workspace domains.
"""


def canonical_domain(domain: str) -> str:
    """Return the domain in lower case and A-labels, without a final dot."""
    domain = domain.strip().rstrip(".").lower()
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def canonical_address(address: str) -> str:
    """Return the spelling under which the directory keeps an address."""
    local, at, domain = address.strip().rpartition("@")
    if not at:
        return address.strip().lower()
    base = local.lower().partition("+")[0] or local.lower()  # "+tag@…" has no name without it
    return f"{base}@{canonical_domain(domain)}"
