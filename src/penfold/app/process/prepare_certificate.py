"""Have the certificate the settings ask for, before anything serves.

What is wrong with it ends the start, with one line about what has to be mended.
"""

from pathlib import Path

from penfold.app.exits import StartError
from penfold.app.tls.tls_files import (
    ACME,
    FOLDER,
    AcmeFiles,
    load_octets,
    load_operators,
    load_served,
    save_served,
)
from penfold.base.errors import ParseError
from penfold.domain.outgoing.renewal import shorten_wait
from penfold.net.acme import make_context
from penfold.proto.served_certificate import parse_served
from penfold.spec.settings import Settings


def prepare_serving(settings: Settings, *, now_ms: int) -> None:
    """Have a certificate to show, or raise StartError: one line about what has to be mended.

    Until an ACME server has given one it is that of Penfold's own authority, which must be there.
    """
    folder = Path(settings.data) / FOLDER
    if settings.tls_certificate:
        try:
            save_served(folder, load_operators(settings, now_ms=now_ms))
        except ParseError as error:
            raise StartError(f"tls_certificate: {error}") from error
    elif settings.acme_directory:
        _prepare_acme(settings, folder, now_ms=now_ms)


def _prepare_acme(settings: Settings, folder: Path, *, now_ms: int) -> None:
    files = AcmeFiles(folder)
    try:
        files.load_account()
    except ParseError as error:
        raise StartError(f"acme_directory: {error}") from error
    _check_authorities(settings.acme_authorities)
    plan = files.load_plan()
    if plan is not None:
        files.save_plan(shorten_wait(plan, now_ms=now_ms))
    served = load_served(folder / ACME, [settings.hostname], now_ms=now_ms)
    if served is None:
        chain, key = load_octets(folder / "server.pem"), load_octets(folder / "server.key")
        served = parse_served(chain, key, names=[settings.hostname], now_ms=now_ms)
    save_served(folder, served)
    for path in (folder / "challenges.json", *folder.glob("alpn-*.pem")):
        path.unlink(missing_ok=True)  # left by a server that was killed


def _check_authorities(path: str) -> None:
    if not path:
        return
    try:
        load_octets(Path(path))
        make_context(Path(path))
    except ParseError as error:
        raise StartError(f"acme_authorities: {error}") from error
    except OSError as error:
        raise StartError(f"acme_authorities: {path}: there is no certificate in it") from error
