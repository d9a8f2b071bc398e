"""What a server says it can do: the lines of its reply to EHLO (RFC 5321 §4.1.1.1)."""

from msgspec import Struct


class Capabilities(Struct, frozen=True, gc=False):
    """keywords: upper case. size: octets of a message, 0 when none is named (RFC 1870 §4).

    mechanisms: those of AUTH, upper case.
    """

    keywords: frozenset[str] = frozenset()
    size: int = 0
    mechanisms: frozenset[str] = frozenset()


#: After HELO, and before anything was said.
NOTHING = Capabilities()


def parse_capabilities(lines: tuple[str, ...]) -> Capabilities:
    """Return what the lines offer; the first one is a greeting. Never raises."""
    keywords = set()
    size = 0
    mechanisms: set[str] = set()
    for line in lines[1:]:
        # Servers made for one old client say "AUTH=LOGIN" as well.
        words = line.upper().replace("AUTH=", "AUTH ", 1).split()
        if not words:
            continue
        keywords.add(words[0])
        if words[0] == "AUTH":
            mechanisms.update(words[1:])
        elif words[0] == "SIZE" and len(words) > 1:
            size = _parse_size(words[1])
    return Capabilities(frozenset(keywords), size, frozenset(mechanisms))


def _parse_size(word: str) -> int:
    # RFC 1870 §4: up to 20 digits.
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 20 else 0
