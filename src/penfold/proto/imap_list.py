"""Folders as an IMAP server lists them (RFC 3501 §7.2.2), with what they are for (RFC 6154).

Lines and literals come as imaplib gives them. Linear; never raises.
"""

import re
from typing import Final

from msgspec import Struct

_LINE: Final = re.compile(
    rb'\(([^()]*)\) +(?:NIL|"(?:[^"\\]|\\.)") +(?:"((?:[^"\\]|\\.)*)"|\{[0-9]+\+?\}|([^"{].*))',
    re.DOTALL | re.IGNORECASE,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


class Folder(Struct, frozen=True, gc=False):
    """name: as the server wants to hear it, printable ASCII. uses: its attributes that begin
    with a backslash, in lower case.
    """

    name: str
    uses: frozenset[str]


def parse_folder_line(line: bytes, literal: bytes | None = None) -> Folder | None:
    """Return the folder of a LIST answer; None for none, or for a name that is not plain ASCII.

    literal: its name, when it came as one. RFC 3501 §5.1.3: names are in modified UTF-7.
    """
    found = _LINE.fullmatch(line.rstrip())
    if found is None:
        return None
    attributes, quoted, atom = found.groups()
    raw = literal if quoted is None and atom is None else quoted if quoted is not None else atom
    if not raw:
        return None
    name = raw.decode("latin-1")
    if quoted is not None:
        name = _ESCAPED.sub(r"\1", name)
    if not (name.isascii() and name.isprintable()):
        return None
    uses = attributes.decode("latin-1").lower().split()
    return Folder(name, frozenset(each for each in uses if each.startswith("\\")))


def quote(text: str) -> str:
    """Return printable ASCII as a quoted string (RFC 3501 §4.3)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
