"""Make the data directory ready for this release, then end: certificates, databases, local mode.

A process of its own, so that the supervisor never loads the store or a certificate builder. It
runs at every start, and every step looks first: nothing that is whole is made again, so
being killed in the middle costs nothing but the next start's time. Credentials files are
rewritten, because the addresses in them follow the listeners.
"""

import sys
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

import apsw

from penfold.app.addresses import save_addresses
from penfold.app.config import CONFIG_NAME
from penfold.app.datadir import check_schema, save_schema
from penfold.app.exits import FAILED, WRONG_USE, StartError
from penfold.app.master_key import bind_master_key
from penfold.app.monitor.logs import LineLog, SystemClock
from penfold.app.process.launch import Channel, Launch
from penfold.app.quota import save_quota
from penfold.app.stores import (
    DIRECTORY_NAME,
    Stores,
    known_schema,
    make_domains,
    make_identity,
    open_stores,
)
from penfold.base.errors import NewerDataError, ParseError, UnavailableError
from penfold.domain.access import local_mode
from penfold.domain.access.identity import Identity
from penfold.domain.access.resealing import seal_signing_keys
from penfold.domain.outgoing.domains import Domains
from penfold.net.certificates import (
    LOCAL_NAMES,
    Pair,
    is_authority_current,
    is_current,
    make_authority,
    make_server_certificate,
)
from penfold.ports.events import EventLog
from penfold.spec.events import CERTIFICATE_UNKNOWN, FILES_OPEN, KEY_OPEN, PREPARED
from penfold.spec.key_source import COMMAND
from penfold.spec.settings import GOOGLE_HOSTS
from penfold.store.credentials import load_files
from penfold.store.durable import write_file
from penfold.store.modes import is_open_to_all, make_private
from penfold.store.sqlite.scrub import scrub


def run(launch: Launch, channel: Channel) -> None:
    began = time.monotonic()
    form = launch.settings.log_format or ("text" if sys.stderr.isatty() else "json")
    clock = SystemClock()
    log = LineLog(2, form=form, process="prepare", clock=clock)
    prepare_modes(launch, log)
    known = known_schema()
    new = check_schema(launch.data, known)
    prepare_certificate(launch, log, now_ms=clock.now_ms())
    prepare_provider(launch)
    prepare_store(launch, clock, create=new)
    save_schema(launch.data, known)
    reached = launch.public_url if launch.settings.is_production else launch.base_url
    write_file(launch.data / "run" / "address", reached.encode() + b"\n")
    save_addresses(launch.data, launch.addresses)
    save_quota(launch.data / "run", launch.settings)
    log.emit(PREPARED, created=new == known.keys(), ms=round((time.monotonic() - began) * 1000))
    channel.say_ready()


def prepare_modes(launch: Launch, log: EventLog) -> None:
    """Have nothing that others may read; penfold.toml is the operator's, and holds no key."""
    try:
        found = make_private(launch.data, passed_over=frozenset({CONFIG_NAME}))
    except OSError as error:
        raise StartError(
            f"{error.filename}: others may read it, and it is not ours to change "
            f"({error.strerror}); give it to the user Penfold runs as"
        ) from None
    if found:
        log.emit(FILES_OPEN, path=str(launch.data / found[0]), count=len(found))
    key = launch.settings.tls_key or launch.settings.tls_certificate
    if key and is_open_to_all(Path(key)):
        log.emit(KEY_OPEN, path=key)


def prepare_certificate(launch: Launch, log: EventLog, *, now_ms: int) -> None:
    """Have a certificate of our own, and the one that the settings name."""
    prepare_tls(launch.data / "tls", names_of(launch), now_ms=now_ms)
    if launch.settings.names_certificate:
        # Loaded for who needs it: the others' start need not wait for a client of ACME.
        from penfold.app.process.prepare_certificate import prepare_serving  # noqa: PLC0415 - see above

        prepare_serving(launch.settings, now_ms=now_ms)
    elif launch.settings.is_production:
        log.emit(CERTIFICATE_UNKNOWN, hostname=launch.settings.hostname)


def prepare_provider(launch: Launch) -> None:
    """See that the secret for the provider of sign-ins is there."""
    if launch.settings.sign_in_issuer:
        from penfold.app.sign_in_provider import check_client_secret  # noqa: PLC0415 - as above

        check_client_secret(launch.settings)


