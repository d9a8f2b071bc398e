"""Every setting, declared once: name, where it may be given, type, default, sentence, secret?

A setting is a field of `Settings`; flags, environment variables, penfold.toml, `config show` and
the help of `penfold serve` are derived from the field. spec/setting_values.py turns what a person
wrote into a value or says in one sentence what is wrong with it. Nothing here reads anything:
app/config.py does, in the order flag, environment, penfold.toml, default.

Whether a setting goes with the others is app/config.check_served's affair.
"""

# ruff: noqa: RUF009 - _setting returns a dataclasses.field

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from penfold.base.limits import (
    ARC_SEALERS_MAX,
    BLOCKLISTS_MAX,
    GRANTS_MAX,
    GRANTS_SET_MAX,
    HIDDEN_DAYS,
    IN_FLIGHT_MAX,
    QUEUE_DAYS,
    REFRESH_IDLE_DAYS,
    REFRESH_TESTING_DAYS,
    REPORTS_DAYS,
    SEND_MESSAGES_PER_DAY,
    SEND_RECIPIENTS_PER_DAY,
    SENDING_DAYS,
    STS_AGE_S,
    TOKEN_DAYS_MAX,
)
from penfold.spec.key_source import (
    DEFAULT_SOURCE,
    KeySource,
    parse_key_source,
    parse_secret_source,
)
from penfold.spec.quotas import GOOGLE_2026, OFF, TABLES, QuotaTable
from penfold.spec.rates import find_rates, parse_rates
from penfold.spec.relays import Relay, parse_relays
from penfold.spec.seeds import Seed, parse_seeds
from penfold.spec.setting_values import (
    WORKERS_MAX,
    Endpoint,
    parse_addresses,
    parse_age,
    parse_amount,
    parse_choices,
    parse_count,
    parse_currency,
    parse_days,
    parse_domains,
    parse_email,
    parse_endpoint,
    parse_hostname,
    parse_hosts,
    parse_https_url,
    parse_issuer,
    parse_names,
    parse_networks,
    parse_one_of,
    parse_own_lists,
    parse_path,
    parse_port,
    parse_price,
    parse_resolvers,
    parse_secret,
    parse_share,
    parse_text,
    parse_url,
)
from penfold.spec.shapes import NamedShape, parse_shapes

#: The domain of local mode.
LOCAL_DOMAIN: Final = "penfold.test"

#: Where Google's client libraries go for Gmail, sign-in, push and profiles.
GOOGLE_HOSTS: Final = (
    "gmail.googleapis.com",
    "www.googleapis.com",
    "oauth2.googleapis.com",
    "openidconnect.googleapis.com",
    "pubsub.googleapis.com",
    "accounts.google.com",
    "smtp.gmail.com",
)

#: How far mail may go; each takes in those before it.
PUBLIC: Final = "public"
PRIVATE: Final = "private"
LOOPBACK: Final = "loopback"
REACHES: Final = (PUBLIC, PRIVATE, LOOPBACK)

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
    return _setting(parse_amount, default, "N", sentence, serve=False)


