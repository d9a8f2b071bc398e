"""penfold domain: what it prints and what it changes."""

import pytest
from tests.unit.front.cli.test_commands import Bench

from penfold.base.errors import ConflictError, NotFoundError, ParseError
from penfold.domain.dns_advice.row import Report, Row
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


GOOD = Row(what="MX", name=NAME, ok=True, wanted=("a line",), found=("10 mx.",), advice="Fine so.")
LACKING = Row(what="SPF", name=NAME, ok=False, wanted=("b line",), advice="Add it.")
OPTIONAL = Row(what="TLS-RPT", name=NAME, ok=False, wanted=("c line",), required=False)
UNKNOWN = Row(what="DMARC", name=NAME, ok=None, wanted=("d line",), found=("x\x1b[2J",))


@pytest.mark.parametrize(
    ("rows", "code", "end"),
    [
        ([GOOD], 0, "All that mail needs is there."),
        ([GOOD, OPTIONAL], 0, "All that mail needs is there."),
        ([GOOD, LACKING], 1, "1 of 2 need a change or another look."),
        ([GOOD, UNKNOWN], 1, "1 of 2 need a change or another look."),
    ],
)
def test_a_check_ends_in_failure_when_mail_lacks_something(bench, rows, code, end):
    bench.report = Report(tuple(rows))
    result = bench.run("domain", "check", NAME)
    assert result.exit_code == code
    assert result.output.splitlines()[-1] == end


def test_a_check_shows_lines_to_paste_and_what_to_do(bench):
    bench.report = Report((GOOD, LACKING, OPTIONAL, UNKNOWN), ("p1",))
    shown = bench.run("domain", "check", NAME).output
    assert f"SPF {NAME}: missing. Add it.\n  wanted  b line" in shown
    assert f"TLS-RPT {NAME}: missing (optional).\n  wanted  c line" in shown
    assert f"MX {NAME}: ok. Fine so." in shown
    assert "a line" not in shown
    assert "\x1b" not in shown
    assert "signed with p1 from now on" in shown


def test_zone_lines_alone_can_be_asked_for(bench):
    bench.report = Report((GOOD, LACKING, OPTIONAL, UNKNOWN))
    result = bench.run("domain", "check", NAME, "--zone")
    assert result.output.splitlines() == ["b line", "c line"]


def test_programs_get_every_row_with_its_state(bench):
    bench.report = Report((GOOD, OPTIONAL))
    rows = bench.json("domain", "check", NAME)
    assert [(row["check"], row["ok"], row["state"]) for row in rows] == [
        ("MX", True, "ok"),
        ("TLS-RPT", False, "missing (optional)"),
    ]
    assert rows[0]["wanted"] == ["a line"]


def test_in_local_mode_the_lines_are_shown_and_nothing_fails(bench):
    bench.report = Report((LACKING, UNKNOWN), looked=False)
    shown = bench.out("domain", "check", NAME)
    assert "b line\nd line\n" in shown
    assert "Local mode" in shown
