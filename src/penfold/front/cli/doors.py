"""What commands ask of the world. app/command/doors.py hands it in; commands open nothing
themselves.

The types are imported for who checks them: a server's process and most commands use few of them,
and loading all takes half a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from penfold.domain.access.accounts import Accounts
    from penfold.domain.access.identity import Identity
    from penfold.domain.account_export.run import AccountExporter
    from penfold.domain.dns_advice.row import Report
    from penfold.domain.health import Finding
    from penfold.domain.mailbox.exporting import Exporter
    from penfold.domain.mailbox.importing import Importer
    from penfold.domain.outgoing.domains import Domains
    from penfold.domain.sending.caller import Caller
    from penfold.domain.sending.domains import SendingDomains
    from penfold.domain.sending.keys import Keys
    from penfold.domain.sending.preflight.run import Preflight
    from penfold.domain.tracing.address import AddressTracer
    from penfold.domain.tracing.mail import MailTracer
    from penfold.domain.vitals import Sample
    from penfold.ports.api_client import ApiClient
    from penfold.ports.directory import Account
    from penfold.ports.erasing import Erasure
    from penfold.ports.faults import FaultBook
    from penfold.ports.mailbox import Mailboxes
    from penfold.ports.moving import Folder, Sink, Sources
    from penfold.ports.queue import Queue
    from penfold.ports.rendering import Renderer
    from penfold.ports.reports import ReportBook
    from penfold.ports.seeds import SeedMailbox
    from penfold.spec.key_source import KeySource

#: Prints one line of progress.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Value:
    """One setting as it is in force, ready to print: a secret is masked."""

    name: str
    value: str
    origin: str
    sentence: str


class Backup(Protocol):
    """A backup that was made: when, where it was put, whether something is there still."""

    @property
    def made_ms(self) -> int: ...
    @property
    def folder(self) -> str: ...
    @property
    def is_there(self) -> bool: ...


Backups = Sequence[Backup]


class DataTools(Protocol):
    """Care for a data directory as a whole. Each returns whether all is well."""

    def verify(self, data: Path, say: Say) -> bool: ...
    def backup(self, data: Path, target: Path, say: Say) -> bool: ...
    def restore(self, data: Path, source: Path, say: Say) -> bool: ...
    def reindex(self, data: Path, say: Say) -> bool: ...
    def rotate_key(self, data: Path, new: KeySource | None, say: Say) -> bool: ...


class TemplateTools(Protocol):
    """Folders of templates. load_file: at most so many octets of a file.

    save_folder: ParseError for what is no file of one. open_api: of a server, with the key in
    PENFOLD_API_KEY; ParseError without one.
    """

    def load_folder(self, folder: Path) -> Mapping[str, bytes]: ...
    def save_folder(self, folder: Path, files: Mapping[str, bytes]) -> None: ...
    def open_api(self, url: str) -> ApiClient: ...
    def load_file(self, path: Path, most: int) -> bytes: ...
    def open_renderer(self) -> AbstractContextManager[Renderer]: ...


@dataclass(frozen=True, slots=True)
class Moving:
    """What looks at mail, and moves it in and out.

    open_sink: a file to write, by name; "-" is standard output.
    """

    accounts: Accounts
    mailboxes: Mailboxes
    importer: Importer
    exporter: Exporter
    sources: Sources
    open_sink: Callable[[str], Sink]


@dataclass(frozen=True, slots=True)
class AccountExport:
    """What writes an account to a folder. get_account: by its address.

    open_folder: a new one; ConflictError when something is in it.
    """

    get_account: Callable[[str], Account]
    exporter: AccountExporter
    open_folder: Callable[[Path], Folder]


@dataclass(frozen=True, slots=True)
class QuotaView:
    """The limits in force; None: there is none. used(key, minute): units that were counted."""

    table: str | None
    user_units: int | None
    project_units: int | None
    in_flight: int | None
    messages: int | None
    recipients: int | None
    used: Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class Tracers:
    """What finds one mail, and the mail of an address. get_account: by its address."""

    get_account: Callable[[str], Account]
    mail: MailTracer
    address: AddressTracer


@dataclass(frozen=True, slots=True)
class SendingTools:
    """What looks after the sending API. find_account: by its address."""

    keys: Keys
    domains: SendingDomains
    find_account: Callable[[str], Account | None]


@dataclass(frozen=True, slots=True)
class PreflightTools:
    """What looks at emails before they are sent.

    make_caller: who calls for an account, by its address; "" for no account: every verified domain
    is fine then. NotFoundError.
    """

    preflight: Preflight
    make_caller: Callable[[str], Caller]


class Watch(Protocol):
    """Takes looks at a running server."""

    def take_sample(self) -> Sample: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Doors:
    """now_ms: the time. load_base_url: where the server answers, or last did.

    check_domain: look at the DNS of a domain of the data directory. load_credentials: the files
    of local mode by name. erase_account: remove one and wait until it is erased; told why it
    waits. list_backups: those that were made, the oldest first. load_values: settings for flags
    by name. examine: look for what is wrong with a data directory. wait: so many seconds. serve:
    run the server with these arguments and return the exit code.
    """

    now_ms: Callable[[], int]
    open_identity: Callable[[Path], AbstractContextManager[Identity]]
    open_domains: Callable[[Path], AbstractContextManager[Domains]]
    check_domain: Callable[[Path, str], Report]
    open_queue: Callable[[Path], AbstractContextManager[Queue]]
    erase_account: Callable[[Path, str, Say], Erasure]
    list_backups: Callable[[Path], Backups]
    open_reports: Callable[[Path], AbstractContextManager[ReportBook]]
    open_tracers: Callable[[Path], AbstractContextManager[Tracers]]
    open_sending: Callable[[Path], AbstractContextManager[SendingTools]]
    open_preflight: Callable[[Path], AbstractContextManager[PreflightTools]]
    open_seeds: Callable[[Path], Mapping[str, SeedMailbox]]
    open_faults: Callable[[Path], FaultBook]
    load_base_url: Callable[[Path], str]
    load_credentials: Callable[[Path], Mapping[str, bytes]]
    save_private: Callable[[Path, bytes], None]
    find_care: Callable[[], DataTools]
    find_templates: Callable[[], TemplateTools]
    open_moving: Callable[[Path], AbstractContextManager[Moving]]
    open_account_export: Callable[[Path], AbstractContextManager[AccountExport]]
    load_values: Callable[[Mapping[str, str]], Sequence[Value]]
    load_quota: Callable[[Path], QuotaView]
    examine: Callable[[Path], Iterator[Finding]]
    open_watch: Callable[[Path], Watch]
    wait: Callable[[float], None]
    serve: Callable[[Sequence[str]], int]
