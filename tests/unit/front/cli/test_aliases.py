"""penfold alias: what it prints and what it changes."""

import pytest
from tests.unit.front.cli.test_commands import ACCOUNT, Bench

from penfold.base.errors import NotFoundError

ALIAS = "sales@penfold.test"


@pytest.fixture
def bench():
    bench = Bench()
    bench.out("user", "add", ACCOUNT)
    return bench


def test_an_alias_is_added_listed_and_removed(bench):
    assert f"{ALIAS} leads to {ACCOUNT} now" in bench.out(
        "alias", "add", "Sales@penfold.test", ACCOUNT
    )
    [row] = bench.json("alias", "list")
    assert (row["alias"], row["account"]) == (ALIAS, ACCOUNT)
    assert "it led to 1 account." in bench.out("alias", "remove", ALIAS)
    assert bench.json("alias", "list") == []


def test_a_catch_all_is_an_alias(bench):
    made = bench.json("alias", "add", "*@penfold.test", ACCOUNT)
    assert made["alias"] == "*@penfold.test"
    assert "it led to 1 account." in bench.out("alias", "remove", "*@penfold.test", ACCOUNT)


def test_an_alias_that_is_not_there_cannot_be_removed(bench):
    assert isinstance(bench.error("alias", "remove", ALIAS), NotFoundError)
    assert isinstance(bench.error("alias", "remove", ALIAS, "x@penfold.test"), NotFoundError)
