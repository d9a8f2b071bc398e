"""What clients say inside AUTH."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.smtp.replies import RefusedError
from penfold.proto.smtp.sasl import (
    Bearer,
    Exchange,
    Login,
    decode_response,
    parse_oauthbearer,
    parse_plain,
    parse_xoauth2,
)

FIELD = st.text(st.characters(exclude_characters="\0\x01", codec="utf-8"), min_size=1, max_size=20)


@given(FIELD, FIELD)
def test_plain_gives_back_name_and_password(name, password):
    text = decode_response(base64.b64encode(f"\0{name}\0{password}".encode()))
    assert parse_plain(text) == Login("PLAIN", name, password)


@given(FIELD)
def test_xoauth2_gives_back_the_name(name):
    assert parse_xoauth2(f"user={name}\x01auth=Bearer t.-_~+/=\x01\x01") == Bearer(
        "XOAUTH2", name, "t.-_~+/="
    )


def test_oauthbearer_decodes_the_name():
    text = "n,a=a=2Cb=3Dc@x,\x01host=h\x01auth=Bearer t\x01\x01"
    assert parse_oauthbearer(text) == Bearer("OAUTHBEARER", "a,b=c@x", "t")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("user=a\x01auth=Bearer t\x01", id="one-end"),
        pytest.param("user=a\x01\x01", id="no-token"),
        pytest.param("user=a\x01auth=Basic t\x01\x01", id="other-scheme"),
        pytest.param("user=a\x01auth=Bearer a b\x01\x01", id="space-in-token"),
        pytest.param("user=a\x01user=b\x01auth=Bearer t\x01\x01", id="twice"),
        pytest.param("auth=Bearer t\x01\x01", id="no-user"),
    ],
)
def test_a_malformed_xoauth2_is_refused(text):
    with pytest.raises(RefusedError):
        parse_xoauth2(text)


@given(
    st.sampled_from(["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"]), st.lists(st.binary(max_size=60))
)
def test_an_exchange_ends_or_goes_on_but_never_breaks(mechanism, lines):
    exchange = Exchange(mechanism)
    with contextlib.suppress(RefusedError):
        for line in lines:
            exchange.step(line)
            exchange.step(base64.b64encode(line))
