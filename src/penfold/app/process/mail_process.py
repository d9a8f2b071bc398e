"""The mail process: SMTP in and submission, and the tasks that come round by themselves."""

import asyncio
import resource
import socket
from typing import Final

from penfold.app.mail.arrivals import Arrivals
from penfold.app.mail.delivering import Delivery
from penfold.app.mail.domain_watch import make_domain_watch
from penfold.app.mail.key_watch import make_key_watch
from penfold.app.mail.pushing import make_pushing
from penfold.app.mail.reports import Reports
from penfold.app.mail.resolving import make_resolver
from penfold.app.mail.sending import make_programs
from penfold.app.mail.sending_out import make_sending_out
from penfold.app.mail.sweeping import make_sweeps
from penfold.app.mail.webhooks import make_telling
from penfold.app.monitor.observe_smtp import SmtpObserver
from penfold.app.monitor.trace_mail import TracingSmtpObserver
from penfold.app.process.extracting import make_attachment_reading
from penfold.app.process.launch import Channel, Launch
from penfold.app.process.process import Core, end_process, open_for, run_service
from penfold.app.throttling import make_throttle
from penfold.app.tls.certificates import make_certificate_care
from penfold.app.tls.serving_tls import ServingTls
from penfold.app.wiring import Product
from penfold.base.limits import SMTP_CONNECTIONS_MAX, SMTP_RECIPIENTS_MAX, SUBMISSION_RECIPIENTS_MAX
from penfold.front.smtp.bounds import Bounds
from penfold.front.smtp.doors import Door, MxDoor, SubmissionDoor
from penfold.front.smtp.facts import Observe
from penfold.front.smtp.listener import Listener
from penfold.front.worker.tasks import Task, Tasks
from penfold.proto.smtp.profile import Profile, make_mx_profile, make_submission_profile
from penfold.spec.metrics import HANDLES, SMTP_CONNECTIONS

_MINUTE_S: Final = 60.0
#: Seconds until what had all its tries is moved on even if nobody pulls.
_MESSAGES_S: Final = 10.0
_HOUR_S: Final = 3600.0
_LISTENERS: Final = 3
#: Seconds a stopping process waits for pushes in hand; what is cut off is sent again later.
_PUSH_GRACE_S: Final = 1.0
#: Seconds of the grace that are kept for cutting off deliveries and closing their connections.
_CUT_OFF_S: Final = 2.0


def run(launch: Launch, channel: Channel) -> None:
    run_service(launch, channel, start)


async def start(core: Core) -> "MailService":
    service = MailService(core, open_for(core))
    await service.start()
    return service


