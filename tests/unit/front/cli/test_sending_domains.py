"""penfold sending domain: what it prints and what it changes."""

import pytest
from tests.unit.front.cli.test_commands import ACCOUNT, Bench

from penfold.base.errors import ConflictError, NotFoundError

NAME = "shop.example"
COMMAND = ("sending", "domain")


@pytest.fixture
def bench():
    bench = Bench()
    bench.identity.accounts.add(ACCOUNT)
    bench.added = bench.json(*COMMAND, "add", NAME)
    return bench


def test_a_domain_that_is_added_shows_the_records_to_publish(bench):
    assert [row["record"] for row in bench.added][:3] == ["Ownership", "DKIM", "DKIM"]
    assert f"_penfold.{NAME}" in str(bench.added)
    [listed] = bench.json(*COMMAND, "list")
    assert (listed["domain"], listed["status"]) == (NAME, "pending")


def test_a_check_says_whether_mail_may_be_sent(bench):
    selectors = [row["name"].partition(".")[0] for row in bench.added[1:3]]
    bench.dns = dict.fromkeys(("ownership", *selectors), "verified")
    shown = bench.json(*COMMAND, "check", NAME)
    assert [row["status"] for row in shown][:4] == ["verified"] * 3 + ["pending"]
    assert bench.json(*COMMAND, "list", "--account", ACCOUNT)[0]["status"] == "verified"
    assert len(bench.json(*COMMAND, "rotate", NAME)) == len(shown) + 2


def test_what_is_of_everybody_is_not_changed_for_one_account(bench):
    refused = bench.error(*COMMAND, "remove", NAME, "--account", ACCOUNT)
    assert isinstance(refused, NotFoundError)
    assert isinstance(bench.error(*COMMAND, "add", NAME), ConflictError)
    assert NAME in bench.out(*COMMAND, "remove", NAME)
    assert bench.json(*COMMAND, "list") == []
