"""What every serving process has: an event loop, a log, counters, a heartbeat, a clean stop.

`run_service` owns the life of the process; what it serves is the `start` it is given. An error
that leaves the outcome of a write unknown ends the process at once (`end_process`): SQLite's
view of the file cannot be trusted any more, and nothing may be answered. The supervisor
starts a new one, which opens the files afresh.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import uvloop

from penfold import __version__
from penfold.app.exits import OUTCOME_UNKNOWN
from penfold.app.monitor.logs import LineLog, SystemClock, bridge_logging, trace_of
from penfold.app.monitor.metrics import Counters
from penfold.app.monitor.observe_stores import StoreObserver
from penfold.app.monitor.slow import SlowRequests
from penfold.app.monitor.tracing import Tracer
from penfold.app.monitor.vitals import Vitals
from penfold.app.process.launch import HEARTBEAT_S, Channel, Launch
from penfold.app.quota import find_sending_limits
from penfold.app.stores import open_stores
from penfold.app.wiring import Product, make_product
from penfold.base.collector import calm_collector
from penfold.base.errors import OutcomeUnknownError
from penfold.base.limits import LOG_GATHER_S
from penfold.ports.events import EventLog
from penfold.proto.otlp import Value
from penfold.spec.events import FATAL, LIBRARY_TROUBLE, STORAGE
from penfold.spec.metrics import STARTS, TROUBLE
from penfold.store.sqlite.open import describe_settings

if TYPE_CHECKING:
    from penfold.app.monitor.trace_export import SpanExporter

#: Seconds for what is in hand after SIGTERM: less than the supervisor's 10, so that a process
#: ends by itself and closes its files.
GRACE_S: Final = 9.0
#: Seconds a thread may keep the interpreter while another wants it. With the default of 5 ms the
#: event loop stands behind the writers' Python between two system calls (measured with 20 SMTP
#: sessions: 10 % less mail per second).
_SWITCH_S: Final = 0.0005


class Service(Protocol):
    def count(self) -> None:
        """Set the gauges; called every few seconds."""
        ...

    async def stop(self, *, grace_s: float) -> None:
        """Accept no more, finish what is in hand within grace_s, close everything."""
        ...


@dataclass(frozen=True, slots=True)
class Core:
    launch: Launch
    log: LineLog
    counters: Counters
    clock: SystemClock
    slow: SlowRequests
    tracer: Tracer | None


def run_service(
    launch: Launch, channel: Channel, start: Callable[[Core], Awaitable[Service]]
) -> None:
    """Serve until the supervisor asks to stop."""
    clock = SystemClock()
    name = f"{launch.role}-{launch.index}"
    form = launch.settings.log_format or ("text" if sys.stderr.isatty() else "json")
    log = LineLog(2, form=form, process=name, clock=clock, encode=msgspec.json.Encoder().encode)
    bridge_logging(log)
    counters = Counters(launch.data / "run" / f"{name}.metrics")
    counters.add(STARTS, 1, launch.role)
    log.count_troubles(lambda event: counters.add(TROUBLE, 1, event.name))
    slow = SlowRequests(launch.data / "run", name, clock)
    exporter = open_exporter(launch, log, counters)
    tracer = Tracer(exporter, SystemRandom(), launch.settings.otlp_sample) if exporter else None
    core = Core(launch, log, counters, clock, slow, tracer)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(core, channel, start))
    if exporter:
        exporter.close()


def open_exporter(launch: Launch, log: LineLog, counters: Counters) -> "SpanExporter | None":
    """Return what sends spans to the collector of the settings, None when there is none."""
    settings = launch.settings
    if not settings.otlp_endpoint:
        return None
    # Loaded for who needs it.
    from penfold.app.monitor.trace_export import SpanExporter, make_poster  # noqa: PLC0415 - see above

    resource: dict[str, Value] = {
        "service.name": "penfold",
        "service.version": __version__,
        "service.instance.id": f"{settings.hostname}/{launch.role}-{launch.index}",
    }
    return SpanExporter(
        settings.otlp_endpoint, resource, poster=make_poster(), log=log, counters=counters
    )


async def _serve(core: Core, channel: Channel, start: Callable[[Core], Awaitable[Service]]) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, asked.set)
    core.log.gather(partial(loop.call_later, LOG_GATHER_S))
    loop.set_exception_handler(lambda _, context: _report(core.log, context))
    service = await start(core)
    calm_collector()
    sys.setswitchinterval(_SWITCH_S)
    beat = loop.create_task(_beat(core, channel, service))
    channel.say_ready()
    await asked.wait()
    await service.stop(grace_s=GRACE_S)
    core.log.flush()
    beat.cancel()


async def _beat(core: Core, channel: Channel, service: Service) -> None:
    vitals = Vitals(core.counters, core.launch.role)
    elapsed = asyncio.get_running_loop().time
    while True:
        vitals.count()
        service.count()
        core.slow.save()
        due = elapsed() + HEARTBEAT_S
        await asyncio.sleep(HEARTBEAT_S)
        vitals.note_delay(elapsed() - due)
        channel.say_alive()


def _report(log: EventLog, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if isinstance(error, OutcomeUnknownError):
        end_process(log, error)
    log.emit(
        LIBRARY_TROUBLE,
        logger="asyncio",
        message=context.get("message", ""),
        trace=trace_of(error) if error else None,
    )


def open_for(core: Core) -> Product:
    """Open the product for this process, watched by its log and counters."""
    stores = open_stores(
        core.launch.data,
        clock=core.clock,
        fatal=lambda error: end_process(core.log, error),
        watch=StoreObserver(core.log, core.counters, core.tracer),
        master_key=core.launch.settings.master_key,
    )
    core.log.emit(STORAGE, **describe_settings())
    settings = core.launch.settings
    return make_product(
        stores,
        hostname=settings.hostname,
        local=not settings.is_production,
        limits=find_sending_limits(settings),
    )


def end_process(log: EventLog, error: BaseException) -> None:
    """Say why, and end without another word to any peer (design: outcome unknown)."""
    log.emit(FATAL, error=type(error).__name__, detail=str(error))
    os._exit(OUTCOME_UNKNOWN)