def names_of(launch: Launch) -> tuple[str, ...]:
    """Return every name a client may have reached this server by, each once."""
    own = launch.settings.hostname
    if launch.settings.is_production:
        return own, *LOCAL_NAMES
    hosts = (endpoint.host for endpoint in launch.addresses.values())
    return tuple(dict.fromkeys((*LOCAL_NAMES, own, *hosts, *GOOGLE_HOSTS)))


def prepare_tls(folder: Path, names: tuple[str, ...], *, now_ms: int) -> None:
    """Make or renew what is missing, damaged, near its end or lacks a name."""
    authority = _load_pair(folder, "ca")
    if not is_authority_current(authority, now_ms=now_ms):
        authority = make_authority(now_ms=now_ms)
        _save_pair(folder, "ca", authority)
    if not is_current(_load_pair(folder, "server"), authority, names, now_ms=now_ms):
        _save_pair(folder, "server", make_server_certificate(authority, names, now_ms=now_ms))


def prepare_store(launch: Launch, clock: SystemClock, *, create: Collection[str]) -> None:
    """Bring the databases to this release's shape and set up the mode the settings ask for."""
    try:
        stores = open_stores(
            launch.data,
            clock=clock,
            fatal=_fail,
            create=create,
            master_key=launch.settings.master_key,
        )
    except apsw.Error as error:
        raise StartError(
            f"{launch.data}: a database cannot be opened ({error}); "
            "`penfold data restore DIR` brings back a backup",
            code=FAILED,  # the disk may be full, or not be there yet: what starts us tries again
        ) from error
    except (UnavailableError, NewerDataError) as error:
        raise StartError(f"{launch.data}: {error} {error.facts or ''}".rstrip()) from error
    try:
        bind_master_key(launch.settings.master_key, launch.data, stores.directory)
        prepare_secrets(launch.data, stores)
        folder = launch.data / "credentials"
        if launch.settings.is_production:
            prepare_domains(make_domains(stores), launch.settings.domains)
            prepare_production(make_identity(stores), folder, launch)
        else:
            prepare_local_mode(make_identity(stores), folder, base=launch.base_url)
    except UnavailableError as error:
        # A store of keys may not be reachable yet: what starts us tries again.
        elsewhere = launch.settings.master_key.kind == COMMAND
        code = FAILED if elsewhere else WRONG_USE
        raise StartError(f"{launch.data}: {error}", code=code) from error
    finally:
        stores.close()


def prepare_secrets(data: Path, stores: Stores) -> None:
    """Leave no private key in clear that the first release kept so."""
    if stores.directory.change(partial(seal_signing_keys, sealer=stores.sealer)):
        scrub(data / DIRECTORY_NAME)


def prepare_local_mode(identity: Identity, folder: Path, *, base: str) -> None:
    """Make what is missing and write the credentials files for a server reached at `base`."""
    files = load_files(folder)
    secrets = local_mode.set_up(identity, local_mode.parse(files))
    _save_changed(folder, files, local_mode.render(secrets, base=base))


def prepare_domains(domains: Domains, names: Sequence[str]) -> None:
    """Serve the domains of the settings too; each has keys to sign with."""
    served = {domain.name: domain for domain in domains.list_domains()}
    for name in names:
        if name in served:
            domains.ensure_keys(served[name])
            continue
        try:
            domains.add(name)
        except ParseError as error:
            raise StartError(
                f"domains: {name!r}: {error}; a domain looks like example.org"
            ) from None


def prepare_production(identity: Identity, folder: Path, launch: Launch) -> None:
    """Have an application to issue tokens for."""
    files = load_files(folder)
    new = local_mode.ensure_client(identity, local_mode.parse(files))
    base = launch.public_url
    _save_changed(folder, files, local_mode.render_client(new.client.id, new.secret, base=base))


def _save_changed(folder: Path, old: Mapping[str, bytes], files: Mapping[str, bytes]) -> None:
    for name, octets in files.items():
        if old.get(name) != octets:
            write_file(folder / name, octets)


def _load_pair(folder: Path, name: str) -> Pair:
    octets = [
        path.read_bytes() if path.exists() else b""
        for path in (folder / f"{name}.pem", folder / f"{name}.key")
    ]
    return Pair(*octets)


def _save_pair(folder: Path, name: str, pair: Pair) -> None:
    # Killed in between: key and certificate do not fit, which the next start notices.
    write_file(folder / f"{name}.key", pair.key)
    write_file(folder / f"{name}.pem", pair.certificate)


def _fail(error: BaseException) -> None:
    raise StartError(f"the data directory cannot be written: {error}")
