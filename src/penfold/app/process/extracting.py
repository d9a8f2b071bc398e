"""Put together what reads attachments in the background, for the mail process."""

from dataclasses import dataclass

from penfold.app.mail.pushing import make_state_finder
from penfold.app.mail.sweeping import MARGIN_MS, iter_changed, load_mark
from penfold.app.process.extractor import ProcessExtractor
from penfold.app.process.process import Core
from penfold.app.wiring import Product
from penfold.base.ids import format_message_id
from penfold.base.limits import EXTRACT_LOOK_S
from penfold.front.worker.extracting import Extracting
from penfold.front.worker.tasks import Task
from penfold.ports.extracting import Extracted
from penfold.spec.events import ATTACHMENTS_UNREAD
from penfold.spec.metrics import ATTACHMENT_SECONDS, ATTACHMENTS, ATTACHMENTS_WAITING
from penfold.spec.quotas import OFF
from penfold.store.durable import write_file


@dataclass(frozen=True, slots=True)
class AttachmentReading:
    """tasks: none when attachments are not to be read."""

    tasks: tuple[Task, ...]
    extractor: ProcessExtractor


def make_attachment_reading(core: Core, product: Product) -> AttachmentReading:
    data, stores, counters = core.launch.data, product.stores, core.counters
    mark = data / "run" / "attachments-read"
    extractor = ProcessExtractor()

    def watch(got: Extracted) -> None:
        counters.add(ATTACHMENTS, 1, got.outcome)
        counters.observe(ATTACHMENT_SECONDS, got.seconds)

    def gave_up(mailbox: str, message_id: int, problem: str) -> None:
        core.log.emit(
            ATTACHMENTS_UNREAD,
            mailbox=mailbox,
            message=format_message_id(message_id),
            problem=problem,
        )

    extracting = Extracting(
        stores.mailboxes,
        extractor,
        clock=stores.clock,
        iter_changed=lambda since_ms: iter_changed(data, since_ms - MARGIN_MS),
        find_state=make_state_finder(data),
        load_mark=lambda: load_mark(mark),
        save_mark=lambda now_ms: write_file(mark, b"%d\n" % now_ms),
        watch=watch,
        waits=lambda count: counters.put(ATTACHMENTS_WAITING, count),
        gave_up=gave_up,
    )
    task = Task("attachments", extracting.run, first_s=EXTRACT_LOOK_S, every_s=EXTRACT_LOOK_S)
    wanted = core.launch.settings.search_attachments != OFF
    return AttachmentReading((task,) if wanted else (), extractor)
