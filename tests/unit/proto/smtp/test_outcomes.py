"""Replies of the field and what they mean; replies.toml is the table."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import OUTCOME_WAIT_MAX_S
from penfold.proto.smtp.outcomes.classify import (
    RULES,
    Blame,
    Retry,
    classify,
    find_provider,
    find_wait_s,
    read_reply,
)
from penfold.proto.smtp.outcomes.providers import PROVIDERS
from penfold.proto.smtp.outcomes.rule import Kind
from penfold.proto.smtp.stage import Stage

TABLE = tomllib.loads((Path(__file__).parent / "replies.toml").read_text())
ROWS = [
    (provider, Stage(rest[0] if rest else "rcpt"), text, kind)
    for provider, group in TABLE.items()
    for text, kind, *rest in group["replies"]
]


def judge(text, *, stage=Stage.RCPT, provider=""):
    said = read_reply(text)
    return classify(stage, said.code, said.enhanced, text, provider=provider)


def test_the_table_is_long_and_says_where_its_replies_are_from():
    assert len(ROWS) >= 150
    assert len({text for _, _, text, _ in ROWS}) == len(ROWS)
    assert all(group["source"] for group in TABLE.values())


@pytest.mark.parametrize("group", TABLE)
def test_replies_mean_what_the_table_says(group):
    found = [
        (text, judge(text, stage=stage, provider=provider).kind.value)
        for provider, stage, text, _ in ROWS
        if provider == group
    ]
    assert found == [(text, kind) for provider, _, text, kind in ROWS if provider == group]


def test_nearly_every_reply_means_the_same_when_nobody_knows_the_provider():
    same = [judge(text, stage=stage).kind == kind for _, stage, text, kind in ROWS]
    assert sum(same) / len(same) > 0.9


def test_ids_of_rules_are_different_and_name_their_group():
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        group = rule.id.partition(".")[0]
        assert group == (rule.provider or group)
        assert bool(rule.provider) == (group not in ("stage", "words", "enhanced", "code"))
    known = {provider for _, provider in PROVIDERS}
    assert {rule.provider for rule in RULES} - {""} == known


def test_rules_come_in_the_order_of_their_groups():
    order = ["stage", "provider", "words", "enhanced", "code"]
    groups = [
        order.index("provider" if rule.provider else rule.id.partition(".")[0]) for rule in RULES
    ]
    assert groups == sorted(groups)


def test_the_first_digit_says_whether_it_is_permanent():
    assert judge("550 5.1.1 user unknown").permanent
    assert not judge("450 4.1.1 user unknown").permanent
    assert judge("550 5.1.1 user unknown").suppress is not None
    assert judge("450 4.1.1 user unknown").suppress is None


def test_being_too_fast_is_never_permanent_and_being_late_always_is():
    assert not judge("550 5.4.5 Daily user sending limit exceeded").permanent
    assert judge("4.4.7 message expired", stage=Stage.REPORT).permanent


def test_only_faults_of_an_address_suppress_it():
    for _, stage, text, _ in ROWS:
        outcome = judge(text, stage=stage)
        assert (outcome.suppress is not None) == (
            outcome.permanent and outcome.blame is Blame.ADDRESS
        )


@pytest.mark.parametrize(
    ("stage", "enhanced", "kind"),
    [
        (Stage.DNS, "5.1.2", Kind.BAD_DOMAIN),
        (Stage.DNS, "5.1.10", Kind.BAD_DOMAIN),
        (Stage.DNS, "4.4.3", Kind.NETWORK),
        (Stage.CONNECT, "4.4.1", Kind.NETWORK),
        (Stage.DATA, "", Kind.NETWORK),
        (Stage.DOT, "4.4.2", Kind.NETWORK),
        (Stage.STARTTLS, "4.7.5", Kind.NETWORK),
        (Stage.MAIL, "5.6.7", Kind.CONTENT_REJECTED),
        (Stage.MAIL, "5.3.4", Kind.MESSAGE_TOO_LARGE),
    ],
)
def test_attempt_without_a_reply_is_judged_by_what_was_seen(stage, enhanced, kind):
    assert classify(stage, 0, enhanced).kind is kind


def test_how_to_go_on_follows_from_the_class():
    assert judge("450 greylisted").retry is Retry.SAME_ADDRESS
    assert judge("421 4.7.0 too many connections").retry is Retry.SLOWER
    assert judge("503 5.5.1 bad sequence of commands").retry is Retry.NEW_CONNECTION
    assert judge("550 5.1.1 user unknown").retry is Retry.NO
    assert judge("451 4.4.1 connection timed out").retry is Retry.LATER


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("Greylisted, please try again in 300 seconds", 300),
        ("Greylisting in action, please come back in 00:04:59", 299),
        ("Greylisted for 5 minutes", 300),
        ("please retry after 60 sec", 60),
        ("Please try later (seconds: 59)", 59),
        ("try again in 1 hour", 3_600),
        ("wait 90s", 90),
        ("try again in 999999 hours", OUTCOME_WAIT_MAX_S),
        ("try again later", None),
        ("in 5 mailboxes", None),
        ("sent 100 messages in 0.5 seconds", None),
    ],
)
def test_time_to_wait_is_read_from_the_words(text, wait_s):
    assert find_wait_s(text) == wait_s


def test_time_to_wait_is_part_of_a_transient_outcome_only():
    assert judge("450 4.2.0 Greylisted, try again in 60 seconds").wait_s == 60
    assert judge("550 5.1.1 User unknown, try again in 60 seconds").wait_s is None


@pytest.mark.parametrize(
    ("text", "code", "enhanced"),
    [
        ("550 5.1.1 x", 550, "5.1.1"),
        ("550-5.7.26 x 550 5.7.26 y", 550, "5.7.26"),
        ("host mx.example.org[192.0.2.250] said: 452 4.2.2 full", 452, "4.2.2"),
        ("550 sorry (#5.1.1)", 550, "5.1.1"),
        ("550 #5.1.0 x", 550, "5.1.0"),
        ("4.4.7 expired", 0, "4.4.7"),
        ("192.0.2.550 nothing", 0, ""),
        ("250 messages, then 5.7.1", 0, "5.7.1"),
        ("nothing", 0, ""),
    ],
)
def test_codes_are_found_in_the_words_around_them(text, code, enhanced):
    said = read_reply(text)
    assert (said.code, said.enhanced) == (code, enhanced)


def test_provider_is_known_by_the_name_of_its_server():
    assert find_provider("ASPMX.L.Google.com.") == "google"
    assert find_provider("example-com.mail.protection.outlook.com") == "microsoft"
    assert find_provider("notgoogle.com") == ""
    assert find_provider("") == ""


def test_every_rule_is_shown_by_some_reply():
    shown = {judge(text, stage=stage, provider=p).rule for p, stage, text, _ in ROWS}
    shown |= {judge(text, stage=stage).rule for _, stage, text, _ in ROWS}
    shown |= {
        classify(Stage.RCPT, code, enhanced).rule
        for code in (0, 250, 421, 450, 452, 501, 521, 530, 550, 551, 552, 553, 556)
        for enhanced in ["", *(f"{c}.{s}.{d}" for c in "45" for s in range(8) for d in range(40))]
    }
    shown |= {classify(stage, code).rule for stage in Stage for code in (0, 450, 521, 550, 556)}
    assert {rule.id for rule in RULES} - shown == set()


@given(
    st.sampled_from(Stage),
    st.integers(0, 999),
    st.sampled_from(["", "5.1.1", "4.7.0", "x"]),
    st.text(max_size=300),
    st.sampled_from(["", "google", "nobody"]),
)
def test_any_reply_has_an_outcome(stage, code, enhanced, text, provider):
    outcome = classify(stage, code, enhanced, text, provider=provider)
    assert outcome.kind in Kind
    assert outcome.suppress is None or outcome.permanent
    read_reply(text)


def test_hostile_words_take_no_longer_than_their_length():
    for text in ("user " * 500, "account full" * 200, "a" * 100_000, "seconds: " * 300):
        assert judge(text).kind in Kind
