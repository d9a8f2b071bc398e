"""The published SPF test suite, every case of it: `tests/corpus/spf-rfc7208.json` names its source."""

import json
from pathlib import Path

import pytest
from tests.unit.proto.mailauth.zone import Zone

from penfold.proto.dns import run_check
from penfold.proto.mailauth.spf import check_spf

SUITE = json.loads((Path(__file__).parents[3] / "corpus" / "spf-rfc7208.json").read_text())
CASES = {
    f"{scenario['description']}: {name}": (case, scenario["zone"])
    for scenario in SUITE["scenarios"]
    for name, case in scenario["tests"].items()
}
#: Cases whose result we do not give, and why; none now.
DEVIATIONS = {}
#: Where the suite takes either of two results, ours.
CHOSEN = {
    "invalid-domain-empty-label": "fail",  # a name nobody can ask for is not there
    "invalid-domain-long": "fail",
    "invalid-domain-long-via-macro": "fail",
    "multispf1": "permerror",  # our resolver's answers keep identical records apart
    "ptr-limit": "neutral",  # names after the tenth are ignored, in the order they came
    "p-macro-multiple": "pass",  # a name in the domain comes first
}
#: Explanation of a case that is to have none of the domain's own.
DEFAULT = "DEFAULT"


def run_case(case, zone):
    return run_check(
        check_spf(ip=case["host"], helo=case["helo"], sender=case["mailfrom"]), Zone(zone)
    )


def test_the_suite_is_whole():
    assert len(CASES) == 203
    assert set(DEVIATIONS) <= set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_case_of_the_published_suite_has_one_of_its_results(name):
    case, zone = CASES[name]
    found = run_case(case, zone)
    assert found.result in DEVIATIONS.get(name, case["result"]), found
    if "explanation" in case:
        expected = case["explanation"]
        assert found.explanation == ("" if expected == DEFAULT else expected)
    assert (found.problem != "") == (found.result in {"none", "permerror", "temperror"}), found


def test_where_the_suite_leaves_a_choice_ours_is_known():
    chosen = {
        name.partition(": ")[2]: str(run_case(case, zone).result)
        for name, (case, zone) in CASES.items()
        if len(case["result"]) > 1
    }
    assert chosen == CHOSEN
