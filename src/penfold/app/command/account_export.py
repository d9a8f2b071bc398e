"""`penfold user export`: the stores of a data directory, and a folder beside it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from penfold.app.config import find_key_source
from penfold.app.datadir import enter_data_dir
from penfold.app.exits import stop_at_once
from penfold.app.mail.reports import REPORTS_NAME
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import make_identity, open_stores
from penfold.domain.account_export.run import AccountExporter
from penfold.domain.mailbox.exporting import Exporter
from penfold.front.cli.doors import AccountExport
from penfold.store.moving.folder import ExportFolder
from penfold.store.sqlite.reports import SqliteReports


@contextlib.contextmanager
def open_account_export(data: Path) -> Iterator[AccountExport]:
    enter_data_dir(data)
    clock = SystemClock()
    with contextlib.ExitStack() as open_now:
        stores = open_stores(
            data, clock=clock, fatal=stop_at_once, master_key=find_key_source(data)
        )
        open_now.callback(stores.close)
        reports = open_now.enter_context(contextlib.closing(SqliteReports(data / REPORTS_NAME)))
        identity = make_identity(stores)
        exporter = AccountExporter(
            identity=identity,
            mailboxes=stores.mailboxes,
            queue=stores.queue,
            pubsub=stores.pubsub,
            reports=reports,
            sending=stores.sending,
            exporter=Exporter(stores.mailboxes, now_ms=clock.now_ms),
            now_ms=clock.now_ms,
        )
        yield AccountExport(identity.accounts.get, exporter, ExportFolder)
