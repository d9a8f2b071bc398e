"""What tests of import and export share: a data directory, mailboxes in files, what a mailbox holds."""

import contextlib
import os

from penfold.app.datadir import open_data_dir
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import known_schema, make_identity, open_stores
from penfold.ports.mailbox import Query
from penfold.proto.mbox import format_entry

DATE_MS = 1_553_172_268_000
ALICE, BOB = "alice@penfold.test", "bob@penfold.test"


def make_data(path):
    """Make a data directory with two accounts and no server."""
    os.close(open_data_dir(path))
    stores = open_stores(path, clock=SystemClock(), fatal=print, create=known_schema())
    with contextlib.closing(stores):
        accounts = make_identity(stores).accounts
        accounts.add_domain("penfold.test")
        for address in (ALICE, BOB):
            accounts.add(address, password="a password of some length")
    return path


def write_mbox(path, raws, fields=b""):
    with path.open("wb") as file:
        for raw in raws:
            file.write(format_entry(fields + raw, sender="a@b.example", date_ms=DATE_MS))
    return path


def mail_of(data, address):
    """Return what a mailbox holds: octets, labels by name, date, whether a draft; and its threads."""
    stores = open_stores(data, clock=SystemClock(), fatal=print)
    with contextlib.closing(stores):
        account = stores.directory.find_account(address)
        with stores.mailboxes.open_reader(account.id) as box:
            names = {row.number: row.name for row in box.list_labels()}
            held, threads = [], {}
            for number, thread in box.list_messages(Query(limit=1_000_000, hidden=True)):
                row, raw = box.find_message(number), box.get_raw(number)
                labels = frozenset(names[label] for label in row.labels)
                held.append((raw, labels, row.internal_ms, box.find_draft_of(number) is not None))
                threads.setdefault(thread, set()).add(raw)
            key = lambda item: (item[0], item[2], sorted(item[1]))
            return sorted(held, key=key), sorted(map(sorted, threads.values()))


def raws_of(data, address):
    return sorted(raw for raw, *_ in mail_of(data, address)[0])
