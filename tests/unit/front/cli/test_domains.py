"""penfold domain: what it prints and what it changes."""

import pytest
from tests.unit.front.cli.test_commands import Bench

from penfold.base.errors import ConflictError, NotFoundError, ParseError
from penfold.front.cli.output import WrongUseError
from penfold.ports.identity import Domain

NAME = "example.org"


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def made(bench):
    bench.out("domain", "add", NAME)
    return bench


def test_a_domain_that_is_added_has_keys_that_wait(bench):
    made = bench.json("domain", "add", "Example.ORG")
    assert (made["domain"], made["accounts"], made["signs_with"]) == (NAME, 0, [])
    assert {row["state"] for row in bench.json("domain", "keys", NAME)} == {"waiting"}
    listed = [row["domain"] for row in bench.json("domain", "list")]
    assert sorted(listed) == [NAME, "penfold.test"]


def test_person_who_adds_a_domain_reads_what_comes_next(bench):
    assert f"penfold domain check {NAME}" in bench.out("domain", "add", NAME)


def test_keys_are_rotated_and_activated(made):
    begun = made.json("domain", "activate", NAME)
    assert {row["state"] for row in begun} == {"active"}
    listed = {row["domain"]: row["signs_with"] for row in made.json("domain", "list")}
    assert sorted(listed[NAME]) == sorted(row["selector"] for row in begun)
    shown = made.out("domain", "rotate", NAME)
    [waiting] = [row for row in made.json("domain", "keys", NAME) if row["algorithm"][0] == "e"
                 and row["state"] == "waiting"]  # fmt: skip
    assert f'{waiting["record_name"]}. IN TXT "v=DKIM1; k=ed25519; p=' in shown
    made.out("domain", "activate", NAME, waiting["selector"])
    states = [row["state"] for row in made.json("domain", "keys", NAME)]
    assert sorted(states) == ["active", "active", "retired", "waiting"]


def test_private_keys_are_not_printed(made):
    for row in made.json("domain", "keys", NAME):
        assert not {"sealed", "private"} & set(row)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("add", NAME), ConflictError),
        (("add", "not a name"), ParseError),
        (("keys", "elsewhere.example"), NotFoundError),
        (("rotate", NAME), ConflictError),
        (("activate", NAME, "p0"), NotFoundError),
        (("remove", "elsewhere.example", "--yes"), NotFoundError),
        (("remove", NAME), WrongUseError),
    ],
)
def test_what_cannot_be_done_is_an_error(made, arguments, error):
    assert isinstance(made.error("domain", *arguments), error)


def test_a_removed_domain_is_gone(made):
    made.out("domain", "remove", NAME, "--yes")
    assert made.identity.book.find(Domain, NAME) is None


def test_a_domain_with_accounts_stays(made):
    made.identity.accounts.add(f"kim@{NAME}")
    assert isinstance(made.error("domain", "remove", NAME, "--yes"), ConflictError)
