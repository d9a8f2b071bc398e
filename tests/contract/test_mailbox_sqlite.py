"""The mailbox store on SQLite keeps the contract."""

import pytest
from tests.contract.mailbox_contract import MailboxContract

from penfold.store.blobs.local import LocalBlobs
from penfold.store.sqlite.mailboxes import SqliteMailboxes
from penfold.store.sqlite.packing import SqlitePacker


class TestMailboxSqlite(MailboxContract):
    @pytest.fixture
    def mailboxes(self, tmp_path):
        def fatal(error):
            raise AssertionError from error

        mailboxes = SqliteMailboxes(tmp_path, LocalBlobs(tmp_path / "blobs"), fatal=fatal)
        yield mailboxes
        mailboxes.close()

    @pytest.fixture
    def packer(self, tmp_path):
        return SqlitePacker(LocalBlobs(tmp_path / "blobs"))
