"""The book of reports in memory."""

import pytest
from tests.contract.reports_contract import ReportsContract

from penfold.testing.reports import MemoryReports


class TestMemoryReports(ReportsContract):
    @pytest.fixture
    def book(self):
        return MemoryReports()

    @pytest.fixture
    def small(self):
        return MemoryReports(most=3)
