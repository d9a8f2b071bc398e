"""Authentication-Results and Received-SPF as they go out, and as they are read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import RESULT_PROPERTIES_MAX, RESULTS_MAX
from penfold.proto.mailauth.dmarc import DmarcResult, Why
from penfold.proto.mailauth.dmarc_record import DmarcRecord
from penfold.proto.mailauth.results import (
    ArcInfo,
    DkimInfo,
    SpfInfo,
    format_authentication_results,
    format_received_spf,
)
from penfold.proto.mailauth.results_read import (
    AuthenticationResults,
    Property,
    Result,
    parse_authentication_results,
    read_chain,
)
from penfold.proto.mime.words import strip_controls

ME = "mx.penfold.test"
DKIM = DkimInfo(result="pass", domain="x.example", selector="sel", signature="abcd\r\n efghij")
SPF = SpfInfo(result="pass", client="192.0.2.1", sender="a@x.example", helo="mail.x.example")
DMARC = DmarcResult(
    result="pass",
    reason=Why.ALIGNED,
    author_domain="x.example",
    record=DmarcRecord(p="reject", sp="none"),
)
ARC = ArcInfo(
    result="pass",
    instance=1,
    spf_domain="y.example",
    dkim_domain="z.example",
    from_domain="z.example",
)


def read(field):
    name, _, value = field.partition(":")
    assert name == "Authentication-Results"
    return parse_authentication_results(value.replace("\r\n", ""))


# --- writing ---------------------------------------------------------------------------


def test_a_field_has_the_shape_of_gmails():
    field = format_authentication_results(ME, dkim=[DKIM], arc=ARC, spf=SPF, dmarc=DMARC)
    assert field.split("\r\n") == [
        "Authentication-Results: mx.penfold.test;",
        "       dkim=pass header.i=@x.example header.s=sel header.b=abcdefgh;",
        "       arc=pass (i=1 spf=pass spfdomain=y.example dkim=pass dkdomain=z.example",
        "       dmarc=pass fromdomain=z.example);",
        "       spf=pass (mx.penfold.test: domain of a@x.example designates 192.0.2.1",
        "       as permitted sender) smtp.mailfrom=a@x.example;",
        "       dmarc=pass (p=REJECT sp=NONE dis=NONE) header.from=x.example",
        "",
    ]


def test_a_field_without_results_says_none():
    blank = DmarcResult(result="none", reason=Why.NO_RECORD, author_domain="x.example")
    field = format_authentication_results(ME, dmarc=blank)
    assert field == "Authentication-Results: mx.penfold.test;\r\n       none\r\n"
    assert read(field).results == ()


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("pass", "domain of a@x.example designates 192.0.2.1 as permitted sender"),
        ("fail", "domain of a@x.example does not designate 192.0.2.1 as permitted sender"),
        (
            "softfail",
            "domain of transitioning a@x.example does not designate 192.0.2.1 as permitted sender",
        ),
        ("neutral", "192.0.2.1 is neither permitted nor denied by domain of a@x.example"),
        ("none", "a@x.example does not designate permitted sender hosts"),
        ("temperror", "error in processing during lookup of a@x.example: DNS error"),
        ("permerror", "permanent error in processing during lookup of a@x.example: DNS error"),
    ],
)
def test_each_result_of_spf_is_told_in_gmails_words(result, text):
    info = SpfInfo(result=result, client="192.0.2.1", sender="a@x.example", helo="h.example")
    received = format_received_spf(ME, info).replace("\r\n      ", "")
    assert received == f"Received-SPF: {result} ({ME}: {text}) client-ip=192.0.2.1;\r\n"
    results = format_authentication_results(ME, spf=info).replace("\r\n      ", "")
    assert f"spf={result} ({ME}: {text}) smtp.mailfrom=a@x.example" in results


def test_the_null_sender_is_told_by_its_helo():
    info = SpfInfo(result="pass", client="2001:db8::1", sender="", helo="mail.x.example")
    field = format_authentication_results(ME, spf=info).replace("\r\n      ", "")
    assert "domain of postmaster@mail.x.example designates 2001:db8::1 as" in field
    assert read(field).results[0].find("smtp.helo") == "mail.x.example"
    assert format_received_spf(ME, info).endswith("client-ip=2001:db8::1;\r\n")


def test_reasons_are_comments():
    dkim = DkimInfo(
        result="fail", domain="x.example", selector="s", identity="a@b.x.example", reason="no (key)"
    )
    field = format_authentication_results(ME, dkim=[dkim], arc=ArcInfo(result="fail", reason="no"))
    assert "dkim=fail (no \\(key\\)) header.i=a@b.x.example header.s=s;" in field
    assert "arc=fail (no)" in field


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("abc/+==", '"abc/+=="'),
        ("abcdefgh", "abcdefgh"),
        ("a;b", '"a;b"'),
        ('a"\\b', '"a\\"\\\\b"'),
        ("a(b)", '"a(b)"'),
        ("a@b", "a@b"),
        ("a@b@c", '"a@b@c"'),
        ("a..b@c", '"a..b@c"'),
        ("prvs=1=a@x.example", '"prvs=1=a@x.example"'),
        ("a\r\nX: y", '"a??X: y"'),
        ("é", '"é"'),
        ("\ud800", '"?"'),
        ("", '""'),
    ],
)
def test_a_value_that_is_no_token_is_quoted(value, written):
    dkim = DkimInfo(result="pass", domain="x.example", selector=value)
    assert f"header.s={written}\r\n" in format_authentication_results(ME, dkim=[dkim])


CONTROLS = set(map(chr, [*range(32), *range(127, 160), 0x2028, 0x2029]))
TEXTS = st.one_of(
    st.text(max_size=20),
    st.text('ab.@;()"\\=,: \r\n\t/é', max_size=20),
    st.sampled_from(["", "a@b.example", "x" * 500, "a b " * 50, '"' * 300]),
)
dkims = st.builds(
    DkimInfo,
    result=st.sampled_from(["pass", "fail"]),
    domain=TEXTS,
    selector=TEXTS,
    signature=TEXTS,
    reason=TEXTS,
)
spfs = st.builds(
    SpfInfo,
    result=st.sampled_from(["pass", "fail", "neutral", "permerror", "odd"]),
    client=st.just("::1") | TEXTS,
    sender=TEXTS,
    helo=TEXTS,
    reason=TEXTS,
)
arcs = st.builds(
    ArcInfo,
    result=st.sampled_from(["pass", "fail"]),
    instance=st.integers(0, 50),
    spf_domain=TEXTS,
)


def plain(text):
    """What a value becomes: controls are question marks."""
    return re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", "?", text[:400])


@given(st.lists(dkims, max_size=2), arcs, spfs)
def test_what_is_written_is_read_whatever_the_values(dkim, arc, spf):
    field = format_authentication_results(ME, dkim=dkim, arc=arc, spf=spf, dmarc=DMARC)
    lines = field.removesuffix("\r\n").split("\r\n")
    assert not any(set(line) & CONTROLS for line in lines)
    assert all(line.startswith("       ") and line.strip() for line in lines[1:])
    assert all(
        len(line) <= 78 or " " not in line.strip().partition(" ")[2] or '"' in line
        for line in lines
    )
    found = read(field)
    assert found.authserv_id == ME
    methods = [*("dkim" for _ in dkim), "arc", "spf", "dmarc"]
    assert [result.method for result in found.results] == methods
    for given_one, result in zip(dkim, found.results, strict=False):
        assert result.result == given_one.result
        assert result.find("header.s") == shown(given_one.selector)
    spf_result = found.results[len(dkim) + 1]
    name, value = ("mailfrom", spf.sender) if spf.sender else ("helo", spf.helo)
    assert spf_result.properties == (Property("smtp", name, shown(value)),)


def shown(text):
    """As a reader shows it: characters that cannot be printed are gone, odd blanks plain."""
    return strip_controls(plain(text))


def test_no_value_makes_a_line_longer_than_a_line_may_be():
    long = "\\" * 99_999
    dkim = DkimInfo(result="pass", domain=long, selector=long, signature=long, reason=long)
    spf = SpfInfo(result=long, client=long, sender=long, helo=long, reason=long)
    field = format_authentication_results(ME, dkim=[dkim], spf=spf) + format_received_spf(ME, spf)
    assert max(map(len, field.split("\r\n"))) <= 998  # RFC 5322 §2.1.1


@given(spfs)
def test_received_spf_is_one_field_whatever_the_values(spf):
    field = format_received_spf(ME, spf)
    first, *more = field.removesuffix("\r\n").split("\r\n")
    assert first.startswith(f"Received-SPF: {spf.result} ({ME}:")
    assert all(line.startswith("       ") and line.strip() for line in more)
    assert field.endswith(";\r\n")


# --- reading ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "authserv_id", "results"),
    [
        ("example.org 1; none", "example.org", ()),
        ("example.org;none", "example.org", ()),
        ("example.com", "example.com", ()),
        ('"example.com" ; none', "example.com", ()),
        (
            "example.com; spf=pass smtp.mailfrom=example.net",
            "example.com",
            (Result("spf", "pass", "", (Property("smtp", "mailfrom", "example.net"),)),),
        ),
        (  # much like the comment-heavy example of RFC 8601, appendix B.7
            "foo.example.net (foobar) 1 (baz); dkim (I like it) / 1 (yay) = (wait for it) fail policy (A dot (can) go here) . (like that) expired (x) = (well) 1362471462",
            "foo.example.net",
            (Result("dkim", "fail", "", (Property("policy", "expired", "1362471462"),)),),
        ),
        (
            'a.example; dkim=fail reason="bad; really" header.i="a b"@x.example header.b="a/b="',
            "a.example",
            (
                Result(
                    "dkim", "fail", "bad; really",
                    (Property("header", "i", '"a b"@x.example'), Property("header", "b", "a/b=")),
                ),
            ),
        ),
        (
            "a.example; DKIM/2=Pass; =x; header.from=y; ; spf fail; x = y z",
            "a.example",
            (Result("dkim", "pass", version=2), Result("x", "y")),
        ),
        ("mx.microsoft 1; arc=none", "mx.microsoft", (Result("arc", "none"),)),
    ],
)  # fmt: skip
def test_a_field_is_read(value, authserv_id, results):
    found = parse_authentication_results(value)
    assert found == AuthenticationResults(authserv_id, results)


@pytest.mark.parametrize(
    "value",
    ["", ";", "  ; none", "(only a comment); none", "a b; none", "a.example 2; none", '"a; none',
     "a.example(x; none", "spf=pass smtp.mailfrom=x; dkim=none", '""; none', "a/b; none", "a 1 1; none"],
)  # fmt: skip
def test_a_field_without_an_id_or_in_another_version_is_refused(value):
    with pytest.raises(ParseError):
        parse_authentication_results(value)


def test_what_is_read_is_bounded():
    many = parse_authentication_results("a.example;" + "spf=pass;" * 1_000)
    assert len(many.results) == RESULTS_MAX
    long = parse_authentication_results("a.example; spf=pass" + " a.b=c" * 1_000)
    assert len(long.results[0].properties) == RESULT_PROPERTIES_MAX


@given(TEXTS)
def test_any_field_is_read_or_refused(text):
    try:
        found = parse_authentication_results(text)
    except ParseError:
        return
    assert found.authserv_id
    for result in found.results:
        assert result.method
        assert "." not in result.method


def test_a_chain_is_told_by_what_passed_where_its_last_set_was_made():
    results = (
        "mx.google.com; dkim=fail header.i=@w.example; dkim=pass header.i=@x.example header.s=s; "
        "spf=pass (google.com: domain of b@y.example designates ::1) smtp.mailfrom=b@y.example; "
        "dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=x.example"
    )
    chain = read_chain("pass", instance=2, results=results)
    assert format_authentication_results(ME, arc=chain).replace("\r\n      ", "") == (
        "Authentication-Results: mx.penfold.test; arc=pass (i=2 spf=pass spfdomain=y.example "
        "dkim=pass dkdomain=x.example dmarc=pass fromdomain=x.example)\r\n"
    )


@pytest.mark.parametrize(
    "results",
    ["", "a.example; spf=fail smtp.mailfrom=a@b.example; dkim=pass; dmarc=pass header.from=(x)",
     "a.example; spf=pass smtp.mailfrom=@; dkim=pass header.d=-"],
)  # fmt: skip
def test_a_chain_that_says_nothing_names_no_domain(results):
    assert read_chain("pass", instance=1, results=results) == ArcInfo(result="pass", instance=1)
