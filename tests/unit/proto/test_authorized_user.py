"""Authorized-user files, and what a token endpoint answers."""

import json
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import ACCESS_TOKEN_MAX, OAUTH_FILE_MAX_BYTES, TOKEN_LIFE_S
from penfold.proto.authorized_user import (
    AuthorizedUser,
    Token,
    make_refresh_form,
    parse_authorized_user,
    parse_token_answer,
)

FILE = {
    "refresh_token": "1//r",
    "client_id": "id.apps",
    "client_secret": "pike&=",
    "token_uri": "https://Mail.example:8443/token?x=1",
    "type": "authorized_user",
    "expiry": "2026-01-01T00:00:00Z",
}


def test_a_file_of_google_auth_says_where_to_ask_and_with_what():
    user = parse_authorized_user(json.dumps(FILE).encode())
    assert (user.host, user.port, user.path) == ("mail.example", 8443, "/token?x=1")
    assert parse_qs(make_refresh_form(user).decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["1//r"],
        "client_id": ["id.apps"],
        "client_secret": ["pike&="],
    }
    assert "1//r" not in repr(user)
    assert "pike" not in repr(user)


def test_without_an_address_google_is_asked():
    plain = {"refresh_token": "r", "client_id": "c"}
    assert parse_authorized_user(json.dumps(plain).encode()) == AuthorizedUser(
        "oauth2.googleapis.com", 443, "/token", "c", "", "r"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"token_uri": "http://mail.example/token"}, "https", id="plain"),
        pytest.param({"token_uri": "https://a@mail.example/"}, "https", id="userinfo"),
        pytest.param({"token_uri": "https://mail.example:port/"}, "no address", id="port"),
        pytest.param({"token_uri": "https://[::1]/"}, "https", id="address"),
        pytest.param({"token_uri": "https://mail.example/\u00e9"}, "https", id="not-ascii"),
        pytest.param({"refresh_token": ""}, "empty", id="empty"),
        pytest.param({"refresh_token": 7}, "no authorized-user file", id="number"),
        pytest.param({"pad": "x" * OAUTH_FILE_MAX_BYTES}, "longer", id="long"),
    ],
)
def test_a_file_that_will_not_do_is_refused_in_words_without_its_secrets(change, words):
    with pytest.raises(ParseError, match=words) as caught:
        parse_authorized_user(json.dumps(FILE | change).encode())
    assert "pike" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "life_s"),
    [
        ({"expires_in": 3599}, 3599),
        ({"expires_in": "1800"}, 1800),
        ({"expires_in": 12.9}, 12),
        ({}, TOKEN_LIFE_S),
        ({"expires_in": -4}, TOKEN_LIFE_S),
        ({"expires_in": 1e300}, 86_400),
        ({"expires_in": "soon"}, TOKEN_LIFE_S),
    ],
)
def test_a_token_lives_as_long_as_it_says(answer, life_s):
    body = json.dumps({"access_token": "ya29.a-b_c~+/=="} | answer).encode()
    token = parse_token_answer(200, body)
    assert token == Token("ya29.a-b_c~+/==", life_s)
    assert "ya29" not in repr(token)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, b'{"error": "invalid_grant", "error_description": "Bad\\u0007 Request"}',
         "status 400, invalid_grant: Bad  Request"),
        (200, b"{}", "no access_token"),
        (200, b'{"access_token": "a b"}', "is none"),
        (200, b'{"access_token": "%s"}' % (b"a" * (ACCESS_TOKEN_MAX + 1)), "is none"),
        (503, b"<html>", "status 503 without an answer in JSON"),
    ],
)  # fmt: skip
def test_an_answer_without_a_token_says_why(status, body, words):
    with pytest.raises(ParseError, match=words):
        parse_token_answer(status, body)


@given(st.binary(max_size=300), st.integers(100, 599))
def test_anything_is_read_or_refused(raw, status):
    for parse in (parse_authorized_user, lambda raw: parse_token_answer(status, raw)):
        try:
            parse(raw)
        except ParseError:
            continue


WORDS = st.text(min_size=1, max_size=30)


@given(WORDS, WORDS, WORDS)
def test_whatever_the_secrets_are_the_form_carries_them(refresh, client, secret):
    raw = json.dumps(
        FILE | {"refresh_token": refresh, "client_id": client, "client_secret": secret}
    )
    form = parse_qs(make_refresh_form(parse_authorized_user(raw.encode())).decode())
    assert (form["refresh_token"], form["client_id"], form["client_secret"]) == (
        [refresh], [client], [secret],
    )  # fmt: skip
