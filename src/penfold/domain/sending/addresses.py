"""Addresses in a call: one or a list, each with or without a name."""

from collections.abc import Sequence

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.domain.sending.findings import INVALID, TOO_MANY, Findings
from penfold.proto.address import canonical, parse_address_list, parse_mailbox


class Named(Struct, frozen=True, gc=False):
    """written: as the caller wrote it. address: in normal form."""

    written: str
    address: str


def read_address(text: str, field: str, findings: Findings) -> Named | None:
    """Return the one address of the text, or note what is wrong with it."""
    if not findings.check_text(field, text, 1_000):
        return None
    try:
        found = parse_address_list(text, strict=True)
        if len(found) == 1:
            return Named(text.strip(), parse_mailbox(found[0].address))
    except ParseError:
        pass
    findings.add(
        field, INVALID, "is not an address; one looks like kim@example.org or Kim <kim@example.org>"
    )
    return None


def read_addresses(
    value: str | Sequence[str] | None, field: str, most: int, findings: Findings
) -> list[Named]:
    """Return the addresses of a member that holds one or a list."""
    items = [value] if isinstance(value, str) else list(value or ())
    if len(items) > most:
        findings.add(field, TOO_MANY, f"has more than {most} addresses")
        return []
    listed = not isinstance(value, str)
    names = [f"{field}[{at}]" if listed else field for at in range(len(items))]
    found = [read_address(text, name, findings) for text, name in zip(items, names, strict=True)]
    return [one for one in found if one is not None]


def list_once(groups: dict[str, Sequence[Named]]) -> tuple[tuple[str, str], ...]:
    """Return (address, kind) of all recipients; who is named twice gets one copy."""
    found: dict[str, tuple[str, str]] = {}
    for kind, group in groups.items():
        for one in group:
            found.setdefault(canonical(one.address), (one.address, kind))
    return tuple(found.values())
