"""The book of topics in memory keeps the contract of the one on disk."""

import pytest
from tests.contract.pubsub_contract import PubsubContract

from penfold.testing.pubsub import MemoryPubsub


class TestMemoryPubsub(PubsubContract):
    @pytest.fixture
    def make_book(self):
        return lambda max_bytes=1 << 30: MemoryPubsub(max_bytes=max_bytes)
