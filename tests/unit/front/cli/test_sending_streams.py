"""penfold sending stream: what is listed, made, changed and refused."""

import pytest
from tests.unit.front.cli.test_commands import ACCOUNT, Bench

from penfold.front.cli.output import WrongUseError

SET, LIST = ("sending", "stream", "set", ACCOUNT), ("sending", "stream", "list", ACCOUNT)


@pytest.fixture
def bench():
    bench = Bench()
    bench.identity.accounts.add(ACCOUNT)
    return bench


def stream(bench, name):
    [found] = [one for one in bench.json(*LIST) if one["name"] == name]
    return found


def test_what_every_account_has_is_listed_first_and_a_line_is_for_pipes(bench):
    bench.out(*SET, "news")
    assert [one["name"] for one in bench.json(*LIST)] == [
        "transactional", "otp", "broadcast", "news",
    ]  # fmt: skip
    assert "otp\ttransactional\thigh\t900\t0\t\tno\tno\tno\tyes\n" in bench.out(*LIST)


def test_a_stream_is_made_then_changed_and_what_is_not_named_stays(bench):
    options = ("--kind", "broadcast", "--per-hour", "300", "--ttl", "60", "--warmup", "--opens")
    bench.out(*SET, "news", *options)
    made = stream(bench, "news")
    assert (made["kind"], made["priority"], made["unsubscribe"]) == ("broadcast", "low", True)
    assert (made["per_hour"], made["limit"], made["ttl"]) == (300, 20, 60)
    assert made["tracking"] == {"opens": True, "clicks": False}
    bench.out(*SET, "news", "--priority", "normal", "--no-warmup")
    changed = made | {"priority": "normal", "warmup_since": None, "limit": 300}
    assert stream(bench, "news") == changed


def test_one_that_every_account_has_is_changed_for_this_account(bench):
    bench.out(*SET, "otp", "--ttl", "60")
    otp = stream(bench, "otp")
    assert (otp["ttl"], otp["priority"], otp["built_in"]) == (60, "high", False)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("No Name",), "NAME has up to 64"),
        (("news", "--kind", "spam"), "--kind is one of"),
        (("news", "--priority", "first"), "--priority is one of high, normal, low"),
        (("news", "--per-hour", "-1", "--ttl", "-1"), "--per-hour is not between"),
        (("news", "--kind", "broadcast", "--no-unsubscribe"), "--unsubscribe is always true"),
    ],
)
def test_what_is_wrong_is_said_by_the_name_of_the_option(bench, wrong, said):
    error = bench.error(*SET, *wrong)
    assert isinstance(error, WrongUseError)
    assert said in str(error)
    assert len(bench.json(*LIST)) == 3


def test_an_account_that_is_not_there_is_named(bench):
    assert "nobody@penfold.test" in str(
        bench.error("sending", "stream", "list", "nobody@penfold.test").facts
    )
