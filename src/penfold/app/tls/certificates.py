"""The certificate in use, kept alive by the mail process: new from files or an ACME server.

What it brings goes through the file that every serving process follows (app/tls/serving_tls.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from penfold.app.process.process import Core
from penfold.app.tls.tls_files import (
    FOLDER,
    find_serving,
    load_octets,
    load_operators,
    look_at_operators,
    save_served,
)
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import ParseError
from penfold.base.limits import TLS_LOOK_S
from penfold.front.worker.certificates import AcmeRenewal, FileRenewal, InUse
from penfold.front.worker.tasks import Task
from penfold.proto.served_certificate import Served, parse_served
from penfold.spec.metrics import CERTIFICATE_SECONDS
from penfold.spec.settings import Settings

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class CertificateCare:
    """tasks: for the mail process. count: sets the gauge."""

    tasks: Sequence[Task]
    count: Callable[[], None]


def make_certificate_care(core: Core, chance: Chance) -> CertificateCare:
    """Return what keeps the certificate in use alive."""
    settings = core.launch.settings
    folder = Path(settings.data) / FOLDER
    in_use = InUse(_load_in_use(settings, core.clock), core.clock, core.log)
    tasks = [Task("certificate-end", in_use.warn, first_s=1.0, every_s=_HOUR_S)]
    if settings.tls_certificate:
        renewal = FileRenewal(
            look=partial(look_at_operators, settings),
            load=lambda: load_operators(settings, now_ms=core.clock.now_ms()),
            install=partial(save_served, folder),
            in_use=in_use,
            clock=core.clock,
            log=core.log,
        )
        tasks.append(Task("certificate", renewal.run, first_s=0.0, every_s=TLS_LOOK_S))
    elif settings.acme_directory:
        # Loaded for who needs it.
        from penfold.app.tls.acme_issuer import AcmeIssuer  # noqa: PLC0415 - see above

        issuer = AcmeIssuer(settings, core.clock)
        acme = AcmeRenewal(issuer, in_use, core.clock, chance, core.log)
        tasks.append(Task("certificate", acme.run, first_s=TLS_LOOK_S, every_s=TLS_LOOK_S))
    return CertificateCare(tasks, partial(_count, core, in_use))


def _load_in_use(settings: Settings, clock: Clock) -> Served | None:
    certificate, key = find_serving(settings)
    try:
        chain, secret = load_octets(certificate), load_octets(key or certificate)
        return parse_served(chain, secret, names=(), now_ms=clock.now_ms())
    except ParseError:
        return None


def _count(core: Core, in_use: InUse) -> None:
    core.counters.put(CERTIFICATE_SECONDS, in_use.remaining_s())
