"""The doors to the world that commands are given. Each loads what it opens when it is called."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from penfold.app.command.serve_command import serve_command
from penfold.app.config import find_key_source, load_settings
from penfold.app.datadir import FAULTS_NAME, enter_data_dir
from penfold.app.exits import StartError, stop_at_once
from penfold.app.monitor.logs import SystemClock
from penfold.front.cli.doors import (
    AccountExport,
    Backups,
    DataTools,
    Doors,
    Moving,
    PreflightTools,
    QuotaView,
    Say,
    SendingTools,
    TemplateTools,
    Tracers,
    Value,
    Watch,
)
from penfold.spec.key_source import KeySource
from penfold.spec.relays import Relay
from penfold.spec.seeds import Seed
from penfold.spec.settings import SETTINGS
from penfold.spec.shapes import NamedShape

if TYPE_CHECKING:
    from penfold.app.stores import Stores
    from penfold.domain.access.identity import Identity
    from penfold.domain.dns_advice.row import Report
    from penfold.domain.health import Finding
    from penfold.domain.outgoing.domains import Domains
    from penfold.ports.erasing import Erasure
    from penfold.ports.faults import FaultBook
    from penfold.ports.queue import Queue
    from penfold.ports.reports import ReportBook
    from penfold.ports.seeds import SeedMailbox

_MASK: Final = "********"


def make_doors() -> Doors:
    return Doors(
        now_ms=SystemClock().now_ms,
        open_identity=open_identity,
        open_domains=open_domains,
        check_domain=check_domain,
        open_queue=open_queue,
        erase_account=erase_account,
        list_backups=list_backups,
        open_reports=open_reports,
        open_tracers=open_tracers,
        open_sending=open_sending,
        open_preflight=open_preflight,
        open_seeds=open_seeds,
        open_faults=open_faults,
        load_base_url=load_base_url,
        load_credentials=load_credentials,
        save_private=save_private,
        find_care=find_care,
        find_templates=find_templates,
        open_moving=open_moving,
        open_account_export=open_account_export,
        load_values=load_values,
        load_quota=load_quota,
        examine=examine,
        open_watch=open_watch,
        wait=time.sleep,
        serve=serve_command,
    )


@contextlib.contextmanager
def _open_all(data: Path) -> "Iterator[Stores]":
    from penfold.app.stores import list_new, open_stores

    enter_data_dir(data)
    stores = open_stores(
        data,
        clock=SystemClock(),
        fatal=stop_at_once,
        create=list_new(data),
        master_key=find_key_source(data),
    )
    try:
        yield stores
    finally:
        stores.close()


@contextlib.contextmanager
def open_identity(data: Path) -> "Iterator[Identity]":
    from penfold.app.stores import make_identity

    settings = load_settings({"data": str(data)}, os.environ).settings
    with _open_all(data) as stores:
        yield make_identity(stores, settings)


@contextlib.contextmanager
def open_domains(data: Path) -> "Iterator[Domains]":
    from penfold.app.stores import make_domains

    with _open_all(data) as stores:
        yield make_domains(stores)


def check_domain(data: Path, name: str) -> "Report":
    from penfold.app.command import domain_check

    return domain_check.check_domain(data, name)


@contextlib.contextmanager
def open_tracers(data: Path) -> Iterator[Tracers]:
    from penfold.app.stores import make_identity
    from penfold.domain.tracing.address import AddressTracer
    from penfold.domain.tracing.mail import MailTracer

    with _open_all(data) as stores:
        ports = (stores.directory, stores.mailboxes, stores.queue)
        accounts = make_identity(stores).accounts
        yield Tracers(accounts.get, MailTracer(*ports), AddressTracer(*ports))


@contextlib.contextmanager
def open_sending(data: Path) -> Iterator[SendingTools]:
    from penfold.app.mail.sending import make_domains, make_keys

    settings = load_settings({"data": str(data)}, os.environ).settings
    with _open_all(data) as stores:
        yield SendingTools(
            make_keys(stores), make_domains(stores, settings), stores.directory.find_account
        )


@contextlib.contextmanager
def open_preflight(data: Path) -> Iterator[PreflightTools]:
    from penfold.app.mail.preflight import make_preflight, make_preflight_caller
    from penfold.app.process.launch import find_public_url
    from penfold.app.process.renderer import ProcessRenderer
    from penfold.domain.sending.workshop import Workshop

    settings = load_settings({"data": str(data)}, os.environ).settings
    workshop = Workshop(ProcessRenderer(1))
    with _open_all(data) as stores, contextlib.closing(workshop):
        public_url = find_public_url(settings, settings.http)
        preflight = make_preflight(stores, settings, workshop, public_url=public_url)
        yield PreflightTools(preflight, partial(make_preflight_caller, stores))


def open_seeds(data: Path) -> "Mapping[str, SeedMailbox]":
    from penfold.app.command import seeds

    enter_data_dir(data)
    return seeds.open_seeds(load_settings({"data": str(data)}, os.environ).settings, SystemClock())


def erase_account(data: Path, address: str, say: Say) -> "Erasure":
    from penfold.app.command import erasing

    enter_data_dir(data)
    return erasing.erase_account(data, address, say)


def list_backups(data: Path) -> Backups:
    from penfold.store import backup_log

    return backup_log.list_backups(data)


def open_queue(data: Path) -> "AbstractContextManager[Queue]":
    from penfold.app.stores import QUEUE_NAME
    from penfold.store.sqlite.queue import SqliteQueue

    enter_data_dir(data)
    return contextlib.closing(SqliteQueue(data / QUEUE_NAME, create=False))


def open_reports(data: Path) -> "AbstractContextManager[ReportBook]":
    from penfold.app.mail.reports import REPORTS_NAME
    from penfold.store.sqlite.reports import SqliteReports

    enter_data_dir(data)
    return contextlib.closing(SqliteReports(data / REPORTS_NAME))


def open_faults(data: Path) -> "FaultBook":
    from penfold.store.faults import FileFaults

    enter_data_dir(data)
    return FileFaults(data / "run" / FAULTS_NAME)


def load_base_url(data: Path) -> str:
    """Return where others reach the server, as its last start noted it."""
    enter_data_dir(data)
    try:
        return (data / "run" / "address").read_text().strip()
    except OSError:
        raise StartError(f"no server has run on {data} yet; start `penfold serve`") from None


def load_credentials(data: Path) -> Mapping[str, bytes]:
    from penfold.store.credentials import load_files

    return load_files(data / "credentials")


def save_private(path: Path, octets: bytes) -> None:
    from penfold.store.durable import write_file

    write_file(path, octets)


def find_care() -> DataTools:
    from penfold.app.command.care import Care

    return Care()


def find_templates() -> TemplateTools:
    from penfold.app.command.template_tools import TemplateFiles

    return TemplateFiles()


def open_moving(data: Path) -> AbstractContextManager[Moving]:
    from penfold.app.command import moving

    return moving.open_moving(data)


def open_account_export(data: Path) -> AbstractContextManager[AccountExport]:
    from penfold.app.command import account_export

    return account_export.open_account_export(data)


def load_quota(data: Path) -> QuotaView:
    from penfold.app import quota

    return quota.load_quota(data)


def examine(data: Path) -> "Iterator[Finding]":
    from penfold.app.checkup import run

    return run.examine(data, SystemClock().now_ms())


def open_watch(data: Path) -> Watch:
    from penfold.app.command.watching import Watching

    return Watching(data)


def _show_value(value: object) -> str:
    """Return a setting's value as a person reads it; an Endpoint is a tuple that prints itself."""
    if isinstance(value, KeySource):
        return value.shown
    if type(value) is not tuple:
        return str(value)
    tables = any(isinstance(each, Relay | Seed | NamedShape) for each in value)
    return ("; " if tables else ", ").join(map(str, value))


def load_values(flags: Mapping[str, str]) -> list[Value]:
    resolved = load_settings(flags, os.environ)
    values = []
    for setting in SETTINGS:
        value = getattr(resolved.settings, setting.name)
        shown = _show_value(value)
        values.append(
            Value(
                name=setting.name,
                value=_MASK if setting.secret and value else shown,
                origin=resolved.origins[setting.name],
                sentence=setting.sentence,
            )
        )
    return values
