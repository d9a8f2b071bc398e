"""What the periodic tasks need to know of files: which mailboxes there are, which changed."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from penfold.app.command.erasing import erase_removed
from penfold.app.wiring import Product
from penfold.domain.outgoing.expiry import MailDays
from penfold.front.worker.sweeps import Sweeps
from penfold.spec.settings import Settings
from penfold.store.data import sweep_blobs
from penfold.store.durable import write_file
from penfold.store.sqlite.layout import iter_mailbox_ids, mailbox_path

#: Milliseconds looked back beyond the mark: clocks step, and a file system's times are coarse.
MARGIN_MS: Final = 600_000


def make_sweeps(settings: Settings, product: Product) -> Sweeps:
    data = Path(settings.data)
    mark = data / "run" / "outboxes-swept"
    return Sweeps(
        clock=product.stores.clock,
        mailboxes=product.stores.mailboxes,
        outbound=product.outbound,
        book=product.stores.directory,
        pubsub=product.stores.pubsub,
        sending=product.stores.sending,
        queue=product.stores.queue,
        mail_days=MailDays(trash=settings.trash_days, spam=settings.spam_days),
        queue_days=settings.queue_days,
        sending_days=settings.sending_days,
        iter_all=lambda: iter_mailbox_ids(data),
        iter_changed=lambda since_ms: iter_changed(data, since_ms - MARGIN_MS),
        load_mark=lambda: load_mark(mark),
        save_mark=lambda now_ms: write_file(mark, b"%d\n" % now_ms),
        erase=lambda gone: erase_removed(
            data, product.stores.directory, gone, now_ms=product.stores.clock.now_ms()
        ),
        close_idle=product.stores.mailboxes.close_idle,
        sweep_uploads=lambda now_ms: product.stores.uploads.sweep(now_ms=now_ms),
        sweep_blobs=lambda now_ms: sweep_blobs(data, product.stores.blobs, now_ms=now_ms),
    )


def load_mark(path: Path) -> int:
    """Return the noted time, 0 when there is none: then every mailbox is looked at."""
    with suppress(OSError, ValueError):
        return int(path.read_text())
    return 0


def iter_changed(data: Path, since_ms: int) -> Iterator[str]:
    """Yield the mailboxes whose file or write-ahead log was written since."""
    for mailbox_id in iter_mailbox_ids(data):
        path = mailbox_path(data, mailbox_id)
        for suffix in ("-wal", ""):
            try:
                written_ns = path.with_name(path.name + suffix).stat().st_mtime_ns
            except FileNotFoundError:
                continue
            if written_ns // 1_000_000 >= since_ms:
                yield mailbox_id
                break
