"""What a webhook may be: where it is, and which events it wants."""

import ipaddress
from collections.abc import Iterable
from typing import Final

from penfold.base.errors import ParseError
from penfold.domain.sending.findings import INVALID, NOT_ALLOWED, REQUIRED, Findings
from penfold.domain.sending.showing import PREFIX, event_type
from penfold.ports.sending.events import EventKind, OtherKind
from penfold.proto.endpoint import parse_endpoint
from penfold.proto.special_addresses import Reach, reach_of

#: Types of events a webhook can ask for.
TYPES: Final = (*map(event_type, EventKind), *OtherKind)
_LOCALHOST: Final = "localhost"


def read_url(text: str, findings: Findings, *, local: bool) -> str:
    """Return the address, or note what is wrong with it. local: this machine may be reached.

    What a name leads to is looked at when it is connected to (net/guard.py).
    """
    if not text:
        findings.add("endpoint", REQUIRED, "is empty")
        return ""
    try:
        parts = parse_endpoint(text)
    except ParseError:
        what = "is no address such as https://shop.example/hook, without user, password and #"
        findings.add("endpoint", INVALID, what)
        return ""
    host = (parts.hostname or "").lower().rstrip(".")
    reach = _reach(host)
    if reach is Reach.LOOPBACK and not local:
        findings.add("endpoint", NOT_ALLOWED, "leads to this machine")
    elif reach in (Reach.PRIVATE, Reach.NEVER):
        findings.add("endpoint", NOT_ALLOWED, "leads into a network of the server's own")
    elif parts.scheme != "https" and not (reach is Reach.LOOPBACK and parts.scheme == "http"):
        findings.add("endpoint", NOT_ALLOWED, "has to begin with https://")
    return text


def _reach(host: str) -> Reach | None:
    """Return where a host is as far as its name says so."""
    if host == _LOCALHOST or host.endswith(f".{_LOCALHOST}"):  # RFC 6761 §6.3
        return Reach.LOOPBACK
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return reach_of(host)


def read_kinds(types: Iterable[str], findings: Findings) -> tuple[str, ...]:
    """Return the kinds of `email.delivered` …, each once."""
    types = dict.fromkeys(types)
    unknown = [each for each in types if each not in TYPES]
    if unknown:
        findings.add("events", INVALID, f"has none of {', '.join(TYPES)}: {unknown[0][:40]!r}")
        return ()
    return tuple(each.removeprefix(PREFIX) for each in types)
