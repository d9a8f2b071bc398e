"""MTA-STS: records, policy files, names."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.proto.dns import Answer, Question, Status, run_check
from penfold.proto.mta_sts import (
    Kept,
    Mode,
    Policy,
    Step,
    choose_step,
    find_own_id,
    find_policy_id,
    is_named,
    parse_policy,
    parse_record,
    policy_url,
    print_policy,
    print_sts_record,
)

FILE = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([b"v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        ([b"v=STSv1;id=1"], "1"),
        ([b"v=STSv1 \t; id=a1 ; x.y-z_0=any:thing; "], "a1"),
        ([b"v=STSv1; x=y; id=a1"], "a1"),
        ([b"v=STSv1; id=a; id=b"], "a"),
        ([b"google-site-verification=x", b"v=STSv1; id=a", b"v=spf1 -all"], "a"),
        ([], None),
        ([b"v=STSv1; id=a", b"v=STSv1; id=a"], None),
        ([b"v=STSv1; id=a", b"v=STSv1; broken"], None),
        ([b"v=STSv10; id=a"], None),
        ([b"V=STSv1; id=a"], None),
        ([b"v=stsv1; id=a"], None),
        ([b" v=STSv1; id=a"], None),
        ([b"id=a; v=STSv1;"], None),
        ([b"v=STSv1;"], None),
        ([b"v=STSv1; id="], None),
        ([b"v=STSv1; id=a-b"], None),
        ([b"v=STSv1; id=" + b"a" * 33], None),
        ([b"v=STSv1; id=" + b"a" * 32], "a" * 32),
        ([b"v=STSv1; id=a; \xff=b"], None),
        ([b"v=STSv1; id=a x=b"], None),
        ([b"v=STSv1; id = a"], None),
        ([b"v=STSv1;; id=a"], None),
    ],
)
def test_record_has_one_id_or_says_nothing(texts, found):
    assert parse_record(texts) == found


def test_record_is_asked_for_below_the_domain():
    answers = {
        Question("_mta-sts.example.com", "TXT"): Answer(Status.FOUND, (b"v=STSv1; id=7",)),
        Question("_mta-sts.example.net", "TXT"): Answer(Status.FAILED),
    }
    look_up = answers.__getitem__
    assert run_check(find_policy_id("example.com"), look_up) == "7"
    assert run_check(find_policy_id("example.net"), look_up) is None
    assert policy_url("example.com") == "https://mta-sts.example.com/.well-known/mta-sts.txt"


def test_policy_is_read():
    policy = Policy(Mode.ENFORCE, 604_800, ("mail.example.com", "*.example.net"))
    assert parse_policy(FILE) == policy
    assert parse_policy(FILE.replace(b"\r\n", b"\n")) == policy
    assert parse_policy(FILE.replace(b"mail.", b"MAIL.").rstrip()) == policy


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (b"enforce", b"testing", Policy(Mode.TESTING, 604_800, ("mail.example.com", "*.example.net"))),
        (b"604800", b"9999999999", Policy(Mode.ENFORCE, 31_557_600, ("mail.example.com", "*.example.net"))),
        (b"604800", b"0", Policy(Mode.ENFORCE, 0, ("mail.example.com", "*.example.net"))),
        (b"mx: *.example.net", b"x-new: anything: at all", Policy(Mode.ENFORCE, 604_800, ("mail.example.com",))),
        (b"mode: enforce", b"mode:enforce \r\nmode: none", Policy(Mode.ENFORCE, 604_800, ("mail.example.com", "*.example.net"))),
    ],
)  # fmt: skip
def test_policy_says_what_its_fields_say(old, new, changed):
    assert parse_policy(FILE.replace(old, new)) == changed


def test_policy_of_mode_none_needs_no_hosts():
    body = b"version: STSv1\nmode: none\nmax_age: 86400\n"
    assert parse_policy(body) == Policy(Mode.NONE, 86_400)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"STSv1", b"STSv2"),
        (b"version: STSv1", b""),
        (b"mode: enforce", b""),
        (b"enforce", b"Enforce"),
        (b"enforce", b"strict"),
        (b"max_age: 604800", b""),
        (b"604800", b"-1"),
        (b"604800", b"1" * 11),
        (b"604800", "٦".encode()),
        (b"mx: mail.example.com\r\nmx: *.example.net", b""),
        (b"*.example.net", b"*example.net"),
        (b"*.example.net", b"*.*.example.net"),
        (b"*.example.net", b"mail.*.net"),
        (b"*.example.net", b"*"),
        (b"*.example.net", b".example.net"),
        (b"*.example.net", b"a" * 64 + b".net"),
        (b"*.example.net", b"[192.0.2.1]"),
        (b"*.example.net", "bücher.example".encode()),
        (b"mx: *.example.net", b"no field"),
        (b"mx: *.example.net", b"\xff: x"),
        (b"mx: *.example.net", b"mx: a.example\r\n" * 1_001),
        (b"mx: *.example.net", b"x: " + b"a" * 65_536),
        (FILE, b""),
        (FILE, b"<html></html>"),
    ],
)
def test_malformed_policy_counts_as_none(old, new):
    with pytest.raises(ParseError):
        parse_policy(FILE.replace(old, new))


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("mail.example.com", True),
        ("mx.example.net", True),
        ("other.example.com", False),
        ("example.net", False),
        ("a.b.example.net", False),
        ("xexample.net", False),
        ("mail.example.com.evil.example", False),
        (".example.net", False),
        ("net", False),
        ("", False),
    ],
)
def test_host_is_named_by_itself_or_by_a_star_for_its_first_label(host, named):
    assert is_named(parse_policy(FILE), host) is named


KEPT = Kept(Policy(Mode.ENFORCE, 100, ("a",)), "7", fetched_ms=0)


@pytest.mark.parametrize(
    ("kept", "policy_id", "now_ms", "step"),
    [
        (None, None, 0, Step.NOTHING),
        (None, "7", 0, Step.FETCH),
        (KEPT, "7", 99_999, Step.KEEP),
        (KEPT, "7", 100_000, Step.FETCH),
        (KEPT, "8", 0, Step.FETCH),
        (KEPT, None, 99_999, Step.KEEP),
        (KEPT, None, 100_000, Step.NOTHING),
    ],
)
def test_policy_is_fetched_when_it_is_new_or_old(kept, policy_id, now_ms, step):
    assert choose_step(kept, policy_id, now_ms=now_ms) is step


LABEL = st.text("abyz09", min_size=1, max_size=8)
HOST = st.lists(LABEL, min_size=2, max_size=4).map(".".join)


@settings(max_examples=40)
@given(
    st.sampled_from([Mode.ENFORCE, Mode.TESTING]),
    st.integers(0, 31_557_600),
    st.lists(st.builds(str.__add__, st.sampled_from(["", "*."]), HOST), min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n"]),
)
def test_printed_policy_is_read_back(mode, age_s, names, end):
    lines = ["version: STSv1", f"mode: {mode}", f"max_age: {age_s}", *(f"mx: {n}" for n in names)]
    assert parse_policy(end.join(lines).encode()) == Policy(mode, age_s, tuple(names))


@given(st.binary(max_size=200), st.integers(0, len(FILE)))
def test_any_octets_are_a_policy_or_refused(octets, at):
    for body in (octets, FILE[:at] + octets + FILE[at:]):
        with contextlib.suppress(ParseError):
            assert parse_policy(body).names is not None
    parse_record([octets, b"v=STSv1;" + octets])


NAMES = st.sampled_from(["mx.example.org", "*.example.org", "a-1.b.c.example", "x"])
POLICIES = st.builds(
    Policy,
    st.sampled_from(Mode),
    st.integers(0, 31_557_600),
    st.lists(NAMES, min_size=1, max_size=4).map(tuple),
)


@given(POLICIES)
def test_a_policy_of_ours_is_read_as_it_was_meant(policy):
    assert parse_policy(print_policy(policy)) == policy
    assert parse_record([print_sts_record(policy).encode()]) == find_own_id(policy)


@given(POLICIES, POLICIES)
def test_the_id_of_our_record_changes_with_the_policy(one, other):
    assert (find_own_id(one) == find_own_id(other)) == (one == other)


def test_a_policy_of_ours_has_the_lines_of_the_standard():
    policy = Policy(Mode.TESTING, 86_400, ("mx.example.org",))
    assert print_policy(policy) == (
        b"version: STSv1\r\nmode: testing\r\nmx: mx.example.org\r\nmax_age: 86400\r\n"
    )
