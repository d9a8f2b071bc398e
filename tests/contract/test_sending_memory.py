"""The sending book in memory keeps the contract of the one on disk."""

import pytest
from tests.contract.sending_contract import SendingContract

from penfold.testing.sending.book import MemorySending


class TestMemorySending(SendingContract):
    @pytest.fixture(params=[False, True], ids=["once", "runs-twice"])
    def book(self, request):
        return MemorySending(runs_twice=request.param)
