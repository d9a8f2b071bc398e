"""Every setting, declared once: name, where it may be given, type, default, sentence, secret?

A setting is a field of `Settings`; flags, environment variables, penfold.toml, `config show` and
the help of `penfold serve` are derived from the field. `parse_setting` turns what a person
wrote into a value or says in one sentence what is wrong with it. Nothing here reads anything:
app/config.py does, in the order flag, environment, penfold.toml, default.

Whether a setting goes with the others is app/config.check_served's affair.
"""

# ruff: noqa: RUF009 - _setting returns a dataclasses.field

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Final, NamedTuple

from penfold.base.errors import ParseError
from penfold.base.limits import (
    ARC_SEALERS_MAX,
    BLOCKLISTS_MAX,
    DNS_SERVERS_MAX,
    IN_FLIGHT_MAX,
    PUBLIC_ADDRESSES_MAX,
    SEND_MESSAGES_PER_DAY,
    SEND_RECIPIENTS_PER_DAY,
    STS_AGE_MAX_S,
    STS_AGE_MIN_S,
    STS_AGE_S,
)
from penfold.spec.arrival import parse_choice
from penfold.spec.quotas import GOOGLE_2026, OFF, TABLES, QuotaTable

#: The domain of local mode.
LOCAL_DOMAIN: Final = "penfold.test"

#: How far mail may go; each takes in those before it.
PUBLIC: Final = "public"
PRIVATE: Final = "private"
LOOPBACK: Final = "loopback"
REACHES: Final = (PUBLIC, PRIVATE, LOOPBACK)

#: HTTP processes at most: each costs about 60 MB and its own file handles.
WORKERS_MAX: Final = 64

#: Challenges of ACME that are answered (RFC 8555 §8.3, RFC 8737).
ACME_CHALLENGES: Final = ("http-01", "tls-alpn-01")
#: Lists that large receivers refuse mail by, or that show early what goes wrong, and that answer
#: anybody. Spamhaus refuses public resolvers, which is told apart from a listing.
OWN_BLOCKLISTS: Final = (
    "zen.spamhaus.org",
    "b.barracudacentral.org",
    "bl.spamcop.net",
    "bl.mailspike.net",
    "psbl.surriel.com",
)

_HOSTNAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
)
_PORT_MAX: Final = 65_535
_DNS_PORT: Final = 53


class Endpoint(NamedTuple):
    """Where to listen. Port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of one setting beside its default.

    metavar: how help prints the value. serve: `penfold serve` takes it as a flag.
    file: penfold.toml may hold it.
    """

    name: str
    sentence: str
    metavar: str
    parse: Callable[[object], Any]
    default: Any
    serve: bool = True
    file: bool = True
    secret: bool = False

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def env(self) -> str:
        return "PENFOLD_" + self.name.upper()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ParseError(f"must be text in quotes, not {value!r}")
    if not value.strip() or not value.isprintable():
        raise ParseError("must not be empty or hold control characters")
    return value.strip()


def parse_endpoint(value: object) -> Endpoint:
    """Return the address of a listener; an IPv6 address stands in brackets."""
    text = _text(value)
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ParseError(f"must be HOST:PORT with an IPv6 address in brackets, not {text!r}")
    if not colon or not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > _PORT_MAX:
        raise ParseError(f"must be HOST:PORT with a port from 0 to {_PORT_MAX}, not {text!r}")
    return Endpoint(host, int(port))


def _count(value: object) -> int:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,4}", text):
        raise ParseError(f"must be a whole number, not {value!r}")
    if not 1 <= int(text) <= WORKERS_MAX:
        raise ParseError(f"must be from 1 to {WORKERS_MAX}, not {text}")
    return int(text)


def _one_of(*choices: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        text = _text(value)
        if text not in choices:
            raise ParseError(f"must be one of {', '.join(choices)}, not {text!r}")
        return text

    return parse


def _amount(value: object) -> int:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,10}", text):
        raise ParseError(f"must be a whole number from 0 to 9999999999, not {value!r}")
    return int(text)


def _port(value: object) -> int:
    number = _amount(value)
    if not 1 <= number <= _PORT_MAX:
        raise ParseError(f"must be a port from 1 to {_PORT_MAX}, not {number}")
    return number


