"""Look again, in production mode, at the DNS of sending domains, and log what it changed."""

import threading
from collections.abc import Callable

from penfold.app.mail.sending import make_domains
from penfold.app.process.process import Core
from penfold.app.wiring import Product
from penfold.base.errors import NotFoundError, UnavailableError
from penfold.base.limits import SENDING_DOMAIN_CHECK_S
from penfold.domain.sending.domain_dns import Verdict
from penfold.domain.sending.domains import SendingDomains
from penfold.front.worker.tasks import Report, Task
from penfold.ports.sending.events import OtherKind
from penfold.spec.events import SENDING_DOMAIN_VERIFIED, SENDING_DOMAIN_WRONG

#: Seconds after the start: the first minute belongs to mail.
_FIRST_S = 120.0


def make_domain_watch(core: Core, product: Product) -> list[Task]:
    """Return the task for the mail process."""

    def tell(verdict: Verdict) -> None:
        good = verdict.event == OtherKind.DOMAIN_VERIFIED
        core.log.emit(
            SENDING_DOMAIN_VERIFIED if good else SENDING_DOMAIN_WRONG,
            domain=verdict.domain.name,
            state=verdict.domain.state,
        )

    stores, settings = product.stores, core.launch.settings
    watch = DomainWatch(lambda stopping: make_domains(stores, settings, tell, stopping))
    return [Task("sending-domains", watch.run, first_s=_FIRST_S, every_s=SENDING_DOMAIN_CHECK_S)]


class DomainWatch:
    """make: of what ends a look, SendingDomains whose looks end then."""

    def __init__(self, make: Callable[[threading.Event], SendingDomains]) -> None:
        self._make = make

    def run(self, stopping: threading.Event) -> Report:
        """Look at each domain once; blocks, and ends soon when the process stops."""
        domains, looked = self._make(stopping), 0
        for domain in domains.iter_due():
            if stopping.is_set():
                break
            try:
                domains.check(domain)
            except NotFoundError:
                continue  # removed meanwhile
            except UnavailableError:
                break  # the server stops
            looked += 1
        return Report(changed=looked)
