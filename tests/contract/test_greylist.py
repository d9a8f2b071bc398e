"""The greylist in memory and on disk."""

import pytest
from tests.contract.greylist_contract import GreylistContract

from penfold.ports.greylist import Sighting
from penfold.store.sqlite.greylist import SqliteGreylist
from penfold.testing.greylist import MemoryGreylist


class TestMemoryGreylist(GreylistContract):
    @pytest.fixture
    def make(self):
        return MemoryGreylist


class TestSqliteGreylist(GreylistContract):
    @pytest.fixture
    def make(self, tmp_path):
        books = []

        def make_book(**options):
            books.append(SqliteGreylist(tmp_path / "greylist.db", **options))
            return books[-1]

        yield make_book
        for book in books:
            book.close()

    def test_it_survives_a_restart_and_still_knows_how_many_there_are(self, make):
        first = make(most=2)
        first.save(b"a", Sighting(1, 1, True))
        first.save(b"b", Sighting(2, 2, False))
        first.close()
        second = make(most=2)
        assert second.find(b"a") == Sighting(1, 1, True)
        second.save(b"c", Sighting(3, 3, False))
        assert [second.find(key) is not None for key in (b"a", b"b", b"c")].count(True) == 1
