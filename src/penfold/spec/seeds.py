"""Seeds: mailboxes at providers that `penfold placement` sends to and looks into.

As with relays, a password or token is in a file of its own, never in penfold.toml.
"""

from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.errors import ParseError
from penfold.base.limits import SEEDS_MAX
from penfold.spec.setting_values import (
    parse_email,
    parse_hostname,
    parse_https_url,
    parse_port,
    parse_text,
)
from penfold.spec.tables import parse_table

#: RFC 8314 §3.2: IMAP with TLS from the first octet.
_PORT: Final = 993
_GMAIL: Final = "https://gmail.googleapis.com"


class Seed(Struct, frozen=True, kw_only=True):
    """imap: the server, "" for one that is looked into by the Gmail API. user: "" for the address.
    authorities: "" for the system's, or a file. One of password_file and oauth_file.
    """

    address: str
    imap: str = ""
    port: int = _PORT
    user: str = ""
    password_file: str = ""
    oauth_file: str = ""
    api: str = _GMAIL
    authorities: str = ""

    @property
    def secret_file(self) -> str:
        return self.password_file or self.oauth_file

    def __str__(self) -> str:
        return f"{self.address} by {f'{self.imap}:{self.port}' if self.imap else self.api}"


def _parse_host(value: object) -> str:
    host = parse_hostname(parse_text(value))
    if host.replace(".", "").isdigit():
        raise ParseError(f"a certificate is for a name, not for {host}")
    return host


_ENTRIES: Final = {
    "address": parse_email,
    "imap": _parse_host,
    "port": parse_port,
    "user": parse_text,
    "password_file": parse_text,
    "oauth_file": parse_text,
    "api": parse_https_url,
    "authorities": parse_text,
}
_HINTS: Final = {"password": "; write it into a file and name that with password_file"}


def parse_seeds(value: object) -> tuple[Seed, ...]:
    """Return the seeds of [[seed]] tables, in their order."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ParseError("must be [[seed]] tables in penfold.toml")
    if len(value) > SEEDS_MAX:
        raise ParseError(f"there are {len(value)}, and may be {SEEDS_MAX}")
    seeds = tuple(_parse_numbered(n, table) for n, table in enumerate(value, 1))
    if len({seed.address.lower() for seed in seeds}) < len(seeds):
        raise ParseError("two tables have the same address")
    return seeds


def _parse_numbered(number: int, table: object) -> Seed:
    try:
        return _parse_seed(parse_table(table, _ENTRIES, hints=_HINTS))
    except ParseError as error:
        raise ParseError(f"table {number}: {error}") from None


def _parse_seed(entries: dict[str, Any]) -> Seed:
    if "address" not in entries:
        raise ParseError("address: is missing: whom the mail is sent to")
    seed = Seed(**entries)
    if bool(seed.password_file) == bool(seed.oauth_file):
        raise ParseError("password_file or oauth_file: one of them has to be there")
    if seed.password_file and not seed.imap:
        raise ParseError("imap: is missing: the server that takes the password")
    for name in ("port", "user") if not seed.imap else ("api",):
        if name in entries:
            raise ParseError(f"{name}: does nothing {'with' if seed.imap else 'without'} imap")
    return replace(seed, user=seed.user or seed.address)
