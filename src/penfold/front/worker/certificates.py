"""The certificate in use: new from files or from an ACME server, and a warning before its end.

Each `run` is a round of a periodic task. A certificate that cannot be used is told of and changes
nothing: the one before stays. Nothing here knows how it gets to the listeners; `install` does.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import ParseError, PenfoldError
from penfold.base.limits import TLS_REFUSED_S, TLS_WARN_DAYS, TLS_WARN_HOURS
from penfold.domain.outgoing.renewal import Demand, Plan, find_plan, plan_renewal, plan_retry
from penfold.front.worker.tasks import Report
from penfold.ports.events import EventLog
from penfold.proto.acme.documents import AcmeError
from penfold.proto.served_certificate import Served
from penfold.spec.events import (
    CERTIFICATE_ENDING,
    CERTIFICATE_FAILED,
    CERTIFICATE_REFUSED,
    CERTIFICATE_SERVED,
)

_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_SHOWN_MAX: Final = 10


class InUse:
    """The certificate that is shown; None when it could not be read."""

    def __init__(self, served: Served | None, clock: Clock, log: EventLog) -> None:
        self._served = served
        self._clock = clock
        self._log = log
        self._warned_ms = 0

    @property
    def pem(self) -> bytes:
        return self._served.pem if self._served else b""

    def replace(self, served: Served, *, source: str) -> None:
        self._served = served
        self._warned_ms = 0
        self._log.emit(
            CERTIFICATE_SERVED,
            source=source,
            names=_join(served.names),
            issuer=served.issuer,
            expires=_day(served.expires_ms),
        )

    def remaining_s(self) -> float:
        """Return seconds until its end, negative after it, 0 when that is not known."""
        return (self._served.expires_ms - self._clock.now_ms()) / 1000 if self._served else 0.0

    def warn(self, _: threading.Event) -> Report:
        """Say twice a day that the end is near."""
        now_ms = self._clock.now_ms()
        if self._served is None or now_ms - self._warned_ms < TLS_WARN_HOURS * _HOUR_MS:
            return Report()
        days = (self._served.expires_ms - now_ms) / _DAY_MS
        # Some certificates live for six days only: for those the last third is near.
        if days < min(TLS_WARN_DAYS, self._served.life_ms / _DAY_MS / 3):
            self._warned_ms = now_ms
            self._log.emit(
                CERTIFICATE_ENDING,
                names=_join(self._served.names),
                expires=_day(self._served.expires_ms),
                days=round(days, 1),
            )
        return Report()


class FileRenewal:
    """Takes the operator's files over when they have changed.

    look: what differs once a file was replaced. load: the checked pair, or ParseError. What is
    refused is told of once and judged again from time to time: a folder may have been closed, the
    disk full, or a certificate's time may not have come.
    """

    def __init__(
        self,
        look: Callable[[], object],
        load: Callable[[], Served],
        install: Callable[[Served], None],
        in_use: InUse,
        *,
        clock: Clock,
        log: EventLog,
    ) -> None:
        self._look = look
        self._load = load
        self._install = install
        self._in_use = in_use
        self._clock = clock
        self._log = log
        self._seen: object = None
        #: When to judge what was seen, milliseconds; None: it is in use.
        self._due_ms: int | None = None
        self._told = ""

    def run(self, _: threading.Event) -> Report:
        """Judge what is new once it rests: between two files' replacing nothing fits."""
        seen = self._look()
        now_ms = self._clock.now_ms()
        if seen != self._seen:
            self._seen, self._due_ms, self._told = seen, now_ms, ""
            return Report()
        if self._due_ms is None or now_ms < self._due_ms:
            return Report()
        try:
            changed = self._take(self._load())
        except (ParseError, OSError) as error:
            self._due_ms = now_ms + TLS_REFUSED_S * 1000
            return self._refuse(str(error))
        self._due_ms = None
        return Report(changed=changed)

    def _take(self, served: Served) -> bool:
        if served.pem == self._in_use.pem:
            return False
        self._install(served)
        self._in_use.replace(served, source="files")
        return True

    def _refuse(self, problem: str) -> Report:
        if problem == self._told:
            return Report()
        self._told = problem
        self._log.emit(CERTIFICATE_REFUSED, source="files", problem=problem)
        return Report(failed=1)


class Issuer(Protocol):
    """An ACME server for one demand, and what is kept of it."""

    demand: Demand

    def find_certified(self) -> bool:
        """Return whether a certificate for the demand is there."""
        ...

    def load_plan(self) -> Plan | None: ...

    def save_plan(self, plan: Plan) -> None: ...

    def obtain(self, stopping: threading.Event) -> Served:
        """Return a new certificate, checked. AcmeError or ParseError say why there is none."""
        ...

    def install(self, served: Served) -> None:
        """Keep it and make it the one in use."""
        ...


class AcmeRenewal:
    """Asks the ACME server when a certificate is due."""

    def __init__(
        self, issuer: Issuer, in_use: InUse, clock: Clock, chance: Chance, log: EventLog
    ) -> None:
        self._issuer = issuer
        self._plan = find_plan(issuer.load_plan(), issuer.demand, certified=issuer.find_certified())
        self._in_use = in_use
        self._clock = clock
        self._chance = chance
        self._log = log

    def run(self, stopping: threading.Event) -> Report:
        """Get a certificate if it is time to, or note when to try again."""
        plan = self._plan
        if self._clock.now_ms() < plan.next_ms:
            return Report()
        # Kept before anything is asked: who is killed in the middle, or finds no room for what it
        # got, must not make the server count again and again.
        self._keep(plan_retry(plan, "interrupted", wait_s=0.0, now_ms=self._clock.now_ms()))
        try:
            served = self._issuer.obtain(stopping)
        except (AcmeError, ParseError) as error:
            return self._put_off(plan, error, stopping)
        self._issuer.install(served)
        self._keep(
            plan_renewal(
                plan,
                begins_ms=served.begins_ms,
                expires_ms=served.expires_ms,
                chance=self._chance,
            )
        )
        self._in_use.replace(served, source="acme")
        return Report(changed=1)

    def _put_off(self, plan: Plan, error: PenfoldError, stopping: threading.Event) -> Report:
        if stopping.is_set():  # not the server's fault: try at the next start
            self._keep(plan)
            return Report()
        wait_s = error.wait_s if isinstance(error, AcmeError) else 0.0
        self._keep(plan_retry(plan, str(error), wait_s=wait_s, now_ms=self._clock.now_ms()))
        self._log.emit(
            CERTIFICATE_FAILED,
            names=_join(plan.demand.names),
            directory=plan.demand.directory,
            problem=str(error),
            failures=self._plan.failures,
            next=_moment(self._plan.next_ms),
        )
        return Report(failed=1)

    def _keep(self, plan: Plan) -> None:
        self._plan = plan
        self._issuer.save_plan(plan)


def _join(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN_MAX
    return " ".join(names[:_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