def _url(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise ParseError(f"must be an http or https address, not {text!r}")
    return text.rstrip("/")


def _domains(value: object) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ParseError("must be a list of domain names")
    names = tuple(item.strip().lower().rstrip(".") for item in items)
    for name in names:
        if not _HOSTNAME.fullmatch(name) or "." not in name:
            raise ParseError(f"{name!r} is not a domain name")
    return names


def _names(most: int) -> Callable[[object], tuple[str, ...]]:
    def parse(value: object) -> tuple[str, ...]:
        names = _domains(value)
        if len(names) > most:
            raise ParseError(f"must be {most} names at most, not {len(names)}")
        return names

    return parse


def _choices(value: object) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ParseError("must be a list of RULE=ACTION")
    choices = [parse_choice(item) for item in items]
    if len({name for name, _ in choices}) < len(choices):
        raise ParseError("must name each rule once")
    return tuple(f"{name}={chosen}" for name, chosen in choices)


def _resolvers(value: object) -> tuple[Endpoint, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not 1 <= len(items) <= DNS_SERVERS_MAX:
        raise ParseError(f"must be a list of 1 to {DNS_SERVERS_MAX} addresses")
    return tuple(map(_resolver, items))


def _resolver(item: object) -> Endpoint:
    text = _text(item)
    bare = text.count(":") > 1 and not text.startswith("[")
    found = Endpoint(text, _DNS_PORT) if bare or ":" not in text else parse_endpoint(text)
    try:
        ipaddress.ip_address(found.host.partition("%")[0])
    except ValueError:
        raise ParseError(f"{text!r} is not an IP address, with or without a port") from None
    return found


def _path(value: object) -> str:
    text = _text(value)
    if not text.startswith("/"):
        raise ParseError(f"must be a whole path, beginning with /, not {text!r}")
    return text


def _https_url(value: object) -> str:
    text = _url(value)
    if not text.startswith("https://"):
        raise ParseError(f"must be an https address, not {text!r}")
    return text


def _email(value: object) -> str:
    text = _text(value)
    # RFC 8555 §7.3: one address, without the header fields a mailto URL may carry.
    if not re.fullmatch(r"[^\s@?,%]{1,64}@[^\s@?,%]{1,255}", text) or not text.isascii():
        raise ParseError(f"must be an address of mail, not {text!r}")
    return text


def _addresses(value: object) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or len(items) > PUBLIC_ADDRESSES_MAX:
        raise ParseError(f"must be a list of at most {PUBLIC_ADDRESSES_MAX} IP addresses")
    return tuple(map(_address, items))


def _address(item: object) -> str:
    text = _text(item)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ParseError(f"{text!r} is not an IP address") from None


def _own_lists(value: object) -> tuple[str, ...]:
    names = () if value == OFF else _domains(value)
    if len(names) > BLOCKLISTS_MAX:
        raise ParseError(f"must be at most {BLOCKLISTS_MAX} lists")
    return names


def _age(value: object) -> int:
    seconds = _amount(value)
    if not STS_AGE_MIN_S <= seconds <= STS_AGE_MAX_S:
        raise ParseError(f"must be from {STS_AGE_MIN_S} to {STS_AGE_MAX_S} seconds, not {seconds}")
    return seconds


def _hostname(value: object) -> str:
    text = _text(value).lower().rstrip(".")
    if not _HOSTNAME.fullmatch(text):
        raise ParseError(f"{text!r} is not a host name")
    return text


def _setting(
    parse: Callable[[object], Any], default: Any, metavar: str, sentence: str, **options: bool
) -> Any:
    options = {"serve": True, "file": True, "secret": False} | options
    return field(
        default=default,
        metadata={"parse": parse, "metavar": metavar, "sentence": sentence, **options},
    )


def _limit(sentence: str, default: int) -> Any:
    """Return a setting that counts while quotas are on."""
    return _setting(_amount, default, "N", sentence, serve=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values in force. Passed as an argument, never kept in a module."""

    data: str = _setting(
        _text, "./penfold-data", "DIR", "Where all mail and state is kept.", file=False
    )
    config: str = _setting(
        _text,
        "",
        "FILE",
        "The configuration file; without one that is there, Penfold runs in local mode. "
        "[default: penfold.toml in the data directory]",
        file=False,
    )
    http: Endpoint = _setting(
        parse_endpoint,
        Endpoint("127.0.0.1", 8025),
        "HOST:PORT",
        "HTTP and HTTPS: the Gmail API, sign-in, pages. Port 0 takes a free one.",
    )
    smtp: Endpoint = _setting(
        parse_endpoint,
        Endpoint("127.0.0.1", 2525),
        "HOST:PORT",
        "SMTP for mail that comes in (MX).",
    )
    submission: Endpoint = _setting(
        parse_endpoint,
        Endpoint("127.0.0.1", 2587),
        "HOST:PORT",
        "SMTP for people and programs who send, with STARTTLS.",
    )
    submissions: Endpoint = _setting(
        parse_endpoint,
        Endpoint("127.0.0.1", 2465),
        "HOST:PORT",
        "The same, with TLS from the first byte.",
    )
    workers: int = _setting(_count, 1, "N", "HTTP processes.")
    quota: str = _setting(
        _one_of(*TABLES, OFF),
        "",
        "google-2026|google-2023|off",
        "Which of Google's quota tables to enforce, with its limits on sending. "
        "[default: google-2026 in local mode, else off]",
    )
    quota_user_units: int = _limit("Units a user may spend per minute. [default: the table's]", 0)
    quota_project_units: int = _limit(
        "Units all users of a project may spend per minute. [default: the table's]", 0
    )
    quota_in_flight: int = _limit("Calls of one user at a time, in one process.", IN_FLIGHT_MAX)
    send_messages_per_day: int = _limit(
        "Messages an account may send in 24 hours; 500 is what Gmail gives people without an "
        "organisation.",
        SEND_MESSAGES_PER_DAY,
    )
    send_recipients_per_day: int = _limit(
        "Recipients an account may write to in 24 hours, each time counted.",
        SEND_RECIPIENTS_PER_DAY,
    )
    search_attachments: str = _setting(
        _one_of("on", OFF),
        "on",
        "on|off",
        "Whether a search finds the text in attachments; they are read in the background.",
        serve=False,
    )
    log_format: str = _setting(
        _one_of("text", "json"),
        "",
        "text|json",
        "The form of the log on standard error. [default: text on a terminal, else json]",
    )
    issuer: str = _setting(
        _url,
        "",
        "URL",
        "The issuer name in identity tokens. [default: the server's own address]",
    )
    hostname: str = _setting(
        _hostname,
        LOCAL_DOMAIN,
        "NAME",
        "The name Penfold gives itself in SMTP and in certificates. In production mode it must "
        "be the name this machine has in the DNS.",
    )
    tls_certificate: str = _setting(
        _path,
        "",
        "FILE",
        "Certificate for hostname with its chain, PEM; a new one is taken when the file changes. "
        "[default: one of Penfold's own authority, which nobody else knows]",
        serve=False,
    )
    tls_key: str = _setting(
        _path,
        "",
        "FILE",
        "The private key of tls_certificate, PEM. [default: in the same file]",
        serve=False,
    )
    acme_directory: str = _setting(
        _https_url,
        "",
        "URL",
        "ACME server to get the certificate from, such as "
        "https://acme-v02.api.letsencrypt.org/directory; naming it agrees to its terms.",
        serve=False,
    )
    acme_email: str = _setting(
        _email,
        "",
        "ADDRESS",
        "Where that server may write to when something is wrong.",
        serve=False,
    )
    acme_challenge: str = _setting(
        _one_of(*ACME_CHALLENGES),
        ACME_CHALLENGES[0],
        "|".join(ACME_CHALLENGES),
        "How it is shown that hostname is ours: over HTTP on port 80 or over TLS on port 443; "
        "that port must lead to the http listener.",
        serve=False,
    )
    acme_authorities: str = _setting(
        _path,
        "",
        "FILE",
        "Authorities by which the ACME server itself is verified, PEM. [default: the system's]",
        serve=False,
    )
    acme_mta_sts: str = _setting(
        _one_of("on", OFF),
        OFF,
        "on|off",
        "Whether the certificate is also for mta-sts.DOMAIN of each domain.",
        serve=False,
    )
    dns_servers: tuple[Endpoint, ...] = _setting(
        _resolvers,
        (),
        "ADDRESSES",
        "Resolvers to ask, used in production mode. [default: those of /etc/resolv.conf]",
        serve=False,
    )
    dns_trusted: str = _setting(
        _one_of("on", OFF),
        OFF,
        "on|off",
        "Whether those resolvers validate and the way to them is safe, as it is on this machine.",
        serve=False,
    )
    delivery_reach: str = _setting(
        _one_of(*REACHES),
        PUBLIC,
        "|".join(REACHES),
        "Where mail may be sent: to public addresses; to private networks too; or to this machine "
        "as well, for tests.",
        serve=False,
    )
    delivery_port: int = _setting(
        _port,
        25,
        "PORT",
        "The port of other mail servers; another than 25 is for tests.",
        serve=False,
    )
    delivery_families: str = _setting(
        _one_of("ipv4", "ipv6", "ipv4-first", "ipv6-first"),
        "ipv4-first",
        "ipv4|ipv6|ipv4-first|ipv6-first",
        "Which addresses of other mail servers are called, and which of them first.",
        serve=False,
    )
    delivery_authorities: str = _setting(
        _text,
        "",
        "FILE",
        "Certificates (PEM) of authorities that vouch for other mail servers under MTA-STS. "
        "[default: the system's]",
        serve=False,
    )
    public_addresses: tuple[str, ...] = _setting(
        _addresses,
        (),
        "ADDRESSES",
        "IP addresses from which this server's mail reaches others, for `penfold domain check`. "
        "[default: those its hostname has in the DNS]",
        serve=False,
    )
    own_blocklists: tuple[str, ...] = _setting(
        _own_lists,
        OWN_BLOCKLISTS,
        "NAMES|off",
        "DNS blocklists on which `penfold domain check` looks for those addresses.",
        serve=False,
    )
    mta_sts_mode: str = _setting(
        _one_of("none", "testing", "enforce"),
        "none",
        "none|testing|enforce",
        "What the MTA-STS policy of our domains asks of servers that send here: testing has them "
        "report mail that could not come encrypted, enforce has them keep it.",
        serve=False,
    )
    mta_sts_max_age: int = _setting(
        _age,
        STS_AGE_S,
        "SECONDS",
        "How long those servers may go by a policy they have seen.",
        serve=False,
    )
    arrival_policy: tuple[str, ...] = _setting(
        _choices,
        (),
        "RULE=ACTION,…",
        "What is done about mail from the internet that breaks a rule, where it differs from "
        "docs/arrival.md; used in production mode.",
        serve=False,
    )
    arc_sealers: tuple[str, ...] = _setting(
        _names(ARC_SEALERS_MAX),
        (),
        "NAMES",
        "Domains of forwarders whose ARC seals are trusted; used in production mode.",
        serve=False,
    )
    blocklists: tuple[str, ...] = _setting(
        _names(BLOCKLISTS_MAX),
        (),
        "ZONES",
        "DNS blocklists of addresses to ask about clients; used in production mode.",
        serve=False,
    )
    greylisting: str = _setting(
        _one_of("on", OFF),
        OFF,
        "on|off",
        "Whether strangers are asked to come again after some minutes; used in production mode.",
        serve=False,
    )
    rspamd: str = _setting(
        _url,
        "",
        "URL",
        "An rspamd to ask about mail from the internet, such as http://127.0.0.1:11333; used in "
        "production mode.",
        serve=False,
    )
    metrics_token: str = _setting(
        _text,
        "",
        "TOKEN",
        "Bearer token that lets other machines read /metrics; without it only this one may.",
        serve=False,
        secret=True,
    )
    domains: tuple[str, ...] = _setting(
        _domains,
        (),
        "NAMES",
        "Domains whose mail is delivered here; naming one turns production mode on.",
        serve=False,
    )

    @property
    def is_production(self) -> bool:
        """Return whether mail leaves this machine; else it is local mode."""
        return bool(self.domains)

    @property
    def names_certificate(self) -> bool:
        """Return whether the certificate to show comes from elsewhere than our own authority."""
        return bool(self.tls_certificate or self.acme_directory)

    @property
    def first_domain(self) -> str:
        """The domain that completes <postmaster>."""
        return self.domains[0] if self.domains else LOCAL_DOMAIN

    def find_quota(self) -> QuotaTable | None:
        """Return the quota table in force, None when there is none."""
        return TABLES.get(self.quota or (OFF if self.is_production else GOOGLE_2026.name))


#: All settings, in the order help and `config show` print them.
SETTINGS: Final = tuple(
    Setting(
        name=item.name,
        sentence=item.metadata["sentence"],
        metavar=item.metadata["metavar"],
        parse=item.metadata["parse"],
        default=item.default,
        serve=item.metadata["serve"],
        file=item.metadata["file"],
        secret=item.metadata["secret"],
    )
    for item in fields(Settings)
)
SETTING_OF: Final = {setting.name: setting for setting in SETTINGS}
