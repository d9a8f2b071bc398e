"""Records as lines of a zone file (RFC 1035 §5.1), for people to paste.

Names are given as everywhere here, in lower case without the final dot; a line has them with it,
so that it means the same whatever the zone. No line has a TTL: the zone's own holds.
"""

from typing import Final

from penfold.proto.dns import Association, Exchange, Kind

#: RFC 1035 §3.3: octets of one character-string.
_STRING_MAX: Final = 255
_ESCAPED: Final = frozenset(b'"\\')


def print_record(name: str, kind: Kind, data: str) -> str:
    """Return a line; data is as the kind wants it, with the final dot of a name."""
    return f"{name}. IN {kind} {data}"


def print_alias(name: str, target: str) -> str:
    return f"{name}. IN CNAME {target}."


def print_mx(name: str, exchange: Exchange) -> str:
    return print_record(name, "MX", f"{exchange.preference} {exchange.host}.")


def print_tlsa(name: str, association: Association) -> str:
    numbers = f"{association.usage} {association.selector} {association.matching}"
    return print_record(name, "TLSA", f"{numbers} {association.data.hex()}")


def print_txt(name: str, text: str | bytes) -> str:
    """Return the line of a TXT record; a long text is cut into strings, which readers join."""
    return print_record(
        name, "TXT", print_strings(text.encode() if isinstance(text, str) else text)
    )


def print_strings(text: bytes) -> str:
    """Return a text as character-strings in quotes, at least one; octets that are not printable
    ASCII stand as a backslash and three digits.
    """
    pieces = [text[at : at + _STRING_MAX] for at in range(0, len(text), _STRING_MAX)] or [b""]
    return " ".join(f'"{"".join(map(_escape, piece))}"' for piece in pieces)


def _escape(octet: int) -> str:
    if octet in _ESCAPED:
        return f"\\{octet:c}"
    return chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03d}"
