"""From what a person wrote to the value of a setting, or one sentence on what is wrong with it.

Each function takes what the file holds, or text from a flag or the environment, and raises
ParseError. Nothing here knows which setting it is for.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from penfold.base.errors import ParseError
from penfold.base.limits import (
    BLOCKLISTS_MAX,
    DNS_SERVERS_MAX,
    HOSTS_MAX,
    PUBLIC_ADDRESSES_MAX,
    RETENTION_DAYS_MAX,
    STS_AGE_MAX_S,
    STS_AGE_MIN_S,
    TRUSTED_PROXIES_MAX,
)
from penfold.spec.arrival import parse_choice
from penfold.spec.quotas import OFF

#: HTTP processes at most: each costs about 60 MB and its own file handles.
WORKERS_MAX: Final = 64

#: RFC 1035 §2.3.4: 63 octets in a label, 255 in a name as the wire has it.
_HOSTNAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
_PORT_MAX: Final = 65_535
_DNS_PORT: Final = 53


class Endpoint(NamedTuple):
    """Where to listen. Port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_text(value: object) -> str:
    """Return text without blanks around it."""
    if not isinstance(value, str):
        raise ParseError(f"must be text in quotes, not {value!r}")
    if not value.strip() or not value.isprintable():
        raise ParseError("must not be empty or hold control characters")
    return value.strip()


def parse_secret(value: object) -> str:
    """Return text without blanks around it; what is wrong is said without repeating it."""
    if not isinstance(value, str):
        raise ParseError("must be text in quotes")
    return parse_text(value)


def parse_endpoint(value: object) -> Endpoint:
    """Return the address of a listener; an IPv6 address stands in brackets."""
    text = parse_text(value)
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ParseError(f"must be HOST:PORT with an IPv6 address in brackets, not {text!r}")
    if not colon or not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > _PORT_MAX:
        raise ParseError(f"must be HOST:PORT with a port from 0 to {_PORT_MAX}, not {text!r}")
    return Endpoint(host, int(port))


def parse_count(most: int) -> Callable[[object], int]:
    """Return a parser that takes a number from 1."""

    def parse(value: object) -> int:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,6}", text):
            raise ParseError(f"must be a whole number, not {value!r}")
        if not 1 <= int(text) <= most:
            raise ParseError(f"must be from 1 to {most}, not {text}")
        return int(text)

    return parse


def parse_one_of(*choices: str) -> Callable[[object], str]:
    """Return a parser that takes one of the choices."""

    def parse(value: object) -> str:
        text = parse_text(value)
        if text not in choices:
            raise ParseError(f"must be one of {', '.join(choices)}, not {text!r}")
        return text

    return parse


def parse_amount(value: object) -> int:
    """Return a whole number."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,10}", text):
        raise ParseError(f"must be a whole number from 0 to 9999999999, not {value!r}")
    return int(text)


def parse_share(value: object) -> float:
    """Return a share from 0 to 1."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(r"0(\.[0-9]{1,9})?|1(\.0{1,9})?", text):
        raise ParseError(f"must be a share from 0 to 1 such as 0.05, not {value!r}")
    return float(text)


def parse_price(value: object) -> str:
    """Return a price with three decimals at most: a thousandth of it is whole millionths."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = str(value) if is_number else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text):
        raise ParseError(f"must be a price such as 0.28, not {value!r}")
    return text


def parse_currency(value: object) -> str:
    """Return a currency's three letters (ISO 4217)."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{3}", value):
        raise ParseError(f"must be three letters such as USD, not {value!r}")
    return value.upper()


def parse_days(value: object) -> int:
    """Return a number of days after which something goes; 0: it is kept for good."""
    days = parse_amount(value)
    if days > RETENTION_DAYS_MAX:
        raise ParseError(f"must be from 0 (kept for good) to {RETENTION_DAYS_MAX} days, not {days}")
    return days


def parse_port(value: object) -> int:
    """Return a port."""
    number = parse_amount(value)
    if not 1 <= number <= _PORT_MAX:
        raise ParseError(f"must be a port from 1 to {_PORT_MAX}, not {number}")
    return number


def parse_url(value: object) -> str:
    """Return an http or https address without the slash at its end."""
    text = parse_text(value)
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text) or not _has_host(text):
        raise ParseError(f"must be an http or https address, not {text!r}")
    return text.rstrip("/")


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, a port that is none
        return False


def parse_domains(value: object) -> tuple[str, ...]:
    """Return names of domains in lower case, each once."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ParseError("must be a list of domain names")
    names = tuple(dict.fromkeys(item.strip().lower().rstrip(".") for item in items))
    for name in names:
        if not _HOSTNAME.fullmatch(name) or "." not in name:
            raise ParseError(f"{name!r} is not a domain name")
    return names


def parse_resolvers(value: object) -> tuple[Endpoint, ...]:
    """Return addresses of name servers; the port is 53 unless it is named."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not 1 <= len(items) <= DNS_SERVERS_MAX:
        raise ParseError(f"must be a list of 1 to {DNS_SERVERS_MAX} addresses")
    return tuple(map(_resolver, items))


