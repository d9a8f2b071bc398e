"""penfold sending stats: a table that fits a terminal, JSON as the API answers."""

import pytest
from tests.contract.sending_contract import event, new
from tests.unit.front.cli.test_commands import ACCOUNT, Bench

from penfold.front.cli.output import WrongUseError

COMMAND = ("sending", "stats", ACCOUNT, "--from", "2026-09-21", "--to", "2026-09-21")


@pytest.fixture
def bench():
    bench = Bench()
    account = bench.identity.accounts.add(ACCOUNT)

    def fill(writer):
        number = writer.add_email(new(account=account.id, stream="otp"))
        for kind in ("queued", "delivered"):
            writer.add_event(event(number, kind, account=account.id))

    bench.sending.keys.book.change(fill)
    return bench


def test_a_line_has_counts_with_their_share_and_seconds_to_deliver(bench):
    assert bench.out(*COMMAND, "--by", "day,stream") == (
        "2026-09-21\totp\t1\t0\t1 (100.0%)\t0 (0.0%)\t0 (0.0%)\t0 (0.0%)\t0 (0.0%)"
        "\t0.0011\t0.0011\n"
    )
    assert bench.out(*COMMAND, "--test") == ""


def test_json_has_all_that_the_api_answers(bench):
    shown = bench.json(*COMMAND)
    assert shown["data"][0]["rates"]["delivery_rate"]["denominator"] == 1


def test_what_is_wrong_is_said_by_the_name_of_the_option(bench):
    refused = bench.error("sending", "stats", ACCOUNT, "--by", "hour", "--to", "x")
    assert isinstance(refused, WrongUseError)
    assert str(refused).startswith("--to is not a day such as 2026-11-28; --by has none of")
