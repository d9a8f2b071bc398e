"""What a request's head must look like beyond what the parser checks (RFC 9112).

Two servers that read one head in two ways can be made to disagree about where requests end and
whom they are for. So whatever could be read in two ways is refused.
"""

import re
from collections.abc import Sequence
from typing import Final

#: RFC 9110 §7.2: uri-host and port, of the characters a name or an IP address can have.
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
#: RFC 9112 §3.2.2: what proxies are asked for; we are none, but must understand it.
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)


def find_fault(
    version: str, target: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> str:  # fmt: skip
    """Return why a request is refused, "" when it is not. headers: names in lower case."""
    hosts, codings = [], []
    for name, value in headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
    if version not in ("1.1", "1.0"):
        return "HTTP/1.1 and HTTP/1.0 are spoken here"
    if len(hosts) != 1 and (hosts or version == "1.1"):
        return "there must be one Host field"  # RFC 9112 §3.2
    if hosts and not _HOST.fullmatch(hosts[0]):
        return "the Host field is not a host"
    if codings and (version == "1.0" or [each.lower() for each in codings] != [b"chunked"]):
        return "the only transfer coding is chunked"  # RFC 9112 §6.1
    if not target.startswith(b"/"):
        return _find_odd_target(target, hosts)
    return ""


def has_body(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Return whether octets of a body follow the head."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in headers
    )


def _find_odd_target(target: bytes, hosts: list[bytes]) -> str:
    """Return what is wrong with a target that is no path."""
    match = _ABSOLUTE.match(target)
    if target == b"*" or (match and hosts and match[1].lower() == hosts[0].lower()):
        return ""
    return "the target must be a path, of the host in the Host field"
