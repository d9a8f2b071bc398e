"""Fields that claim our authserv-id in mail from outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import RESULTS_FIELDS_MAX
from penfold.proto.mailauth.forged import find_forged, rename_forged
from penfold.proto.mailauth.results import format_authentication_results
from penfold.proto.mime.compose import header_values

ME = "mx.penfold.test"


def message(*values, name=b"Authentication-Results"):
    fields = b"".join(name + b":" + value + b"\r\n" for value in values)
    return (
        b"Received: by x\r\n"
        + fields
        + b"Subject: x\r\n\r\nAuthentication-Results: mx.penfold.test; x=y\r\n"
    )


@pytest.mark.parametrize(
    "value",
    [
        b" mx.penfold.test; dkim=pass",
        b"mx.penfold.test;dkim=pass",
        b" MX.Penfold.TEST; dkim=pass",
        b" mx.penfold.test.; dkim=pass",
        b' "mx.penfold.test"; dkim=pass',
        b' "mx.penfold.test "; dkim=pass',
        b' "mx\\.penfold.test"; dkim=pass',
        b" (hello (there)) mx.penfold.test (x); dkim=pass",
        b"\r\n mx.penfold.test;\r\n\tdkim=pass",
        b"\r\n\tmx.penfold.test\r\n 1; none",
        b" mx.penfold.test 1; none",
        b" mx.penfold.test",
        "\uff4dx.penfold\u3002test; dkim=pass".encode(),
        b" mx.penfo\0ld.test; dkim=pass",
        # whose they are cannot be read, or in which version
        b"",
        b" ; dkim=pass",
        b" dkim=pass header.i=@x",
        b" mx.penfold.test(; dkim=pass",
        b' "mx.penfold.test; dkim=pass',
        b" mx.penfold.test = ; dkim=pass",
        b" mx.penfold.test x; dkim=pass",
        b" other.example 2; dkim=pass",
        b" other.example/mx.penfold.test; dkim=pass",
        b" " + b"(x)" * 1_000 + b" other.example; dkim=pass",
    ],
)
def test_a_field_that_claims_to_be_ours_is_found_and_renamed(value):
    raw = message(b" other.example; spf=pass", value)
    ((start, end),) = find_forged(raw, ME)
    assert raw[start:end] == b"Authentication-Results:" + value + b"\r\n"
    renamed = rename_forged(raw, ME)
    assert renamed == raw[:start] + b"X-Original-" + raw[start:]
    assert find_forged(renamed, ME) == []
    assert header_values(renamed, "Authentication-Results") == ["other.example; spf=pass"]


@pytest.mark.parametrize(
    "value",
    [
        b" other.example; dkim=pass",
        b" penfold.test; dkim=pass",
        b" mx.penfold.test.example; dkim=pass",
        b" smx.penfold.test; dkim=pass",
        b" other.example (mx.penfold.test); dkim=pass",
        b" other.example; x=mx.penfold.test",
        "bücher.example; none".encode(),
    ],
)
def test_a_field_of_others_stays(value):
    raw = message(value)
    assert find_forged(raw, ME) == []
    assert rename_forged(raw, ME) is raw


@pytest.mark.parametrize(
    "name", [b"authentication-results", b"AUTHENTICATION-RESULTS", b"Authentication-Results \t"]
)
def test_the_name_may_be_spelt_in_any_way(name):
    assert len(find_forged(message(b" mx.penfold.test; x=y", name=name), ME)) == 1


@pytest.mark.parametrize(
    "name", [b"X-Authentication-Results", b"ARC-Authentication-Results", b"Authentication-Result"]
)
def test_fields_of_other_names_stay(name):
    assert find_forged(message(b" mx.penfold.test; x=y", name=name), ME) == []


def test_hole_2026_014_a_forged_field_behind_a_byte_order_mark_is_renamed():
    raw = b"Authentication-Results: mx.penfold.test; dmarc=pass\r\nFrom: a@b.example\r\n\r\nx\r\n"
    mark = b"\xef\xbb\xbf"
    assert rename_forged(mark + raw, ME) == mark + b"X-Original-" + raw


def test_an_id_beyond_ascii_is_compared_in_a_labels():
    raw = message("mx.bücher.example; x=y".encode())
    assert find_forged(raw, "mx.xn--bcher-kva.example")
    assert find_forged(message(b"mx.xn--bcher-kva.example; x=y"), "mx.bücher.example")


def test_of_very_many_fields_the_rest_is_renamed_unread():
    raw = message(*[b" other.example; x=y"] * (RESULTS_FIELDS_MAX + 3))
    assert len(find_forged(raw, ME)) == 3


def test_what_we_write_is_ours():
    raw = format_authentication_results(ME).encode() + b"Subject: x\r\n\r\n"
    assert find_forged(raw, ME) == [(0, raw.index(b"Subject"))]


PIECES = st.sampled_from(
    [b"Authentication-Results", b"X: y", b": ", b":", b"mx.penfold.test", b"; ", b"\r\n", b"\n",
     b" ", b"\t", b"(", b")", b'"', b"\\", b"1", b"x=y", b"\0", b"--", "é".encode()]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_renaming_leaves_nothing_of_ours_and_every_octet_else(raw):
    spans = find_forged(raw, ME)
    renamed = rename_forged(raw, ME)
    assert find_forged(renamed, ME) == []
    assert len(renamed) == len(raw) + len(spans) * len(b"X-Original-")
    assert renamed.replace(b"X-Original-", b"") == raw
    for value in header_values(renamed, "Authentication-Results"):
        assert value.partition(";")[0].strip().casefold() != ME
