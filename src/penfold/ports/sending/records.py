"""What is set up once and read often: keys, webhooks, templates, streams, domains.

One frozen struct is one record; its first field is its id, `account_id` its owner. An id from
outside is only ever looked up together with the owner.
"""

import hashlib
from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

from msgspec import Struct

from penfold.base.priority import Priority
from penfold.ports.identity import DkimKey

R = TypeVar("R", bound=Struct)

#: The owner of what every account may use: domains an operator adds for all.
INSTALLATION: Final = ""


class ApiKey(Struct, frozen=True):
    """Who may call. scopes: as in spec.sending.scopes; domains, streams, networks: () for any.

    test: its mail is simulated. Times in epoch ms, 0 for never.
    """

    id: str
    account_id: str
    name: str
    created_ms: int
    test: bool = False
    scopes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    expires_ms: int = 0
    revoked_ms: int = 0


class ApiSecret(Struct, frozen=True):
    """A secret of a key; while it is rotated there are two. id: SHA-256 of the secret, in hex."""

    id: str
    account_id: str
    key_id: str
    last4: str
    created_ms: int
    expires_ms: int = 0
    used_ms: int = 0


class Webhook(Struct, frozen=True):
    """Where events are told. events: kinds, () for all.

    secrets: sealed, in base64, the newest first; rotated_ms: since when the newest one is there,
    0 while there is one. failing_ms: since when no delivery succeeded; disabled_ms: when it was
    turned off, and why. untold: its owner has not been told of that yet.
    """

    id: str
    account_id: str
    url: str
    created_ms: int
    events: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    failing_ms: int = 0
    disabled_ms: int = 0
    why: str = ""
    rotated_ms: int = 0
    untold: bool = False


class Template(Struct, frozen=True):
    """A name under which versions are published. published, latest: numbers, 0 for none yet.

    weights: (version, weight) while several are compared; () for `published` alone.
    """

    id: str
    account_id: str
    alias: str
    name: str
    created_ms: int
    updated_ms: int = 0
    published: int = 0
    latest: int = 0
    weights: tuple[tuple[int, int], ...] = ()


class TemplateVersion(Struct, frozen=True):
    """One version, never changed: what is asked before a mail is accepted.

    id: `version_id` of its template and number. schema: JSON Schema of its variables, as
    compiled. on_missing: error or blank. streams: that may send it, () for all.
    """

    id: str
    account_id: str
    template_id: str
    number: int
    created_ms: int
    key_id: str = ""
    note: str = ""
    schema: dict[str, Any] = {}
    on_missing: str = "error"
    streams: tuple[str, ...] = ()


class TemplateBody(Struct, frozen=True):
    """What a version is made of, apart from it because it may have a megabyte. id: as the version.

    packed: source, layout, partials and what they were compiled to (domain/sending).
    """

    id: str
    account_id: str
    template_id: str
    packed: bytes
    created_ms: int


class TemplatePart(Struct, frozen=True):
    """A layout or partial that new versions are made with. kind: layout or partial.

    source: its parts (html, mjml, text), as JSON.
    """

    id: str
    account_id: str
    kind: str
    name: str
    source: str
    created_ms: int


class SendingDomain(Struct, frozen=True):
    """A domain mail may come from, of one account or of the INSTALLATION.

    id: `domain_id` of the name, so that nobody else has it. state: pending, verified, or failed
    when it was verified and its DNS has been wrong for long. token: what its owner publishes.
    return_path, tracking: names below it that point here. keys: sign its mail, as those of the
    directory's domains. checks: what DNS said last, by name of the record. failing_ms: since when
    a record that mail needs is wrong.
    """

    id: str
    account_id: str
    name: str
    created_ms: int
    state: str = "pending"
    token: str = ""
    return_path: str = ""
    tracking: str = ""
    keys: tuple[DkimKey, ...] = ()
    checks: dict[str, str] = {}
    checked_ms: int = 0
    verified_ms: int = 0
    failing_ms: int = 0


class Stream(Struct, frozen=True):
    """A kind of mail with its own reputation, suppressions and rules. kind: transactional or
    broadcast. ttl_s: how long a mail is worth delivering, 0 for as long as the queue tries.

    priority: which leaves first. unsubscribe: its mail says how to get no more of it. per_hour:
    recipients, 0 for no limit. warmup_ms: since when more is sent day by day, 0 for not. paced_ms:
    when there is room again.
    """

    id: str
    account_id: str
    name: str
    created_ms: int
    kind: str = "transactional"
    ttl_s: int = 0
    opens: bool = False
    clicks: bool = False
    unsubscribe: bool = False
    priority: Priority = Priority.NORMAL
    per_hour: int = 0
    warmup_ms: int = 0
    paced_ms: int = 0


def domain_id(name: str) -> str:
    """Return the id of a sending domain: its name, digested, as nobody else's may be it."""
    return hashlib.sha256(b"penfold sending domain " + name.encode()).hexdigest()[:32]


def version_id(template_id: str, number: int) -> str:
    return f"{template_id}:{number}"


class Rule(Struct, frozen=True):
    """How a kind of record is kept. word: what no two of one owner share; parent: what it is of."""

    name: str
    word: Callable[[Any], str | None] = lambda _: None
    parent: Callable[[Any], str] = lambda _: ""


RULES: Final[Mapping[type[Struct], Rule]] = MappingProxyType({
    ApiKey: Rule("api_key"),
    ApiSecret: Rule("api_secret", parent=lambda one: one.key_id),
    Webhook: Rule("webhook"),
    Template: Rule("template", word=lambda one: one.alias),
    TemplateVersion: Rule("template_version", parent=lambda one: one.template_id),
    TemplateBody: Rule("template_body", parent=lambda one: one.template_id),
    TemplatePart: Rule("template_part", word=lambda one: f"{one.kind} {one.name}"),
    SendingDomain: Rule("sending_domain", word=lambda one: one.name),
    Stream: Rule("stream", word=lambda one: one.name),
})  # fmt: skip


class RecordReader(Protocol):
    def find(self, kind: type[R], key: str, account_id: str) -> R | None:
        """Return the record if it belongs to that account."""
        ...

    def find_unowned(self, kind: type[R], key: str) -> R | None:
        """Return a record whoever it belongs to; never for an id from outside, but a digest."""
        ...

    def find_word(self, kind: type[R], word: str, account_id: str) -> R | None:
        """Return the account's record with this alias or name."""
        ...

    def list_records(
        self, kind: type[R], account_id: str, *, parent: Hashable = None, limit: int
    ) -> list[R]:
        """Return an account's records, of a parent if one is named, the oldest first."""
        ...

    def list_everywhere(self, kind: type[R], *, after: str = "", limit: int) -> list[R]:
        """Return records of all accounts by id, those behind `after`; for work of our own."""
        ...


class RecordWriter(RecordReader, Protocol):
    def add(self, record: Struct) -> None:
        """Store a new record; ConflictError when its id or word is taken."""
        ...

    def replace(self, record: Struct) -> None:
        """Store a record's new state; NotFoundError unless its account has it."""
        ...

    def delete(self, kind: type[Struct], key: str, account_id: str) -> bool:
        """Remove a record and what it is parent of; return whether it was there."""
        ...
