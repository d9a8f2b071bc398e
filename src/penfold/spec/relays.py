"""Relays: servers that take mail for other domains off our hands, as [[relay]] tables say it.

A password or token is in a file of its own, never in penfold.toml; where a table has both a name
and a server, the server has to prove that it is the one that is meant before it hears a secret.
"""

import ipaddress
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.errors import ParseError
from penfold.base.limits import RELAY_PATTERNS_MAX, RELAYS_MAX
from penfold.spec.setting_values import parse_hostname, parse_one_of, parse_port, parse_text
from penfold.spec.tables import parse_table

STARTTLS: Final = "starttls"
IMPLICIT: Final = "implicit"
OPPORTUNISTIC: Final = "opportunistic"
NONE: Final = "none"
_PROVED: Final = (STARTTLS, IMPLICIT)
#: RFC 6409 §3.1, RFC 8314 §3.3, RFC 5321 §4.5.4.2.
_PORT_OF: Final = {STARTTLS: 587, IMPLICIT: 465, OPPORTUNISTIC: 25, NONE: 25}


class Relay(Struct, frozen=True, kw_only=True):
    """domains, senders: whose mail it takes, by recipient and by sender: a name, "*.name" for
    those below it, or "*"; no senders means any. tls: starttls and implicit want a certificate
    for `host`, by the system's authorities or those of the file `authorities`. password_file and
    oauth_file: "" or a path, at most one of them, with a user.
    """

    host: str
    domains: tuple[str, ...]
    senders: tuple[str, ...] = ()
    port: int = _PORT_OF[STARTTLS]
    tls: str = STARTTLS
    authorities: str = ""
    user: str = ""
    password_file: str = ""
    oauth_file: str = ""

    @property
    def name(self) -> str:
        """What it is known by in logs, and among relays."""
        server = f"{self.host}:{self.port}"
        return f"{self.user} at {server}" if self.user else server

    @property
    def secret_file(self) -> str:
        return self.password_file or self.oauth_file

    @property
    def is_proved(self) -> bool:
        """Return whether it has to show a certificate for its name."""
        return self.tls in _PROVED

    def __str__(self) -> str:
        whose = f" from {', '.join(self.senders)}" if self.senders else ""
        return f"{self.name} ({self.tls}) for {', '.join(self.domains)}{whose}"


def _parse_host(value: object) -> str:
    text = parse_text(value)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return parse_hostname(text)


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _parse_patterns(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not 1 <= len(items) <= RELAY_PATTERNS_MAX:
        raise ParseError(f"must be a list of 1 to {RELAY_PATTERNS_MAX} domains")
    return tuple(map(_parse_pattern, items))


def _parse_pattern(value: object) -> str:
    text = parse_text(value).lower().rstrip(".")
    if text == "*":
        return text
    try:
        parse_hostname(text.removeprefix("*."))
    except ParseError:
        raise ParseError(
            f'{text!r} is no domain (in A-labels), no "*.domain" and not "*"'
        ) from None
    return text


_ENTRIES: Final = {
    "domains": _parse_patterns,
    "senders": _parse_patterns,
    "host": _parse_host,
    "port": parse_port,
    "tls": parse_one_of(*_PORT_OF),
    "authorities": parse_text,
    "user": parse_text,
    "password_file": parse_text,
    "oauth_file": parse_text,
}
_HINTS: Final = {"password": "; write it into a file and name that with password_file"}


def parse_relays(value: object) -> tuple[Relay, ...]:
    """Return the relays of [[relay]] tables, in their order."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ParseError("must be [[relay]] tables in penfold.toml")
    if len(value) > RELAYS_MAX:
        raise ParseError(f"there are {len(value)}, and may be {RELAYS_MAX}")
    relays = tuple(_parse_numbered(n, table) for n, table in enumerate(value, 1))
    _check_names(relays)
    return relays


def _parse_numbered(number: int, table: object) -> Relay:
    try:
        return _parse_relay(parse_table(table, _ENTRIES, hints=_HINTS))
    except ParseError as error:
        raise ParseError(f"table {number}: {error}") from None


def _parse_relay(entries: dict[str, Any]) -> Relay:
    if "host" not in entries:
        raise ParseError("host: is missing: the name of the server")
    if "domains" not in entries:
        raise ParseError('domains: is missing: whose mail goes there; ["*"] is all')
    relay = Relay(**entries)
    if "port" not in entries:
        relay = replace(relay, port=_PORT_OF[relay.tls])
    if relay.is_proved and _is_address(relay.host):
        raise ParseError(
            f"host: a certificate is for a name, not for {relay.host}; name the server, or choose "
            "tls = opportunistic or none"
        )
    if relay.password_file and relay.oauth_file:
        raise ParseError("password_file and oauth_file: one of them, not both")
    if bool(relay.user) != bool(relay.secret_file):
        raise ParseError("user: goes with a password_file or an oauth_file, and these with a user")
    if relay.user and not relay.is_proved:
        raise ParseError(
            f"tls: {relay.tls} would show a secret to anybody; a user needs starttls or implicit"
        )
    if relay.authorities and not relay.is_proved:
        raise ParseError(f"authorities: nobody is asked for a certificate with tls = {relay.tls}")
    return relay


def _check_names(relays: tuple[Relay, ...]) -> None:
    """One server and user with two secrets, or two kinds of TLS, would be a mistake."""
    known: dict[str, Relay] = {}
    for relay in relays:
        access = replace(relay, domains=(), senders=())
        if known.setdefault(relay.name, access) != access:
            raise ParseError(
                f"{relay.name} is in two tables that differ in tls, authorities or files"
            )
