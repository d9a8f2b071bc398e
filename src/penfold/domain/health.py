"""What an examination of a server found: each thing with why it matters and how it is mended."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """ERROR: mail or its safety suffers now. WARNING: it will, or something is left undone."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(Struct, frozen=True):
    """area: a word that stays the same. what: a sentence. mend: a command, or what to change."""

    area: str
    level: Level
    what: str
    why: str = ""
    mend: str = ""


def fine(area: str, what: str) -> Finding:
    return Finding(area, Level.OK, what)


def warning(area: str, what: str, *, why: str, mend: str) -> Finding:
    return Finding(area, Level.WARNING, what, why, mend)


def error(area: str, what: str, *, why: str, mend: str) -> Finding:
    return Finding(area, Level.ERROR, what, why, mend)


def is_sick(findings: Iterable[Finding]) -> bool:
    """Return whether any is an error; warnings alone are none."""
    return any(each.level is Level.ERROR for each in findings)
