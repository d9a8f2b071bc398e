"""What becomes of a message, by what is known of it and by the operator's settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from penfold.base.limits import BLOCKLISTS_COUNTED_MAX
from penfold.domain.incoming.evidence import Evidence
from penfold.domain.incoming.suspicion import SIGNS, weigh
from penfold.domain.incoming.verdict import RULES, Accept, Action, Policy, Reject, Spam, decide
from penfold.proto.mailauth.author import Author, Unclear
from penfold.proto.mailauth.dmarc import DmarcResult, Why
from penfold.proto.mailauth.dmarc_record import DmarcRecord
from penfold.proto.smtp.replies import make_reply

AUTHOR = Author("x.example", ("x.example",))
NO_DMARC = DmarcResult(result="none", reason=Why.NO_RECORD, author_domain="x.example")


def dmarc(result, policy="none", disposition="none"):
    return DmarcResult(
        result=result, reason=Why.ALIGNED, author_domain="x.example", policy_domain="x.example",
        record=DmarcRecord(p=policy), policy=policy, disposition=disposition,
    )  # fmt: skip


def evidence(**known):
    usual = {
        "client": "192.0.2.1",
        "author": AUTHOR,
        "dmarc": NO_DMARC,
        "spf": "pass",
        "spf_domain": "b.example",
        "dkim_passed": ("x.example",),
    }
    return Evidence(**{**usual, **known})


BARE = {"spf": "none", "dkim_passed": ()}
MOST_TOLERANT = Policy(**{rule.name: Action.ACCEPT for rule in RULES}, spam_points=None)

# what is known, what becomes of it, the names of all reasons
CASES = {
    "authentic": ({"dmarc": dmarc("pass", "reject")}, Accept, "author_authentic signature_passes spf_passes"),
    "authentic-for-none": ({"dmarc": dmarc("pass")}, Accept, "signature_passes spf_passes"),
    "no-dmarc": ({}, Accept, "signature_passes spf_passes"),
    "dmarc-reject": ({**BARE, "dmarc": dmarc("fail", "reject", "reject")}, Reject, "dmarc_reject unauthenticated spf_none unauthenticated"),
    "dmarc-quarantine": ({"dmarc": dmarc("fail", "quarantine", "quarantine")}, Spam, "dmarc_quarantine signature_passes spf_passes"),
    "dmarc-reject-tested": ({"dmarc": dmarc("fail", "reject", "quarantine")}, Spam, "dmarc_quarantine signature_passes spf_passes"),
    "dmarc-none": ({"dmarc": dmarc("fail")}, Accept, "signature_passes spf_passes"),
    "dmarc-reject-forwarded": ({"dmarc": dmarc("fail", "reject", "reject"), "chain_trusted": True}, Accept, "signature_passes spf_passes chain_trusted"),
    "dmarc-undecided": ({"dmarc": dmarc("temperror", "reject")}, Accept, "dmarc_undecided signature_passes spf_passes"),
    "dmarc-policy-unknown": ({"dmarc": dmarc("temperror")}, Accept, "signature_passes spf_passes"),
    "spf-fail": ({"spf": "fail", "dkim_passed": ()}, Spam, "spf_fail unauthenticated spf_fail unauthenticated"),
    "spf-fail-signed": ({"spf": "fail"}, Accept, "signature_passes spf_fail"),
    "spf-softfail-signed": ({"spf": "softfail"}, Accept, "signature_passes spf_softfail"),
    "spf-permerror-signed": ({"spf": "permerror"}, Accept, "signature_passes spf_permerror"),
    "unauthenticated": (BARE, Spam, "unauthenticated spf_none unauthenticated"),
    "broken-signature": ({"dkim_passed": (), "dkim_failed": True}, Accept, "spf_passes signature_broken"),
    "one-broken-of-two": ({"dkim_failed": True}, Accept, "signature_passes spf_passes"),
    "spf-undecided": ({"spf": "temperror", "dkim_passed": ()}, Accept, "unauthenticated"),
    "no-ptr": ({"iprev": "permerror"}, Spam, "no_ptr signature_passes spf_passes no_ptr"),
    "ptr-elsewhere": ({"iprev": "fail"}, Accept, "signature_passes spf_passes ptr_elsewhere"),
    "ptr-undecided": ({"iprev": "temperror"}, Accept, "signature_passes spf_passes"),
    "listed": ({"listed": ("a",)}, Accept, "signature_passes spf_passes listed"),
    "listed-twice": ({"listed": ("a", "b")}, Spam, "signature_passes spf_passes listed"),
    "listed-but-known": ({"listed": ("a", "b"), "known": True}, Accept, "signature_passes spf_passes author_known listed"),
    "no-author": ({"author": Author(problem=Unclear.MISSING)}, Reject, "no_author signature_passes spf_passes author_unclear"),
    "bad-author": ({"author": Author(problem=Unclear.INVALID)}, Reject, "no_author signature_passes spf_passes author_unclear"),
    "two-authors": ({"author": Author(problem=Unclear.SEVERAL)}, Reject, "several_authors signature_passes spf_passes author_unclear"),
    "two-from-fields": ({"author": Author(problem=Unclear.REPEATED)}, Reject, "several_authors signature_passes spf_passes author_unclear"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_message_becomes(case):
    known, outcome, names = case
    verdict = decide(evidence(**known), Policy())
    assert type(verdict) is outcome
    assert " ".join(reason.name for reason in verdict.reasons) == names
    assert verdict.score == sum(reason.points for reason in verdict.reasons)


REFUSALS = {
    "dmarc_reject": ({"dmarc": dmarc("fail", "reject", "reject")}, 550, "5.7.26", "x.example"),
    "dmarc_quarantine": ({"dmarc": dmarc("fail", "reject", "quarantine")}, 550, "5.7.26", "x.example"),
    "dmarc_undecided": ({"dmarc": dmarc("temperror", "reject")}, 451, "4.7.26", "temporary DNS"),
    "spf_fail": ({"spf": "fail", "dkim_passed": ()}, 550, "5.7.26", "MAIL FROM domain [b.example]"),
    "unauthenticated": (BARE, 550, "5.7.26", "SPF [b.example] with ip: [192.0.2.1] = did not pass"),
    "no_ptr": ({"iprev": "permerror"}, 550, "5.7.25", "PTR"),
    "no_author": ({"author": Author(problem=Unclear.INVALID)}, 550, "5.7.1", "valid address"),
    "several_authors": ({"author": Author(problem=Unclear.SEVERAL)}, 550, "5.7.1", "multiple"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_each_rule_does_what_its_setting_says(name):
    known, code, enhanced, words = REFUSALS[name]
    found = evidence(**known)
    assert type(decide(found, MOST_TOLERANT)) is Accept
    assert type(decide(found, replace(MOST_TOLERANT, **{name: Action.SPAM}))) is Spam
    refused = decide(found, replace(MOST_TOLERANT, **{name: Action.REJECT}))
    assert (refused.code, refused.enhanced) == (code, enhanced)
    assert words in "\n".join(refused.lines)
    deferred = decide(found, replace(MOST_TOLERANT, **{name: Action.DEFER}))
    assert (deferred.code, deferred.enhanced) == (451, f"4{enhanced[1:]}")


def test_every_rule_has_a_setting_and_a_test():
    assert {rule.name for rule in RULES} == set(REFUSALS)
    assert {rule.name for rule in RULES} <= set(Policy.__struct_fields__)


def test_the_hardest_rule_gives_the_reply_and_all_are_told():
    found = evidence(**BARE, iprev="permerror", dmarc=dmarc("fail", "reject", "reject"))
    verdict = decide(found, Policy(no_ptr=Action.SPAM))
    assert verdict.enhanced == "5.7.26"
    assert {"no_ptr", "dmarc_reject"} <= {reason.name for reason in verdict.reasons}
    assert (
        decide(found, Policy(no_ptr=Action.REJECT, dmarc_reject=Action.SPAM)).enhanced == "5.7.25"
    )


def test_points_alone_can_refuse():
    found = evidence(listed=("a", "b", "c"))
    assert type(decide(found, Policy())) is Spam
    refused = decide(found, Policy(reject_points=10))
    assert (refused.code, refused.enhanced) == (550, "5.7.1")
    assert type(decide(found, Policy(reject_points=11))) is Spam
    assert type(decide(found, Policy(spam_points=None))) is Accept


def test_lists_beyond_a_few_add_nothing():
    some = weigh(evidence(listed=("a",) * BLOCKLISTS_COUNTED_MAX))
    assert weigh(evidence(listed=("a",) * 99)) == some


def test_one_sign_alone_is_never_enough_by_default():
    assert max(sign.points for sign in SIGNS) < Policy().spam_points


found_things = st.builds(
    Evidence,
    client=st.just("2001:db8::1"),
    author=st.sampled_from([AUTHOR, *(Author(problem=problem) for problem in Unclear)]),
    dmarc=st.sampled_from(
        [NO_DMARC, dmarc("pass", "reject"), dmarc("pass"), dmarc("fail"), dmarc("temperror"),
         dmarc("fail", "reject", "reject"), dmarc("fail", "quarantine", "quarantine")]
    ),
    spf=st.sampled_from(["pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"]),
    spf_domain=st.sampled_from(["", "b.example", "{author}", "é\r\n" * 300]),
    dkim_passed=st.sampled_from([(), ("x.example",)]),
    dkim_failed=st.booleans(),
    iprev=st.sampled_from(["pass", "fail", "permerror", "temperror"]),
    chain_trusted=st.booleans(),
    known=st.booleans(),
    listed=st.sampled_from([(), ("a",), ("a", "b")]),
)  # fmt: skip
policies = st.builds(
    Policy,
    **{rule.name: st.sampled_from(Action) for rule in RULES},
    spam_points=st.none() | st.integers(-5, 15),
    reject_points=st.none() | st.integers(-5, 15),
)


@given(found_things, policies)
def test_a_domain_that_asks_for_none_changes_nothing(found, policy):
    asked = replace(found, dmarc=dmarc("fail"))
    passed = replace(found, dmarc=dmarc("pass"))
    assert decide(asked, policy) == decide(passed, policy)
    assert decide(asked, policy) == decide(replace(found, dmarc=NO_DMARC), policy)


@given(found_things, policies)
def test_a_refusal_is_one_reply_of_smtp(found, policy):
    verdict = decide(found, policy)
    if isinstance(verdict, Reject):
        lines = make_reply(verdict.code, verdict.enhanced, *verdict.lines).wire.split(b"\r\n")
        assert len(lines) == len(verdict.lines) + 1
        assert str(verdict.code)[0] == verdict.enhanced[0]


@given(found_things, policies)
def test_another_blocklist_never_makes_it_better(found, policy):
    order = [Accept, Spam, Reject]
    worse = replace(found, listed=(*found.listed, "z"))
    before, after = decide(found, policy), decide(worse, policy)
    assert order.index(type(after)) >= order.index(type(before))
    assert after.score > before.score