def _kept(default: int, sentence: str) -> Any:
    """Return a setting of how long something is kept, see docs/data-protection.md."""
    return _setting(parse_days, default, "DAYS", f"{sentence} 0: never.", serve=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values in force. Passed as an argument, never kept in a module."""

    data: str = _setting(
        parse_text, "./penfold-data", "DIR", "Where all mail and state is kept.", file=False
    )
    config: str = _setting(
        parse_text,
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
    workers: int = _setting(parse_count(WORKERS_MAX), 1, "N", "HTTP processes.")
    quota: str = _setting(
        parse_one_of(*TABLES, OFF),
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
    sending_price: str = _setting(
        parse_price,
        "0.28",
        "PRICE",
        "What a thousand recipients of the sending API cost; usage and budgets count by it.",
        serve=False,
    )
    sending_currency: str = _setting(
        parse_currency, "USD", "CODE", "The currency of that price.", serve=False
    )
    sending_track_details: str = _setting(
        parse_one_of("on", OFF),
        OFF,
        "on|off",
        "Whether the events `opened` and `clicked` keep the reader's network address and program.",
        serve=False,
    )
    rate_limits: tuple[str, ...] = _setting(
        parse_rates,
        (),
        "NAME=COUNT/PERIOD,…|off",
        "Limits on sign-in, tokens, calls and sending where they differ from docs/limits.md, such "
        "as sign-in-account=10/15m. [default: that table's in production mode, else none]",
        serve=False,
    )
    search_attachments: str = _setting(
        parse_one_of("on", OFF),
        "on",
        "on|off",
        "Whether a search finds the text in attachments; they are read in the background.",
        serve=False,
    )
    log_format: str = _setting(
        parse_one_of("text", "json"),
        "",
        "text|json",
        "The form of the log on standard error. [default: text on a terminal, else json]",
    )
    issuer: str = _setting(
        parse_url,
        "",
        "URL",
        "The issuer name in identity tokens, and where files for clients and links in mail lead. "
        "[default: https://HOSTNAME where http is open to others, else the server's own address]",
    )
    token_idle_days: int = _setting(
        parse_count(TOKEN_DAYS_MAX),
        REFRESH_IDLE_DAYS,
        "DAYS",
        "After how many days without use a refresh token dies.",
        serve=False,
    )
    token_testing_days: int = _setting(
        parse_count(TOKEN_DAYS_MAX),
        REFRESH_TESTING_DAYS,
        "DAYS",
        "After how many days refresh tokens of an application in testing die.",
        serve=False,
    )
    tokens_per_app: int = _setting(
        parse_count(GRANTS_SET_MAX),
        GRANTS_MAX,
        "N",
        "How many refresh tokens an application may have of one account; the oldest makes room.",
        serve=False,
    )
    password_ends_tokens: str = _setting(
        parse_one_of("yes", "no"),
        "yes",
        "yes|no",
        "Whether a new password ends the tokens of its account.",
        serve=False,
    )
    sign_in_issuer: str = _setting(
        parse_issuer,
        "",
        "URL",
        "An OpenID Connect provider whose people may sign in here by their address, as it names "
        "itself in its tokens; see docs/signing-in.md. [default: none]",
        serve=False,
    )
    sign_in_client_id: str = _setting(
        parse_text,
        "",
        "ID",
        "The client this server is registered as at that provider.",
        serve=False,
    )
    sign_in_client_secret: KeySource | None = _setting(
        parse_secret_source,
        None,
        "SOURCE",
        "Where the secret of that client is: file:PATH, env:NAME, or command:PROGRAM ARGUMENTS, "
        "which prints it.",
        serve=False,
    )
    sign_in_name: str = _setting(
        parse_text,
        "",
        "NAME",
        "What people call that provider: it stands on the sign-in page. [default: its host]",
        serve=False,
    )
    hostname: str = _setting(
        parse_hostname,
        LOCAL_DOMAIN,
        "NAME",
        "The name Penfold gives itself in SMTP and in certificates. In production mode it must "
        "be the name this machine has in the DNS.",
    )
    hosts: tuple[str, ...] = _setting(
        parse_hosts,
        (),
        "NAMES",
        "Names this server is asked for over HTTP, beside hostname and issuer. In production mode "
        "it answers to no other; in local mode only pages are kept from names it does not know.",
        serve=False,
    )
    trusted_proxies: tuple[str, ...] = _setting(
        parse_networks,
        (),
        "NETWORKS",
        "Reverse proxies whose X-Forwarded-For, -Proto and -Host are believed, such as "
        "127.0.0.1 or 10.0.0.0/8. They must set all three themselves.",
        serve=False,
    )
    tls_certificate: str = _setting(
        parse_path,
        "",
        "FILE",
        "Certificate for hostname with its chain, PEM; a new one is taken when the file changes. "
        "[default: one of Penfold's own authority, which nobody else knows]",
        serve=False,
    )
    tls_key: str = _setting(
        parse_path,
        "",
        "FILE",
        "The private key of tls_certificate, PEM. [default: in the same file]",
        serve=False,
    )
    acme_directory: str = _setting(
        parse_https_url,
        "",
        "URL",
        "ACME server to get the certificate from, such as "
        "https://acme-v02.api.letsencrypt.org/directory; naming it agrees to its terms.",
        serve=False,
    )
    acme_email: str = _setting(
        parse_email,
        "",
        "ADDRESS",
        "Where that server may write to when something is wrong.",
        serve=False,
    )
    acme_challenge: str = _setting(
        parse_one_of(*ACME_CHALLENGES),
        ACME_CHALLENGES[0],
        "|".join(ACME_CHALLENGES),
        "How it is shown that hostname is ours: over HTTP on port 80 or over TLS on port 443; "
        "that port must lead to the http listener.",
        serve=False,
    )
    acme_authorities: str = _setting(
        parse_path,
        "",
        "FILE",
        "Authorities by which the ACME server itself is verified, PEM. [default: the system's]",
        serve=False,
    )
    acme_mta_sts: str = _setting(
        parse_one_of("on", OFF),
        OFF,
        "on|off",
        "Whether the certificate is also for mta-sts.DOMAIN of each domain.",
        serve=False,
    )
    dns_servers: tuple[Endpoint, ...] = _setting(
        parse_resolvers,
        (),
        "ADDRESSES",
        "Resolvers to ask, used in production mode. [default: those of /etc/resolv.conf]",
        serve=False,
    )
    dns_trusted: str = _setting(
        parse_one_of("on", OFF),
        OFF,
        "on|off",
        "Whether those resolvers validate and the way to them is safe, as it is on this machine.",
        serve=False,
    )
    delivery_reach: str = _setting(
        parse_one_of(*REACHES),
        PUBLIC,
        "|".join(REACHES),
        "Where mail may be sent: to public addresses; to private networks too; or to this machine "
        "as well, for tests.",
        serve=False,
    )
    delivery_port: int = _setting(
        parse_port,
        25,
        "PORT",
        "The port of other mail servers; another than 25 is for tests.",
        serve=False,
    )
    delivery_families: str = _setting(
        parse_one_of("ipv4", "ipv6", "ipv4-first", "ipv6-first"),
        "ipv4-first",
        "ipv4|ipv6|ipv4-first|ipv6-first",
        "Which addresses of other mail servers are called, and which of them first.",
        serve=False,
    )
    delivery_authorities: str = _setting(
        parse_text,
        "",
        "FILE",
        "Certificates (PEM) of authorities that vouch for other mail servers under MTA-STS. "
        "[default: the system's]",
        serve=False,
    )
    verp: str = _setting(
        parse_one_of("on", OFF),
        OFF,
        "on|off",
        "Whether each message leaves with a return address of its own, to which its bounce comes "
        "back; used in production mode, and not with relays.",
        serve=False,
    )
    public_addresses: tuple[str, ...] = _setting(
        parse_addresses,
        (),
        "ADDRESSES",
        "IP addresses from which this server's mail reaches others, for `penfold domain check`. "
        "[default: those its hostname has in the DNS]",
        serve=False,
    )
    own_blocklists: tuple[str, ...] = _setting(
        parse_own_lists,
        OWN_BLOCKLISTS,
        "NAMES|off",
        "DNS blocklists on which `penfold domain check` looks for those addresses.",
        serve=False,
    )
    mta_sts_mode: str = _setting(
        parse_one_of("none", "testing", "enforce"),
        "none",
        "none|testing|enforce",
        "What the MTA-STS policy of our domains asks of servers that send here: testing has them "
        "report mail that could not come encrypted, enforce has them keep it.",
        serve=False,
    )
    mta_sts_max_age: int = _setting(
        parse_age,
        STS_AGE_S,
        "SECONDS",
        "How long those servers may go by a policy they have seen.",
        serve=False,
    )
    arrival_policy: tuple[str, ...] = _setting(
        parse_choices,
        (),
        "RULE=ACTION,…",
        "What is done about mail from the internet that breaks a rule, where it differs from "
        "docs/arrival.md; used in production mode.",
        serve=False,
    )
    arc_sealers: tuple[str, ...] = _setting(
        parse_names(ARC_SEALERS_MAX),
        (),
        "NAMES",
        "Domains of forwarders whose ARC seals are trusted; used in production mode.",
        serve=False,
    )
    blocklists: tuple[str, ...] = _setting(
        parse_names(BLOCKLISTS_MAX),
        (),
        "ZONES",
        "DNS blocklists of addresses to ask about clients; used in production mode.",
        serve=False,
    )
    greylisting: str = _setting(
        parse_one_of("on", OFF),
        OFF,
        "on|off",
        "Whether strangers are asked to come again after some minutes; used in production mode.",
        serve=False,
    )
    rspamd: str = _setting(
        parse_url,
        "",
        "URL",
        "An rspamd, such as http://127.0.0.1:11333, to ask about mail from the internet in "
        "production mode, and about emails that are looked at before they are sent.",
        serve=False,
    )
    relay: tuple[Relay, ...] = _setting(
        parse_relays,
        (),
        "TABLES",
        "Servers that take mail for other domains off our hands, as [[relay]] tables of "
        "penfold.toml. [default: none; mail goes to each domain's own servers]",
        serve=False,
    )
    seed: tuple[Seed, ...] = _setting(
        parse_seeds,
        (),
        "TABLES",
        "Mailboxes of yours at other providers that `penfold placement` sends to and looks into, "
        "as [[seed]] tables of penfold.toml. [default: none]",
        serve=False,
    )
    shapes: tuple[NamedShape, ...] = _setting(
        parse_shapes,
        (),
        "TABLES",
        "How much of each provider's servers is used at a time, as [shapes.PROVIDER] tables of "
        "penfold.toml. [default: figures that suit them]",
        serve=False,
    )
    master_key: KeySource = _setting(
        parse_key_source,
        DEFAULT_SOURCE,
        "SOURCE",
        "Where the key is that seals secrets in the databases: file:PATH, env:NAME, or "
        "command:PROGRAM ARGUMENTS, which prints it; see docs/data-protection.md.",
        serve=False,
    )
    metrics_token: str = _setting(
        parse_secret,
        "",
        "TOKEN",
        "Bearer token that lets other machines read /metrics; without it only this one may.",
        serve=False,
        secret=True,
    )
    otlp_endpoint: str = _setting(
        parse_url,
        "",
        "URL",
        "An OpenTelemetry collector to send traces to by OTLP over HTTP, such as "
        "http://127.0.0.1:4318; they hold no address, subject or secret.",
        serve=False,
    )
    otlp_sample: float = _setting(
        parse_share,
        1.0,
        "SHARE",
        "Share of the traces that are sent; a request that says it is traced always is.",
        serve=False,
    )
    reports_address: str = _setting(
        parse_email,
        "",
        "ADDRESS",
        "Where others send their reports (DMARC, TLS, complaints): mail for it is read and kept in "
        "short, see `penfold reports`; it needs no account. [default: nowhere]",
        serve=False,
    )
    trash_days: int = _kept(
        HIDDEN_DAYS, "After how many days a message in TRASH goes for good, as Gmail's do."
    )
    spam_days: int = _kept(
        HIDDEN_DAYS, "After how many days a message in SPAM goes for good, as Gmail's do."
    )
    queue_days: int = _kept(
        QUEUE_DAYS,
        "After how many days what is done goes from the queue, with its attempts; captured mail "
        "too.",
    )
    sending_days: int = _kept(
        SENDING_DAYS, "After how many days an event of the sending API goes; statistics stay."
    )
    reports_days: int = _kept(
        REPORTS_DAYS, "After how many days reports of others go, and what was counted of their TLS."
    )
    domains: tuple[str, ...] = _setting(
        parse_domains,
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

    def find_rates(self) -> Mapping[str, tuple[int, int]]:
        """Return count and seconds of each rate limit in force, by its name."""
        return find_rates(self.rate_limits, production=self.is_production)

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
