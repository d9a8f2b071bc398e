"""`penfold import`, `export` and `search`: the stores of a data directory, and files beside it."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from penfold.app.config import find_key_source
from penfold.app.datadir import enter_data_dir, is_served
from penfold.app.exits import stop_at_once
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import make_identity, open_stores
from penfold.base.limits import IMPORT_ALONE_COMMIT_S, IMPORT_CACHE_KIB, IMPORT_COMMIT_S
from penfold.domain.mailbox.exporting import Exporter
from penfold.domain.mailbox.importing import Importer
from penfold.front.cli.doors import Moving
from penfold.store.moving.sink import open_sink
from penfold.store.moving.source import FileSources


@contextlib.contextmanager
def open_moving(data: Path) -> Iterator[Moving]:
    enter_data_dir(data)
    clock = SystemClock()
    # One mailbox is written, so one writer.
    stores = open_stores(
        data,
        clock=clock,
        fatal=stop_at_once,
        cache_kib=IMPORT_CACHE_KIB,
        writer_threads=1,
        master_key=find_key_source(data),
    )
    try:
        yield Moving(
            accounts=make_identity(stores).accounts,
            mailboxes=stores.mailboxes,
            importer=Importer(
                stores.mailboxes,
                stores.chance,
                now_ms=clock.now_ms,
                seconds=time.monotonic,
                pause=time.sleep,
                commit_s=IMPORT_COMMIT_S if is_served(data) else IMPORT_ALONE_COMMIT_S,
            ),
            exporter=Exporter(stores.mailboxes, now_ms=clock.now_ms),
            sources=FileSources(data / "blobs"),
            open_sink=open_sink,
        )
    finally:
        stores.close()
