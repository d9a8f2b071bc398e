"""The queue in memory keeps the contract of the one on disk."""

import pytest
from tests.contract.queue_contract import QueueContract

from penfold.testing.queue import MemoryQueue


class TestMemoryQueue(QueueContract):
    @pytest.fixture
    def queue(self):
        return MemoryQueue()