class MailService:
    def __init__(self, core: Core, product: Product) -> None:
        self._core = core
        self._product = product
        self._tls = ServingTls(core)
        self._observe: Observe = SmtpObserver(core.log, core.counters, core.slow)
        if core.tracer:
            self._observe = TracingSmtpObserver(self._observe, core.tracer)
        names = {
            "hostname": core.launch.settings.hostname,
            "domain": core.launch.settings.first_domain,
        }
        limited = core.launch.settings.find_quota() is not None
        most = SUBMISSION_RECIPIENTS_MAX if limited else SMTP_RECIPIENTS_MAX
        self._resolver = make_resolver(core.launch.settings, core.clock)
        production = core.launch.settings.is_production
        self._arrivals = (
            Arrivals(core, product, self._resolver, self._observe) if production else None
        )
        self._programs = make_programs(product.stores, core.launch.settings)
        mx, submission = (
            self._arrivals.door if self._arrivals else MxDoor(product.inbound),
            SubmissionDoor(
                product.outbound,
                product.stores.directory,
                throttle=make_throttle(core),
                programs=self._programs,
            ),
        )
        self._listeners = [
            self._listener("smtp", make_mx_profile(**names, starttls=True), mx),
            *(
                self._listener(
                    name,
                    make_submission_profile(**names, starttls=starttls, recipients_max=most),
                    submission,
                )
                for name, starttls in (("submission", True), ("submissions", False))
            ),
        ]
        self._pushing = make_pushing(core, product)
        self._telling = make_telling(core, product)
        self._reading = make_attachment_reading(core, product)
        self._sending = make_sending_out(core, product)
        self._reports = Reports(core, product, self._sending.outcomes)
        self._delivery = (
            Delivery(core, product, self._resolver, self._reports.tls, self._sending.news)
            if production
            else None
        )
        self._certificate = make_certificate_care(core, product.stores.chance)
        self._tasks = self._make_tasks()

    def _make_tasks(self) -> Tasks:
        core = self._core
        return Tasks(
            [
                *make_tasks(core, self._product),
                *(
                    make_key_watch(core, self._product)
                    if core.launch.settings.is_production
                    else ()
                ),
                *self._pushing.tasks,
                *self._telling.tasks,
                *self._sending.tasks,
                *(
                    make_domain_watch(core, self._product)
                    if core.launch.settings.is_production
                    else ()
                ),
                *self._reading.tasks,
                *self._certificate.tasks,
                *(self._arrivals.tasks if self._arrivals else ()),
                *self._reports.tasks,
            ],
            log=core.log,
            fatal=lambda error: end_process(core.log, error),
        )

    async def start(self) -> None:
        self._product.start()
        for listener in self._listeners:
            sock = socket.socket(fileno=self._core.launch.sockets[listener.name])
            await listener.start(sock, implicit_tls=listener.name == "submissions")
        self._tls.start()
        self._tasks.start()
        if self._delivery is not None:
            await self._delivery.start()

    def count(self) -> None:
        self._core.counters.put(HANDLES, self._product.stores.mailboxes.handles)
        for listener in self._listeners:
            self._core.counters.put(SMTP_CONNECTIONS, listener.sessions, listener.name)
        self._certificate.count()

    async def stop(self, *, grace_s: float) -> None:
        self._tls.stop()
        stopping = [each.stop(grace_s=grace_s) for each in self._listeners]
        if self._delivery is not None:
            stopping.append(self._delivery.stop(grace_s=grace_s - _CUT_OFF_S))
        await asyncio.gather(*stopping)
        self._sending.stop()
        await self._tasks.stop()
        if self._arrivals is not None:
            await self._arrivals.close()
        await self._resolver.close()
        await asyncio.to_thread(self._programs.close)
        await asyncio.to_thread(self._reports.close)
        await asyncio.to_thread(self._sending.close)
        self._reading.extractor.close()
        await asyncio.gather(
            asyncio.to_thread(self._pushing.rounds.close, timeout_s=_PUSH_GRACE_S),
            asyncio.to_thread(self._telling.rounds.close, timeout_s=_PUSH_GRACE_S),
        )
        await asyncio.to_thread(self._product.close)

    def _listener(self, name: str, profile: Profile, door: Door) -> Listener:
        return Listener(
            name=name,
            profile=profile,
            door=door,
            clock=self._product.stores.clock,
            chance=self._product.stores.chance,
            observe=self._observe,
            tls=self._tls.context,
            bounds=Bounds(connections_max=affordable_connections()),
        )


def affordable_connections() -> int:
    """Return how many connections each listener may have: half of our descriptors, shared.

    The other half is for mailbox files, so that who is let in can be served.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return SMTP_CONNECTIONS_MAX
    return max(1, min(SMTP_CONNECTIONS_MAX, soft // 2 // _LISTENERS))


def make_tasks(core: Core, product: Product) -> list[Task]:
    """Return what comes round in the mail process, and how often."""
    sweeps = make_sweeps(core.launch.settings, product)
    return [
        Task("outboxes", sweeps.recover_outboxes, first_s=0.0, every_s=_MINUTE_S),
        Task("notices", sweeps.tell_senders, first_s=_MINUTE_S, every_s=_MINUTE_S),
        Task("idle-files", sweeps.close_idle_files, first_s=_MINUTE_S, every_s=_MINUTE_S),
        Task("removed", sweeps.erase_removed, first_s=_MINUTE_S, every_s=_MINUTE_S),
        Task("messages", sweeps.expire_messages, first_s=5.0, every_s=_MESSAGES_S),
        Task("sending", sweeps.expire_sending, first_s=6 * _MINUTE_S, every_s=_HOUR_S),
        Task("records", sweeps.expire_records, first_s=5 * _MINUTE_S, every_s=_HOUR_S),
        Task("blobs", sweeps.remove_orphans, first_s=30 * _MINUTE_S, every_s=24 * _HOUR_S),
        Task("uploads", sweeps.remove_uploads, first_s=15 * _MINUTE_S, every_s=_HOUR_S),
        Task("mail", sweeps.expire_mail, first_s=10 * _MINUTE_S, every_s=24 * _HOUR_S),
        Task("queue", sweeps.expire_queue, first_s=20 * _MINUTE_S, every_s=_HOUR_S),
    ]
