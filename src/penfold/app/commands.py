"""Give the command line its doors to the world, run one command, and turn errors into one line."""

import contextlib
import os
import pwd
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

import apsw

from penfold.app.account_export import open_account_export
from penfold.app.care import Care
from penfold.app.config import find_key_source, load_settings
from penfold.app.datadir import FAULTS_NAME, enter_data_dir
from penfold.app.domain_check import check_domain
from penfold.app.erasing import erase_account
from penfold.app.exits import FAILED, WRONG_USE, StartError, stop_at_once
from penfold.app.logs import SystemClock
from penfold.app.moving import open_moving
from penfold.app.preflight import make_preflight, make_preflight_caller
from penfold.app.quota import load_quota
from penfold.app.renderer import ProcessRenderer
from penfold.app.reports import REPORTS_NAME
from penfold.app.seeds import open_seeds
from penfold.app.sending import make_domains as make_sending_domains
from penfold.app.sending import make_keys
from penfold.app.stores import (
    QUEUE_NAME,
    Stores,
    list_new,
    make_domains,
    make_identity,
    open_stores,
)
from penfold.app.template_tools import TemplateFiles
from penfold.app.watching import Watching
from penfold.base.acting import Actor, act
from penfold.base.errors import ParseError, PenfoldError
from penfold.domain.domains import Domains
from penfold.domain.identity import Identity
from penfold.domain.sending.workshop import Workshop
from penfold.domain.tracing.address import AddressTracer
from penfold.domain.tracing.mail import MailTracer
from penfold.front.cli.doors import Doors, PreflightTools, Say, SendingTools, Tracers, Value
from penfold.front.cli.output import WrongUseError
from penfold.front.cli.tree import build_cli
from penfold.ports.erasing import Erasure
from penfold.ports.queue import Queue
from penfold.ports.reports import ReportBook
from penfold.ports.seeds import SeedMailbox
from penfold.spec.key_source import KeySource
from penfold.spec.relays import Relay
from penfold.spec.seeds import Seed
from penfold.spec.settings import SETTINGS
from penfold.spec.shapes import NamedShape
from penfold.store.backup_log import list_backups
from penfold.store.credentials import load_files
from penfold.store.durable import write_file
from penfold.store.faults import FileFaults
from penfold.store.sqlite.queue import SqliteQueue
from penfold.store.sqlite.reports import SqliteReports

_MASK: Final = "********"
#: What to do next, by what went wrong.
_HINTS: Final = {
    "no such account": "; `penfold user list` shows who is here",
    "a listing took too long": "; a date, a sender or a label makes it shorter",
    "no such client": "; `penfold app list` shows them",
    "the domain is there already": "; `penfold domain check` shows its DNS",
    "malformed domain": "; one looks like example.org",
    "no such domain": "; `penfold domain list` shows them",
    "the domain has accounts": "; `penfold user list` shows them",
    "new keys of the domain wait already": "; `penfold domain check` looks for their records",
    "no such key waits": "; `penfold domain keys` shows them",
    "no mail waits for this domain": "; `penfold queue destinations` shows those it waits for",
    "no such queue row": "; `penfold queue list` shows them",
    "the domain is not one of ours": "; `penfold domain list` shows which are",
    "no such alias": "; `penfold alias list` shows them",
    "the address is an alias": "; `penfold alias remove` makes it free",
    "the alias leads to too many accounts": "; a mailing list server is for that",
    "not an address an alias can have": "; one looks like sales@example.org or *@example.org",
    "address without local part or domain": "; one looks like kim@penfold.test",
    "the account is there already": "; `penfold user password` changes its password",
    "only a message that waits or failed can be retried": "; `penfold queue show` tells its state",
    "the message is being tried at this moment": "; `penfold queue show` tells how that ended",
    "only a message that waits can be cancelled": "; `penfold queue show` tells its state",
    "the service account is there already": "; choose another name",
    "no such role": "; one of admin, auditor, user",
    "no such report": "; `penfold reports list` shows them",
    "no such problem": "; `penfold fault problems` lists them",
    "no such method": "; `penfold api coverage` lists them",
    "no such API key": "; `penfold sending key list` shows them",
    "the API key is revoked": "; `penfold sending key add` makes a new one",
    "a web client needs a redirect address": "; name it with --redirect-uri URI",
}


