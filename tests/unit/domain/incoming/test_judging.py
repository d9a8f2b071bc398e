"""The judgement: the verdict and a scanner's opinion, the harder one counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.domain.envelope import Envelope
from penfold.domain.incoming.evidence import Evidence
from penfold.domain.incoming.findings import (
    Findings,
    is_author_authentic,
    make_evidence,
    write_fields,
)
from penfold.domain.incoming.judging import judge
from penfold.domain.incoming.verdict import Accept, Policy, Reject, Spam, make_policy
from penfold.ports.scanning import Opinion
from penfold.proto.iprev import Iprev
from penfold.proto.mailauth.arc import ArcResult
from penfold.proto.mailauth.author import Author, Unclear
from penfold.proto.mailauth.dkim import DkimResult
from penfold.proto.mailauth.dmarc import DmarcResult, Why
from penfold.proto.mailauth.outcome import Outcome
from penfold.proto.mailauth.results_read import parse_authentication_results
from penfold.proto.mailauth.spf import SpfResult
from penfold.proto.mailauth.spf_record import Result

NO_DMARC = DmarcResult(result="none", reason=Why.NO_RECORD, author_domain="x.example")


def evidence(**known):
    usual = {
        "client": "192.0.2.1", "author": Author("x.example", ("x.example",)), "dmarc": NO_DMARC,
        "spf": "pass", "spf_domain": "x.example",
    }  # fmt: skip
    return Evidence(**{**usual, **known})


CLEAN = evidence()
SPAM = evidence(listed=("a", "b"))
REFUSED = evidence(author=Author(problem=Unclear.MISSING))
LATER = evidence(author=Author(problem=Unclear.REPEATED))


@pytest.mark.parametrize(
    ("found", "action", "kind", "code", "scanned"),
    [
        (CLEAN, "accept", Accept, 0, False),
        (CLEAN, "spam", Spam, 0, True),
        (CLEAN, "defer", Reject, 451, True),
        (CLEAN, "reject", Reject, 550, True),
        (SPAM, "accept", Spam, 0, False),
        (SPAM, "spam", Spam, 0, True),
        (SPAM, "defer", Reject, 451, True),
        (REFUSED, "accept", Reject, 550, False),
        (REFUSED, "defer", Reject, 550, False),
        (LATER, "accept", Reject, 451, False),
        (LATER, "spam", Reject, 451, False),
        (LATER, "reject", Reject, 550, True),
    ],
)
def test_harder_one_of_verdict_and_opinion_counts(found, action, kind, code, scanned):
    policy = make_policy([("several_authors", "later")])
    verdict = judge(found, policy, Opinion(action, "said")).verdict
    assert isinstance(verdict, kind)
    assert getattr(verdict, "code", 0) == code
    assert any(reason.name == "scanner" for reason in verdict.reasons) is scanned


@pytest.mark.parametrize(
    ("found", "opinion", "spared"),
    [
        pytest.param(SPAM, None, True, id="by-points"),
        pytest.param(SPAM, Opinion("accept", "no action"), True, id="scanner-has-nothing"),
        pytest.param(SPAM, Opinion("spam", "add header"), False, id="scanner-says-so"),
        pytest.param(evidence(listed=("a", "b"), spf_domain="y.example"), None, False, id="not-authentic"),
        pytest.param(evidence(listed=("a", "b"), iprev="permerror"), None, False, id="by-rule"),
        pytest.param(CLEAN, None, False, id="no-spam"),
        pytest.param(REFUSED, None, False, id="refused"),
    ],
)  # fmt: skip
def test_acquaintance_makes_up_for_points_alone(found, opinion, spared):
    assert judge(found, Policy(), opinion).spares_known is spared


@pytest.mark.parametrize(
    ("known", "authentic"),
    [
        ({}, True),
        ({"spf": "softfail"}, False),
        ({"spf_domain": "bounces.x.example"}, False),
        ({"spf_domain": "y.example", "dkim_passed": ("x.example",)}, True),
        ({"author": Author("news.x.example", ("news.x.example",))}, True),
        ({"author": Author("ax.example", ("ax.example",))}, False),
        ({"author": Author(problem=Unclear.INVALID)}, False),
        ({"spf_domain": ""}, False),
    ],
)
def test_author_is_authentic_when_its_domain_or_one_above_stands_for_it(known, authentic):
    assert is_author_authentic(evidence(**known)) is authentic


def findings(**known):
    usual = {
        "author": Author("x.example", ("x.example",)), "spf": SpfResult(Result.PASS, "x.example", "mailfrom"),
        "dkim": (), "arc": ArcResult("none"), "dmarc": NO_DMARC, "iprev": Iprev("pass"),
    }  # fmt: skip
    return Findings(**{**usual, **known})


def envelope(sender="a@x.example", helo="mx.x.example"):
    return Envelope("s1", "192.0.2.1", helo, "ESMTP", sender, ("b@penfold.test",))


def test_failed_signature_of_a_key_under_test_counts_as_none():
    failed = DkimResult(Outcome.FAIL, "x.example", "s")
    tested = DkimResult(Outcome.FAIL, "x.example", "s", testing=True)
    assert make_evidence(findings(dkim=(failed,)), envelope()).dkim_failed
    assert not make_evidence(findings(dkim=(tested,)), envelope()).dkim_failed


def test_signature_that_cannot_be_read_is_not_shown():
    unread = DkimResult(Outcome.NEUTRAL, reason="no tag")
    assert b"dkim=" not in write_fields(findings(dkim=(unread,)), envelope(), authserv_id="mx.x")


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_nothing_a_stranger_says_ends_a_field_or_adds_a_result(sender, helo, reason):
    spf = SpfResult(Result.TEMPERROR, "x.example", "mailfrom", problem=reason)
    written = write_fields(findings(spf=spf), envelope(sender, helo), authserv_id="mx.x.example")
    lines = written.decode().split("\r\n")
    assert lines[0].startswith("Received-SPF: temperror")
    assert [line for line in lines if line[:1].strip()] == [
        lines[0], next(line for line in lines if line.startswith("Authentication-Results: ")),
    ]  # fmt: skip
    value = written.decode().partition("Authentication-Results:")[2].replace("\r\n", "")
    assert [each.method for each in parse_authentication_results(value).results] == ["spf"]


@pytest.mark.parametrize(
    ("opinion", "spared"),
    [(None, True), (Opinion("accept", "no action"), True), (Opinion("spam", "add header"), False)],
)
def test_a_report_is_spared_unless_a_scanner_calls_it_spam(opinion, spared):
    assert judge(SPAM, Policy(), opinion).spares_reports is spared
