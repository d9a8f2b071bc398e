"""Put together what tells webhooks, for the mail process."""

from dataclasses import dataclass

from penfold.app.process.process import Core
from penfold.app.wiring import Product
from penfold.base.limits import BUDGET_NOTICE_S, WEBHOOK_LOOK_S, WEBHOOK_S
from penfold.domain.sending.budget_notice import BudgetNotices
from penfold.domain.sending.webhook_notice import OwnerNotices
from penfold.domain.sending.webhook_sender import Tried, WebhookSender
from penfold.front.worker.tasks import Report, Task
from penfold.front.worker.webhooks import WebhookRounds
from penfold.net.http_out import HttpOut
from penfold.ports.sending.webhooks import DeliveryState
from penfold.spec.events import TASK_FAILED, WEBHOOK_FAILED, WEBHOOK_OFF
from penfold.spec.metrics import WEBHOOK_SECONDS, WEBHOOK_TRIES

#: Seconds between two looks for owners who were not told.
_SWEEP_S = 3_600.0
_OUTCOMES = {
    DeliveryState.DELIVERED: "accepted",
    DeliveryState.WAITING: "failed",
    DeliveryState.FAILED: "given_up",
}


@dataclass(frozen=True, slots=True)
class Telling:
    tasks: tuple[Task, ...]
    rounds: WebhookRounds


def make_telling(core: Core, product: Product) -> Telling:
    """Return what tells webhooks, for the mail process."""
    stores, settings = product.stores, core.launch.settings

    def report(tried: Tried) -> None:
        core.counters.add(WEBHOOK_TRIES, 1, _OUTCOMES[tried.state])
        core.counters.observe(WEBHOOK_SECONDS, tried.attempt.ms / 1000)
        if tried.state is not DeliveryState.DELIVERED:
            core.log.emit(
                WEBHOOK_FAILED,
                webhook=tried.webhook_id,
                delivery=tried.lease.delivery.number,
                attempt=tried.place,
                status=tried.attempt.status or None,
                outcome=tried.attempt.outcome,
            )

    owners = (
        *(stores.sending, stores.directory, stores.mailboxes, product.outbound.arriving),
        *(stores.clock, stores.chance, settings.hostname),
    )
    budgets = BudgetNotices(*owners)
    rounds = WebhookRounds(
        WebhookSender(
            stores.sending,
            HttpOut(plain=not settings.is_production, timeout_s=WEBHOOK_S),
            stores.sealer,
            stores.clock,
            stores.chance,
            report,
        ),
        OwnerNotices(*owners),
        stores.sending,
        clock=stores.clock,
        failed=lambda error: core.log.emit(
            TASK_FAILED, task="webhooks", error=type(error).__name__, detail=str(error)
        ),
        turned_off=lambda webhook: core.log.emit(
            WEBHOOK_OFF, webhook=webhook.id, account=webhook.account_id, outcome=webhook.why
        ),
    )
    return Telling(
        (
            Task("webhooks", rounds.run, first_s=0.0, every_s=WEBHOOK_LOOK_S),
            Task("webhook-owners", rounds.tell_owners, first_s=60.0, every_s=_SWEEP_S),
            Task(
                "budget-owners",
                lambda _: Report(changed=budgets.sweep()),
                first_s=0.0,
                every_s=BUDGET_NOTICE_S,
            ),
        ),
        rounds,
    )
