"""The mailboxes in memory keep the contract of those on disk."""

import pytest
from tests.contract.mailbox_contract import MailboxContract

from penfold.testing.mailbox import MemoryMailboxes, MemoryPacker


class TestMemoryMailboxes(MailboxContract):
    @pytest.fixture
    def mailboxes(self):
        return MemoryMailboxes()

    @pytest.fixture
    def packer(self):
        return MemoryPacker()
