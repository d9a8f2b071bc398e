"""Parameters of MAIL and RCPT: what is offered is read strictly, the rest is refused."""

import contextlib
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.smtp.parameters import (
    MailOptions,
    ReportRequest,
    parse_mail_parameters,
    parse_rcpt_parameters,
)
from penfold.proto.smtp.profile import make_mx_profile, make_submission_profile
from penfold.proto.smtp.replies import RefusedError
from penfold.proto.smtp.xtext import format_envid, format_orcpt

MX = make_mx_profile(hostname="mx.box.example", domain="box.example", starttls=True)
SUBMISSION = make_submission_profile(hostname="mx.box.example", domain="box.example", starttls=True)
TLS, CLEAR = MX.offers(tls=True), MX.offers(tls=False)


def refusal(parse, tail, offered=TLS):
    with pytest.raises(RefusedError) as caught:
        parse(tail, offered)
    return caught.value.reply.wire.decode()


@pytest.mark.parametrize(
    ("tail", "size", "options"),
    [
        pytest.param(b"SIZE=5", 5, MailOptions(), id="size"),
        pytest.param(b"BODY=binarymime", 0, MailOptions(body="BINARYMIME"), id="binary"),
        pytest.param(b"requiretls", 0, MailOptions(require_tls=True), id="tls"),
        pytest.param(b"RET=hdrs", 0, MailOptions(ret="HDRS"), id="ret"),
        pytest.param(b"ENVID=QQ314+2B159", 0, MailOptions(envid="QQ314+159"), id="envid"),
        pytest.param(b"AUTH=<>", 0, MailOptions(), id="auth-is-not-trusted"),
        pytest.param(
            b"SMTPUTF8 BODY=8BITMIME RET=FULL SIZE=7 ENVID=x",
            7,
            MailOptions(body="8BITMIME", utf8=True, ret="FULL", envid="x"),
            id="all",
        ),
    ],
)
def test_what_mail_asks_for_is_read(tail, size, options):
    parameters = parse_mail_parameters(tail, TLS)
    assert (parameters.size, parameters.options) == (size, options)


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        pytest.param(b"NOTIFY=NEVER", ReportRequest(("NEVER",)), id="never"),
        pytest.param(
            b"NOTIFY=delay,SUCCESS", ReportRequest(("SUCCESS", "DELAY")), id="in-one-order"
        ),
        pytest.param(
            b"ORCPT=RFC822;a+2Bb@c.example",
            ReportRequest((), "rfc822", "a+b@c.example"),
            id="orcpt",
        ),
        pytest.param(
            "ORCPT=utf-8;é@c.example".encode(),
            ReportRequest((), "utf-8", r"\x{E9}@c.example"),
            id="utf8-as-it-is",
        ),
        pytest.param(
            rb"ORCPT=utf-8;\x{E9}@c.example",
            ReportRequest((), "utf-8", r"\x{E9}@c.example"),
            id="utf8-escaped",
        ),
    ],
)
def test_what_rcpt_asks_for_is_read(tail, expected):
    assert parse_rcpt_parameters(tail, TLS) == expected


@pytest.mark.parametrize(
    ("tail", "start"),
    [
        pytest.param(b"RET", "501 5.5.4 RET", id="ret-without-value"),
        pytest.param(b"RET=BODY", "501 5.5.4 RET", id="ret-unknown"),
        pytest.param(b"ENVID", "501 5.5.4 ENVID", id="envid-without-value"),
        pytest.param(b"ENVID=a+0D+0Ab", "501 5.5.4 ENVID", id="envid-with-a-line-end"),
        pytest.param(b"ENVID=a+2g", "501 5.5.4 ENVID", id="envid-not-hexadecimal"),
        pytest.param(b"ENVID=" + b"x" * 101, "501 5.5.4 ENVID", id="envid-too-long"),
        pytest.param(b"BODY=9BIT", "501 5.5.4 Parameter", id="body-unknown"),
        pytest.param(b"REQUIRETLS=yes", "501 5.5.4 Parameter", id="a-value-too-many"),
        pytest.param(b"RET=FULL ret=FULL", "501 5.5.4 Parameter", id="twice"),
        pytest.param(b"MT-PRIORITY=3", "555 5.5.4 Parameter", id="not-offered"),
        pytest.param(b"BY=5;R", "555 5.5.4 Parameter", id="deliverby-is-not-offered"),
        pytest.param(b"NOTIFY=NEVER", "555 5.5.4 Parameter", id="belongs-to-rcpt"),
    ],
)
def test_a_bad_parameter_of_mail_is_refused_by_its_name(tail, start):
    assert refusal(parse_mail_parameters, tail).startswith(start)


