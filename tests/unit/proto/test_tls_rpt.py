"""Where reports on TLS go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.tls_rpt import parse_reporting


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([b"v=TLSRPTv1; rua=mailto:reports@example.com"], ("mailto:reports@example.com",)),
        ([b"v=TLSRPTv1;rua=mailto:a@b.example,https://c.example/d"],
         ("mailto:a@b.example", "https://c.example/d")),
        ([b"v=TLSRPTv1 ; x=y; rua = mailto:a@b.example , mailto:c@d.example ;"],
         ("mailto:a@b.example", "mailto:c@d.example")),
        ([b"v=spf1 -all", b"v=TLSRPTv1; rua=mailto:a@b.example"], ("mailto:a@b.example",)),
        ([b"v=TLSRPTv1; rua=mailto:a@b.example, ftp://x"], ("mailto:a@b.example",)),
        ([b"v=TLSRPTv1; rua=mailto:a@b.example"] * 2, ()),
        ([b"v=TLSRPTv1"], ()),
        ([b"v=TLSRPTv10; rua=mailto:a@b.example"], ()),
        ([b"v=TLSRPTv1; rua=a@b.example"], ()),
        ([b"v=TLSRPTv1; rua=mailto:a b"], ()),
        ([], ()),
    ],
)  # fmt: skip
def test_addresses_are_those_of_the_one_record(texts, found):
    assert parse_reporting(texts) == found


@given(
    st.lists(
        st.binary(max_size=40).map(lambda tail: b"v=TLSRPTv1;" + tail) | st.binary(max_size=9),
        max_size=3,
    )
)
def test_whatever_is_published_is_read_or_passed_over(texts):
    assert all(uri.isprintable() and uri.isascii() for uri in parse_reporting(texts))