def run_command(arguments: Sequence[str]) -> int:
    """Run `penfold ARGUMENTS` and return the exit code."""
    cli = build_cli(_make_doors())
    try:
        with act(_operator()):
            cli(args=list(arguments), prog_name="penfold", standalone_mode=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except (WrongUseError, ParseError) as error:
        return _fail(_explain(error), WRONG_USE)
    except StartError as error:
        return _fail(str(error), error.code)
    except PenfoldError as error:
        return _fail(_explain(error), FAILED)
    except OSError as error:
        return _fail(
            f"{error.filename}: {error.strerror}" if error.filename else str(error), WRONG_USE
        )
    except apsw.Error as error:
        return _fail(f"{type(error).__name__}: {error}; `penfold data verify` looks closer", FAILED)
    return 0


def _operator() -> Actor:
    """Return who typed the command, for the audit log."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = ""
    return Actor(f"operator {uid} {name}".rstrip(), "command line")


def _fail(text: str, code: int) -> int:
    sys.stderr.write(f"penfold: {text}\n")
    return code


def _explain(error: PenfoldError) -> str:
    facts = ", ".join(str(value) for value in error.facts.values())
    hint = _HINTS.get(str(error), "")
    return (f"{error}: {facts}" if facts else str(error)) + hint


def _make_doors() -> Doors:
    from penfold.app.checkup.run import examine  # noqa: PLC0415 - what one command needs
    from penfold.app.main import serve_command  # noqa: PLC0415 - main imports this module

    return Doors(
        now_ms=SystemClock().now_ms,
        open_identity=open_identity,
        open_domains=open_domains,
        check_domain=check_domain,
        open_queue=open_queue,
        erase_account=_erase_account,
        list_backups=list_backups,
        open_reports=open_reports,
        open_tracers=open_tracers,
        open_sending=open_sending,
        open_preflight=open_preflight,
        open_seeds=_open_seeds,
        open_faults=open_faults,
        load_base_url=load_base_url,
        load_credentials=lambda data: load_files(data / "credentials"),
        save_private=write_file,
        data=Care(),
        templates=TemplateFiles(),
        open_moving=open_moving,
        open_account_export=open_account_export,
        load_values=load_values,
        load_quota=load_quota,
        examine=lambda data: examine(data, SystemClock().now_ms()),
        open_watch=Watching,
        wait=time.sleep,
        serve=serve_command,
    )


@contextlib.contextmanager
def _open_all(data: Path) -> Iterator[Stores]:
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
def open_identity(data: Path) -> Iterator[Identity]:
    settings = load_settings({"data": str(data)}, os.environ).settings
    with _open_all(data) as stores:
        yield make_identity(stores, settings)


@contextlib.contextmanager
def open_domains(data: Path) -> Iterator[Domains]:
    with _open_all(data) as stores:
        yield make_domains(stores)


@contextlib.contextmanager
def open_tracers(data: Path) -> Iterator[Tracers]:
    with _open_all(data) as stores:
        ports = (stores.directory, stores.mailboxes, stores.queue)
        accounts = make_identity(stores).accounts
        yield Tracers(accounts.get, MailTracer(*ports), AddressTracer(*ports))


@contextlib.contextmanager
def open_sending(data: Path) -> Iterator[SendingTools]:
    settings = load_settings({"data": str(data)}, os.environ).settings
    with _open_all(data) as stores:
        yield SendingTools(
            make_keys(stores), make_sending_domains(stores, settings), stores.directory.find_account
        )


@contextlib.contextmanager
def open_preflight(data: Path) -> Iterator[PreflightTools]:
    settings = load_settings({"data": str(data)}, os.environ).settings
    workshop = Workshop(ProcessRenderer(1))
    with _open_all(data) as stores, contextlib.closing(workshop):
        preflight = make_preflight(stores, settings, workshop)
        yield PreflightTools(preflight, partial(make_preflight_caller, stores))


def _open_seeds(data: Path) -> Mapping[str, SeedMailbox]:
    enter_data_dir(data)
    return open_seeds(load_settings({"data": str(data)}, os.environ).settings, SystemClock())


def _erase_account(data: Path, address: str, say: Say) -> Erasure:
    enter_data_dir(data)
    return erase_account(data, address, say)


def open_queue(data: Path) -> AbstractContextManager[Queue]:
    enter_data_dir(data)
    return contextlib.closing(SqliteQueue(data / QUEUE_NAME, create=False))


def open_reports(data: Path) -> AbstractContextManager[ReportBook]:
    enter_data_dir(data)
    return contextlib.closing(SqliteReports(data / REPORTS_NAME))


def open_faults(data: Path) -> FileFaults:
    enter_data_dir(data)
    return FileFaults(data / "run" / FAULTS_NAME)


def load_base_url(data: Path) -> str:
    """Return where others reach the server, as its last start noted it."""
    enter_data_dir(data)
    try:
        return (data / "run" / "address").read_text().strip()
    except OSError:
        raise StartError(f"no server has run on {data} yet; start `penfold serve`") from None


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
