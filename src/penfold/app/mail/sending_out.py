"""Put together the way out of the sending API, for the mail process."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from penfold.app.mail.sending import make_links
from penfold.app.monitor.metrics import Counters
from penfold.app.process.process import Core
from penfold.app.process.renderer import ProcessRenderer
from penfold.app.wiring import Product
from penfold.base.limits import SENDING_LOOK_S, SENDING_NEWS_S, SENDING_UNTOLD_S
from penfold.domain.sending.content import Content
from penfold.domain.sending.handing import Handing
from penfold.domain.sending.outcomes import Outcomes
from penfold.domain.sending.rendering import NotRenderedError, Render, Wanted, make_render
from penfold.domain.sending.workshop import Workshop
from penfold.front.worker.sending import HandingRounds, NewsRounds
from penfold.front.worker.sending_returns import SendingReturns
from penfold.front.worker.tasks import Task
from penfold.spec.metrics import RENDER_SECONDS


@dataclass(frozen=True, slots=True)
class SendingOut:
    """news: takes what became of rows of the queue. `close` once the tasks stopped."""

    tasks: tuple[Task, ...]
    outcomes: Outcomes
    news: NewsRounds
    returns: SendingReturns
    workshop: Workshop

    def stop(self) -> None:
        """Have no more rendered; what waits for it is done by the next process."""
        self.workshop.stopping.set()

    def close(self) -> None:
        self.returns.close()
        self.news.flush()
        self.workshop.close()


def make_sending_out(core: Core, product: Product) -> SendingOut:
    """Return the tasks; mail to return addresses of what was sent comes here from now on."""
    stores = product.stores
    outcomes = Outcomes(stores.sending, stores.queue, core.clock, stores.chance)
    workshop = Workshop(ProcessRenderer(1))
    handing = Handing(
        *(stores.sending, product.outbound.carrier, core.clock, stores.chance),
        links=make_links(stores, core.launch.settings, core.launch.public_url),
        render=_watch(
            make_render(stores.sending, workshop.renderer, workshop.stopping), core.counters
        ),
    )
    rounds = HandingRounds(stores.sending, handing, core.clock)
    news = NewsRounds(outcomes)
    returns = SendingReturns(product.returns, outcomes)
    product.inbound.sinks += (returns,)
    every = partial(Task, first_s=0.0)
    return SendingOut(
        (
            every("sending-out", rounds.run, every_s=SENDING_LOOK_S),
            every("sending-news", news.run, every_s=SENDING_NEWS_S),
            every("sending-untold", news.sweep, every_s=SENDING_UNTOLD_S),
        ),
        outcomes,
        news,
        returns,
        workshop,
    )


def _watch(render: Render, counters: Counters) -> Render:
    def watched(wanted: Wanted) -> Sequence[Content | NotRenderedError]:
        began_s = time.perf_counter()
        made = render(wanted)
        each_s = (time.perf_counter() - began_s) / len(wanted)
        for _ in wanted:
            counters.observe(RENDER_SECONDS, each_s)
        return made

    return watched
