"""The ACME server of the settings, with what is kept for it in <data>/tls."""

import threading
from pathlib import Path

from penfold.app.tls.tls_files import ACME, FOLDER, AcmeFiles, Challenges, load_served
from penfold.base.clock import Clock
from penfold.domain.outgoing.renewal import Demand, Plan, list_names
from penfold.net.acme import AcmeOut, make_context
from penfold.proto.acme.issuing import Wanted, issue
from penfold.proto.acme.requests import make_key_request
from penfold.proto.served_certificate import Served, parse_served
from penfold.spec.quotas import OFF
from penfold.spec.settings import Settings


class AcmeIssuer:
    """An Issuer (front/worker/certificates.py)."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.demand = find_demand(settings)
        self._email = settings.acme_email
        self._clock = clock
        self._folder = Path(settings.data) / FOLDER
        self._files = AcmeFiles(self._folder)
        authorities = Path(settings.acme_authorities) if settings.acme_authorities else None
        publish = Challenges(self._folder, clock).publish
        self._out = AcmeOut(make_context(authorities), publish)

    def find_certified(self) -> bool:
        path, names = self._folder / ACME, self.demand.names
        return load_served(path, names, now_ms=self._clock.now_ms()) is not None

    def load_plan(self) -> Plan | None:
        return self._files.load_plan()

    def save_plan(self, plan: Plan) -> None:
        self._files.save_plan(plan)

    def obtain(self, stopping: threading.Event) -> Served:
        demand = self.demand
        wanted = Wanted(demand.directory, self._email, demand.names, demand.challenge)
        request = make_key_request(demand.names, self._files.load_kept_key())
        steps = issue(wanted, self._files.load_account(), request)
        chain = self._out.send_order(steps, stopping)
        now_ms = self._clock.now_ms()
        return parse_served(chain, request.key, names=demand.names, now_ms=now_ms)

    def install(self, served: Served) -> None:
        self._files.save_certificate(served)


def find_demand(settings: Settings) -> Demand:
    names = list_names(settings.hostname, settings.domains, mta_sts=settings.acme_mta_sts != OFF)
    return Demand(settings.acme_directory, names, settings.acme_challenge)
