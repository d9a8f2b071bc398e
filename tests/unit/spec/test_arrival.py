"""The names an operator and /metrics use are those of the rules and signs themselves."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from penfold.base.errors import ParseError
from penfold.domain.incoming.greylisting import Outcome
from penfold.domain.incoming.suspicion import SIGNS
from penfold.domain.incoming.verdict import RULES as VERDICT_RULES
from penfold.domain.incoming.verdict import Action, Policy, make_policy
from penfold.ports.scanning import Scanned
from penfold.proto.iprev import Iprev
from penfold.proto.mailauth.arc import ArcResult
from penfold.proto.mailauth.dmarc import DmarcResult
from penfold.proto.mailauth.outcome import Outcome as SignatureOutcome
from penfold.proto.mailauth.spf_record import Result
from penfold.spec.arrival import ACTIONS, NUMBERS, REASONS, RULES, parse_choice
from penfold.spec.metrics import ARRIVAL_RESULTS, GREYLIST, SCANS


def test_names_are_those_of_the_policy_the_rules_and_the_signs():
    assert set(RULES) | set(NUMBERS) == set(asdict(Policy()))
    assert set(RULES) == {rule.name for rule in VERDICT_RULES}
    signs = {sign.name for sign in SIGNS}
    assert set(REASONS) == set(RULES) | signs | {"too_many_points", "scanner"}
    assert len(ACTIONS) == len(Action)


def test_choices_become_a_policy_and_the_rest_stays_as_it_is():
    choices = map(
        parse_choice,
        ["dmarc_reject = spam", "no_ptr=later", "spam_points=never", "reject_points=15"],
    )
    policy = make_policy(choices)
    assert (policy.dmarc_reject, policy.no_ptr) == (Action.SPAM, Action.DEFER)
    assert (policy.spam_points, policy.reject_points) == (None, 15)
    assert policy.spf_fail is Policy().spf_fail


@pytest.mark.parametrize("text", ["", "=", "no_ptr", "no_ptr=", "no_ptr=REJECT", "spam_points=-1", "spam_points=²", "spam_points=99999999999", "x=spam"])  # fmt: skip
def test_what_is_no_choice_is_refused(text):
    with pytest.raises(ParseError):
        parse_choice(text)


@given(
    st.text(max_size=60)
    | st.sampled_from(RULES + NUMBERS).flatmap(
        lambda n: st.text(max_size=9).map(lambda v: f"{n}={v}")
    )
)
def test_every_text_is_a_choice_or_refused(text):
    try:
        name, value = parse_choice(text)
    except ParseError:
        return
    make_policy([(name, value)])


def labels_of(metric, label):
    return set(dict(metric.labels)[label])


def test_every_outcome_and_result_there_may_be_has_a_place_on_the_page_of_numbers():
    assert labels_of(GREYLIST, "outcome") == set(get_args(Outcome))
    assert labels_of(SCANS, "outcome") == set(get_args(Scanned.__annotations__["outcome"]))
    words = {*Result, *SignatureOutcome, *get_args(Iprev.__annotations__["result"])}
    words |= set(get_args(ArcResult.__annotations__["status"]))
    words |= set(get_args(DmarcResult.__annotations__["result"]))
    assert words == labels_of(ARRIVAL_RESULTS, "result")
