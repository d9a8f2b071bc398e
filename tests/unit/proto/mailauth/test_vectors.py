"""Messages signed by others: what the RFCs and dkimpy say of them, and what we do."""

import tomllib
from pathlib import Path

import pytest

from penfold.proto.dns import Answer, Status, run_check
from penfold.proto.mailauth.arc import verify_arc
from penfold.proto.mailauth.dkim import verify_dkim

TABLE = tomllib.loads((Path(__file__).parents[3] / "corpus" / "dkim.toml").read_text())
#: Before the signature expires that has the earliest x=.
NOW_S = 1_600_000_000


def look_up(question):
    record = TABLE["keys"].get(question.name)
    return Answer(Status.FOUND, (record.encode(),)) if record else Answer(Status.ABSENT)


def octets(case):
    return case["message"].replace("\n", "\r\n").encode()


@pytest.mark.parametrize("case", TABLE["dkim"], ids=lambda case: case["name"])
def test_a_signature_fares_as_its_maker_says_or_there_is_a_reason(case):
    results = run_check(verify_dkim(octets(case), now_s=NOW_S), look_up)
    assert [result.result.value for result in results] == case["ours"]
    assert [result.reason == "" for result in results] == [ours == "pass" for ours in case["ours"]]
    agree = case["says"] == [ours == "pass" for ours in case["ours"]]
    assert agree != ("why" in case)


@pytest.mark.parametrize("case", TABLE["arc"], ids=lambda case: case["name"])
def test_a_chain_fares_as_its_maker_says(case):
    result = run_check(verify_arc(octets(case), now_s=NOW_S), look_up)
    assert result.status == case["ours"] == case["says"]
    assert (result.reason == "") == (result.status == "pass")


@pytest.mark.parametrize("case", TABLE["dkim"][:2], ids=lambda case: case["name"])
def test_every_octet_of_an_example_of_the_rfcs_counts_but_blanks(case):
    """Changed letter by letter, below the signatures, none of them may hold."""
    raw = octets(case)
    start = raw.index(b"\r\nFrom: ") + 2
    for at in range(start, len(raw), 7):
        if raw[at : at + 1].isalpha():
            changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
            results = run_check(verify_dkim(changed, now_s=NOW_S), look_up)
            assert all(result.result != "pass" for result in results), raw[at : at + 20]
