"""One HTTP worker: the API, sign-in, pages and operations on the inherited socket."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from penfold.app.datadir import FAULTS_NAME
from penfold.app.mail.mta_sts import find_own_policy
from penfold.app.monitor.metrics import load_totals, render
from penfold.app.monitor.observe_http import HttpObserver
from penfold.app.monitor.scrape import look
from penfold.app.monitor.trace_http import (
    TracedApp,
    TracingObserver,
    trace_handlers,
    trace_mailboxes,
)
from penfold.app.process.entrance import LateApp, make_administration, make_entrance, make_sending
from penfold.app.process.launch import Channel, Launch
from penfold.app.process.process import Core, end_process, open_for, run_service
from penfold.app.process.renderer import ProcessRenderer
from penfold.app.quota import find_quota_limits, make_quota
from penfold.app.throttling import make_throttle
from penfold.app.tls.serving_tls import ServingTls
from penfold.app.tls.tls_files import FOLDER, Challenges
from penfold.app.wiring import Product
from penfold.base.networks import is_loopback
from penfold.domain.quota import Quota
from penfold.domain.sending.workshop import Workshop
from penfold.domain.settings.confirming import Asking
from penfold.domain.settings.mail_servers import MailServers
from penfold.domain.throttle import Throttle
from penfold.front.http.app import HttpApp, Operation
from penfold.front.http.call import Services
from penfold.front.http.entry import Names, Proxies
from penfold.front.http.listener import HttpListener
from penfold.front.http.mta_sts import make_policy_operation
from penfold.front.http.operations import make_operations
from penfold.front.http.pipeline import GmailApi, Observe
from penfold.front.http.plan import Handler
from penfold.front.http.pubsub import PubsubApi
from penfold.front.http.registration import find_checks, find_handlers
from penfold.net.submission_probe import SubmissionProbe
from penfold.ports.mailbox import Mailboxes
from penfold.proto.mta_sts import POLICY_PATH
from penfold.spec.metrics import CONNECTIONS, HANDLES
from penfold.spec.settings import GOOGLE_HOSTS, Settings
from penfold.store.faults import FileFaults
from penfold.store.usage import SharedUsage

#: Seconds between two looks for ordered faults: `penfold fault` promises one.
_LOOK_S: Final = 0.5


def run(launch: Launch, channel: Channel) -> None:
    run_service(launch, channel, start)


async def start(core: Core) -> "HttpService":
    product = open_for(core)
    service = HttpService(core, product)
    service.start()
    return service


class HttpService:
    def __init__(self, core: Core, product: Product) -> None:
        self._core = core
        self._product = product
        stores = product.stores
        self._faults = FileFaults(core.launch.data / "run" / FAULTS_NAME)
        self._looking: asyncio.TimerHandle | None = None
        observe, handlers, mailboxes = _watch(core, stores.mailboxes)
        throttle = make_throttle(core)
        self._api = GmailApi(
            handlers=handlers,
            authenticator=stores.directory,
            mailboxes=mailboxes,
            checks=find_checks(),
            services=_make_services(core.launch, product, self._make_quota()),
            clock=stores.clock,
            observe=observe,
            stop=lambda error: end_process(core.log, error),
            faults=self._faults,
            throttle=throttle,
        )
        web = make_entrance(stores, core, throttle)
        self._workshop = Workshop(ProcessRenderer(1))
        self._pubsub = PubsubApi(
            product.pubsub,
            stores.directory,
            clock=stores.clock,
            open_door=not core.launch.settings.is_production,
            make_request_id=self._api.make_request_id,
            observe=observe,
            stop=lambda error: end_process(core.log, error),
        )
        proxies = Proxies(core.launch.settings.trusted_proxies)
        challenges = Challenges(core.launch.data / FOLDER, core.clock)
        app = HttpApp(
            self._api,
            web,
            self._make_operations(),
            pubsub=self._pubsub,
            admin=self._make_admin(observe, throttle),
            sending=self._make_sending(observe, throttle),
            observe=observe,
            find_answer=challenges.find_answer,
            proxies=proxies,
            names=find_names(core.launch),
            hsts=has_known_certificate(core.launch.settings),
        )
        self._tls = ServingTls(core, http=True)
        self._listener = HttpListener(
            TracedApp(app, core.tracer) if core.tracer else app,
            socket.socket(fileno=core.launch.sockets["http"]),
            self._tls.context,
            log=core.log,
            count_connections=lambda count: core.counters.put(CONNECTIONS, count),
            challenges=challenges,
            is_proxy=lambda client: is_loopback(client) or proxies.trusts(client),
        )

    def _make_operations(self) -> Mapping[str, Operation]:
        settings, stores = self._core.launch.settings, self._product.stores
        operations = make_operations(
            find_trouble=stores.find_trouble,
            render_metrics=self._render_metrics,
            metrics_token=settings.metrics_token,
        )
        if not settings.is_production:
            return operations
        policy = find_own_policy(settings)
        answer = make_policy_operation(policy, stores.directory.is_local_domain)
        return {**operations, POLICY_PATH: answer}

    def _make_admin(self, observe: Observe, throttle: Throttle) -> LateApp:
        core = self._core
        return make_administration(
            self._product.stores,
            core.launch,
            throttle,
            make_request_id=self._api.make_request_id,
            observe=observe,
            stop=lambda error: end_process(core.log, error),
        )

    def _make_sending(self, observe: Observe, throttle: Throttle) -> LateApp:
        core = self._core
        return make_sending(
            self._product.stores,
            core.launch,
            throttle,
            workshop=self._workshop,
            make_request_id=self._api.make_request_id,
            observe=observe,
            stop=lambda error: end_process(core.log, error),
        )

    def _make_quota(self) -> Quota | None:
        core = self._core
        limits = find_quota_limits(core.launch.settings)
        if limits is None:
            return None
        names = [f"http-{n}" for n in range(core.launch.settings.workers)]
        usage = SharedUsage(core.launch.data / "run", names[core.launch.index], names)
        return make_quota(limits, usage, core.clock, core.counters)

    def start(self) -> None:
        self._product.start()
        self._listener.start()
        self._tls.start()
        self._look()

    def _look(self) -> None:
        """See which faults were ordered, so that no request has to."""
        self._faults.refresh()
        self._looking = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def count(self) -> None:
        self._core.counters.put(HANDLES, self._product.stores.mailboxes.handles)

    async def stop(self, *, grace_s: float) -> None:
        self._tls.stop()
        self._pubsub.close()
        self._workshop.stopping.set()
        await self._listener.stop(grace_s=grace_s)
        if self._looking:
            self._looking.cancel()
        self._api.close()
        await asyncio.to_thread(self._workshop.close)
        await asyncio.to_thread(self._product.close)

    def _render_metrics(self) -> bytes:
        data = self._core.launch.data
        now_ms = self._core.clock.now_ms()
        stores = self._product.stores
        return render(load_totals(data / "run"), look(data, stores.queue, stores.sending, now_ms))


def _watch(core: Core, mailboxes: Mailboxes) -> tuple[Observe, Mapping[str, Handler], Mailboxes]:
    """Return who is told of requests, and what serves them, with spans around it if asked for."""
    observe, handlers = HttpObserver(core.log, core.counters, core.slow), find_handlers()
    if core.tracer is None:
        return observe, handlers, mailboxes
    return (
        TracingObserver(observe, core.tracer),
        trace_handlers(handlers, core.tracer),
        trace_mailboxes(mailboxes, core.tracer),
    )


def has_known_certificate(settings: Settings) -> bool:
    """Return whether browsers get a certificate they know, here or at the proxy before us."""
    return settings.is_production and bool(settings.names_certificate or settings.trusted_proxies)


def find_names(launch: Launch) -> Names:
    """Return the names by which this server is asked for over HTTP."""
    settings = launch.settings
    issuer = urlsplit(settings.issuer).hostname or ""
    names = {settings.hostname, issuer, settings.http.host, *settings.hosts}
    if not settings.is_production:
        # People send Google's names here, for clients that have them built in.
        names.update(GOOGLE_HOSTS)
    return Names(names, strict=settings.is_production)


def _make_services(launch: Launch, product: Product, quota: Quota | None) -> Services:
    stores, settings = product.stores, launch.settings
    probe = SubmissionProbe(hostname=settings.hostname, loopback=not settings.is_production)
    return Services(
        directory=stores.directory,
        outbound=product.outbound,
        chance=stores.chance,
        sealer=stores.sealer,
        pubsub=stores.pubsub,
        asking=Asking(product.outbound, stores.chance, launch.public_url),
        mail_servers=MailServers(stores.sealer, probe),
        uploads=stores.uploads,
        quota=quota,
    )