def _resolver(item: object) -> Endpoint:
    text = parse_text(item)
    bare = text.count(":") > 1 and not text.startswith("[")
    found = Endpoint(text, _DNS_PORT) if bare or ":" not in text else parse_endpoint(text)
    try:
        ipaddress.ip_address(found.host.partition("%")[0])
    except ValueError:
        raise ParseError(f"{text!r} is not an IP address, with or without a port") from None
    return found


def parse_path(value: object) -> str:
    """Return the whole path of a file."""
    text = parse_text(value)
    if not text.startswith("/"):
        raise ParseError(f"must be a whole path, beginning with /, not {text!r}")
    return text


def parse_https_url(value: object) -> str:
    """Return an https address."""
    text = parse_url(value)
    if not text.startswith("https://"):
        raise ParseError(f"must be an https address, not {text!r}")
    return text


def parse_issuer(value: object) -> str:
    """Return the name of an OpenID Connect provider as it is: a slash at its end counts."""
    text = parse_text(value)
    # OpenID Connect Discovery §3: https, without a query or fragment.
    if not re.fullmatch(r"https://[A-Za-z0-9._-]+(:[0-9]{1,5})?(/[!-~]*)?", text) or set(text) & {
        *"?#@"
    }:
        raise ParseError(f"must be an https address without ? and #, not {text!r}")
    return text


def parse_email(value: object) -> str:
    """Return an address of mail."""
    text = parse_text(value)
    # RFC 8555 §7.3: one address, without the header fields a mailto URL may carry.
    if not re.fullmatch(r"[^\s@?,%]{1,64}@[^\s@?,%]{1,255}", text) or not text.isascii():
        raise ParseError(f"must be an address of mail, not {text!r}")
    return text


def parse_addresses(value: object) -> tuple[str, ...]:
    """Return IP addresses in their usual spelling."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or len(items) > PUBLIC_ADDRESSES_MAX:
        raise ParseError(f"must be a list of at most {PUBLIC_ADDRESSES_MAX} IP addresses")
    return tuple(map(_address, items))


def parse_networks(value: object) -> tuple[str, ...]:
    """Return IP networks in their usual spelling; an address alone is one."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or len(items) > TRUSTED_PROXIES_MAX:
        raise ParseError(f"must be a list of at most {TRUSTED_PROXIES_MAX} networks")
    return tuple(map(_network, items))


def _network(item: object) -> str:
    text = parse_text(item)
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ParseError(f"{text!r} is not a network such as 10.0.0.0/8") from None


def parse_hosts(value: object) -> tuple[str, ...]:
    """Return names of hosts in lower case."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or len(items) > HOSTS_MAX:
        raise ParseError(f"must be a list of at most {HOSTS_MAX} host names")
    return tuple(map(parse_hostname, items))


def _address(item: object) -> str:
    text = parse_text(item)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ParseError(f"{text!r} is not an IP address") from None


def parse_own_lists(value: object) -> tuple[str, ...]:
    """Return names of blocklists; `off` is none."""
    names = () if value == OFF else parse_domains(value)
    if len(names) > BLOCKLISTS_MAX:
        raise ParseError(f"must be at most {BLOCKLISTS_MAX} lists")
    return names


def parse_age(value: object) -> int:
    """Return seconds that an MTA-STS policy may live."""
    seconds = parse_amount(value)
    if not STS_AGE_MIN_S <= seconds <= STS_AGE_MAX_S:
        raise ParseError(f"must be from {STS_AGE_MIN_S} to {STS_AGE_MAX_S} seconds, not {seconds}")
    return seconds


def parse_hostname(value: object) -> str:
    """Return the name of a host in lower case."""
    text = parse_text(value).lower().rstrip(".")
    if not _HOSTNAME.fullmatch(text):
        raise ParseError(f"{text!r} is not a host name")
    return text


def parse_names(most: int) -> Callable[[object], tuple[str, ...]]:
    """Return a parser of at most so many domain names."""

    def parse(value: object) -> tuple[str, ...]:
        names = parse_domains(value)
        if len(names) > most:
            raise ParseError(f"must be {most} names at most, not {len(names)}")
        return names

    return parse


def parse_choices(value: object) -> tuple[str, ...]:
    """Return RULE=ACTION choices, each rule once."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ParseError("must be a list of RULE=ACTION")
    choices = [parse_choice(item) for item in items]
    if len({name for name, _ in choices}) < len(choices):
        raise ParseError("must name each rule once")
    return tuple(f"{name}={chosen}" for name, chosen in choices)
