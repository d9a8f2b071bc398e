"""A store of this test's own, and what it reported as fatal."""

import pytest
from tests.contract.mail import MAILBOX
from tests.contract.mailbox_contract import Box
from tests.unit.store.failing import FailingFile, FailingVFS

from penfold.store.blobs.local import LocalBlobs
from penfold.store.sqlite.mailboxes import SqliteMailboxes


@pytest.fixture
def fatal():
    return []


@pytest.fixture
def open_mailboxes(tmp_path, fatal):
    """Return a function that opens the data directory, as one more process would."""
    opened = []

    def open_one(**options):
        blobs = LocalBlobs(tmp_path / "data" / "blobs")
        mailboxes = SqliteMailboxes(tmp_path / "data", blobs, fatal=fatal.append, **options)
        opened.append(mailboxes)
        return mailboxes

    yield open_one
    for mailboxes in opened:
        mailboxes.close()


@pytest.fixture
def mailboxes(open_mailboxes):
    return open_mailboxes()


@pytest.fixture
def box(mailboxes):
    mailboxes.create(MAILBOX)
    return Box(mailboxes, MAILBOX)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def failing():
    """Set this and no write-ahead log of the file system "failing" can be synced."""
    vfs = FailingVFS()
    yield FailingFile.failing
    FailingFile.failing.clear()
    vfs.unregister()