@pytest.mark.parametrize(
    ("tail", "start"),
    [
        pytest.param(b"NOTIFY", "501 5.5.4 NOTIFY", id="notify-without-value"),
        pytest.param(b"NOTIFY=ALWAYS", "501 5.5.4 NOTIFY", id="notify-unknown"),
        pytest.param(b"NOTIFY=SUCCESS,", "501 5.5.4 NOTIFY", id="notify-open-end"),
        pytest.param(b"NOTIFY=NEVER,DELAY", "501 5.5.4 NOTIFY", id="never-and-something"),
        pytest.param(b"ORCPT=a@b.example", "501 5.5.4 ORCPT", id="orcpt-without-type"),
        pytest.param(b"ORCPT=rfc822;", "501 5.5.4 ORCPT", id="orcpt-empty"),
        pytest.param(b"ORCPT=rfc822;\xc3\xa9@b", "501 5.5.4 ORCPT", id="orcpt-not-ascii"),
        pytest.param(b"ORCPT=utf-8;\xff@b", "501 5.5.4 ORCPT", id="orcpt-not-utf8"),
        pytest.param("ORCPT=utf-8;a\u2028b".encode(), "501 5.5.4 ORCPT", id="orcpt-line-end"),
        pytest.param(rb"ORCPT=utf-8;a\x{0A}b", "501 5.5.4 ORCPT", id="orcpt-escaped-line-end"),
        pytest.param(rb"ORCPT=utf-8;a\x{D800}b", "501 5.5.4 ORCPT", id="orcpt-no-character"),
        pytest.param(b"ORCPT=rfc822;" + b"x" * 500, "501 5.5.4 ORCPT", id="orcpt-too-long"),
        pytest.param(b"RET=FULL", "555 5.5.4 Parameter", id="belongs-to-mail"),
    ],
)
def test_a_bad_parameter_of_rcpt_is_refused_by_its_name(tail, start):
    assert refusal(parse_rcpt_parameters, tail).startswith(start)


def test_requiretls_without_tls_is_told_what_is_missing():
    assert refusal(parse_mail_parameters, b"REQUIRETLS", CLEAR).startswith("530 5.7.0 REQUIRETLS")


@pytest.mark.parametrize("tail", [b"BODY=BINARYMIME", b"RET=FULL", b"ENVID=x", b"REQUIRETLS"])
def test_a_listener_that_does_not_offer_it_does_not_take_it(tail):
    silent = dataclasses.replace(SUBMISSION, reports=False, requires_tls=False)
    assert refusal(parse_mail_parameters, tail, silent.offers(tls=True))[0] == "5"


# --- any octets ---------------------------------------------------------------------------------

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60)
TAILS = st.sampled_from([b"", b"ENVID=", b"ORCPT=rfc822;", b"ORCPT=utf-8;", b"NOTIFY=", b"RET="])


@given(PRINTABLE)
def test_an_envelope_id_we_wrote_is_read_as_what_it_was(text):
    with contextlib.suppress(ValueError):  # too long when encoded
        tail = b"ENVID=" + format_envid(text).encode("ascii")
        assert parse_mail_parameters(tail, TLS).options.envid == text


@given(TAILS, st.binary(max_size=60))
def test_any_parameters_are_read_or_refused_and_what_is_kept_can_be_printed(start, octets):
    tail = (start + octets).strip()
    with contextlib.suppress(RefusedError):
        envid = parse_mail_parameters(tail, TLS).options.envid
        assert envid.isascii()
        assert envid.isprintable()
    with contextlib.suppress(RefusedError):
        report = parse_rcpt_parameters(tail, TLS)
        assert report.original.isascii()
        assert report.original.isprintable()
        original = report.find_original()
        assert (original is None) == (not report.original_type)
        if original is not None:
            orcpt = format_orcpt(original, utf8=False).encode("ascii")
            again = parse_rcpt_parameters(b"ORCPT=" + orcpt, TLS)
            assert (again.original, again.find_original()) == (report.original, original)
