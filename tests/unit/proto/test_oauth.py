"""OAuth's shapes: parameters, PKCE, client login, redirects, tokens."""

import base64
import contextlib
import itertools
import os
import random
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.proto.oauth import (
    ACCESS_PREFIX,
    ClientLogin,
    OAuthError,
    add_to_query,
    app_password_digest,
    check_registrable,
    check_verifier,
    is_loopback,
    make_app_password,
    make_token,
    make_user_code,
    make_word,
    matches_redirect,
    parse_authorization_request,
    parse_client_login,
    parse_user_code,
    read_parameters,
    s256,
)

#: RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
BASIC = {
    "client_id": "c",
    "redirect_uri": "http://localhost/",
    "response_type": "code",
    "scope": "openid email",
}


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


# --- parameters


def test_a_repeated_parameter_is_refused():
    with pytest.raises(OAuthError, match="single value: state"):
        read_parameters([("state", "a"), ("scope", "x"), ("state", "a")])


def test_an_empty_parameter_counts_as_absent():
    assert read_parameters([("a", ""), ("b", "1")]) == {"b": "1"}


def test_a_full_request_is_read():
    request = parse_authorization_request(
        BASIC
        | {
            "state": "s p+%",
            "access_type": "offline",
            "prompt": "consent select_account",
            "include_granted_scopes": "true",
            "login_hint": "a@b.c",
            "nonce": "n",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
    )
    assert request.scopes == ("openid", "email")
    assert (request.state, request.offline, request.nonce) == ("s p+%", True, "n")
    assert request.prompt == {"consent", "select_account"}
    assert request.include_granted
    assert (request.login_hint, request.challenge) == ("a@b.c", CHALLENGE)


@pytest.mark.parametrize(
    ("access_type", "offline"), [(None, None), ("online", False), ("offline", True)]
)
def test_access_type_says_whether_a_refresh_token_is_wanted(access_type, offline):
    given = BASIC | ({"access_type": access_type} if access_type else {})
    assert parse_authorization_request(given).offline is offline


def test_the_older_spelling_of_prompt_consent_is_understood():
    request = parse_authorization_request(BASIC | {"approval_prompt": "force"})
    assert request.prompt == {"consent"}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"client_id": None}, "invalid_request", "Missing required parameter: client_id"),
        ({"redirect_uri": None}, "invalid_request", "Missing required parameter: redirect_uri"),
        ({"scope": None}, "invalid_request", "Missing required parameter: scope"),
        ({"response_type": None}, "invalid_request", "Missing required parameter: response_type"),
        ({"response_type": "token"}, "unsupported_response_type", "response_type=code"),
        ({"response_type": "code id_token"}, "unsupported_response_type", "response_type=code"),
        ({"response_mode": "fragment"}, "invalid_request", "response_mode"),
        ({"access_type": "always"}, "invalid_request", "access_type: always"),
        ({"prompt": "login"}, "invalid_request", "prompt: login"),
        ({"prompt": "none consent"}, "invalid_request", "prompt"),
        ({"code_challenge": CHALLENGE}, "invalid_request", "S256"),
        (
            {"code_challenge": CHALLENGE, "code_challenge_method": "plain"},
            "invalid_request",
            "S256",
        ),
        ({"code_challenge_method": "S256"}, "invalid_request", "code_challenge"),
        (
            {"code_challenge": CHALLENGE[:-1], "code_challenge_method": "S256"},
            "invalid_request",
            "code_challenge",
        ),
        (
            {"code_challenge": CHALLENGE[:-1] + "=", "code_challenge_method": "S256"},
            "invalid_request",
            "code_challenge",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_request_in_error_is_refused_by_name(change, error, words):
    given = {name: value for name, value in (BASIC | change).items() if value is not None}
    with pytest.raises(OAuthError, match=re.escape(words)) as refused:
        parse_authorization_request(given)
    assert refused.value.error == error


# --- PKCE


def test_the_example_of_the_standard():
    assert s256(VERIFIER) == CHALLENGE
    check_verifier(CHALLENGE, VERIFIER)
    check_verifier("", "")


@pytest.mark.parametrize(
    ("challenge", "verifier", "words"),
    [
        (CHALLENGE, "", "Missing code verifier."),
        (CHALLENGE, VERIFIER[:-1] + "l", "Invalid code verifier."),
        (CHALLENGE, CHALLENGE, "Invalid code verifier."),
        ("", VERIFIER, "Invalid code verifier."),
        (s256("a" * 42), "a" * 42, "Invalid code verifier."),
        (s256("a" * 129), "a" * 129, "Invalid code verifier."),
        (s256("a" * 42 + "+"), "a" * 42 + "+", "Invalid code verifier."),
        (s256("a" * 42 + "é"), "a" * 42 + "é", "Invalid code verifier."),
    ],
    ids=["absent", "wrong", "challenge itself", "unasked", "short", "long", "alphabet", "letters"],
)
def test_a_verifier_that_does_not_fit_is_refused(challenge, verifier, words):
    with pytest.raises(OAuthError, match=re.escape(words)) as refused:
        check_verifier(challenge, verifier)
    assert refused.value.error == "invalid_grant"


@given(st.text("abcXYZ019-._~", min_size=43, max_size=128))
def test_every_verifier_opens_its_challenge(verifier):
    check_verifier(s256(verifier), verifier)


# --- client login


def test_a_client_is_named_in_the_body_or_the_header():
    body = {"client_id": "c", "client_secret": "s"}
    assert parse_client_login(body, None) == ClientLogin("c", "s")
    assert parse_client_login({}, basic("c:s")) == ClientLogin("c", "s")
    assert parse_client_login({"client_id": "c"}, basic("c:s")) == ClientLogin("c", "s")
    assert parse_client_login({}, basic("a%3Ab:s%2B+1")) == ClientLogin("a:b", "s+ 1")
    assert parse_client_login(body, "Bearer x") == ClientLogin("c", "s")


@pytest.mark.parametrize(
    ("body", "header", "error"),
    [
        ({}, None, "invalid_request"),
        ({"client_id": "d"}, basic("c:s"), "invalid_client"),
        ({"client_secret": "t"}, basic("c:s"), "invalid_client"),
        ({}, "Basic ***", "invalid_client"),
        ({}, "Basic é", "invalid_client"),
        ({}, "Basic", "invalid_client"),
        ({}, basic("no colon"), "invalid_client"),
        ({}, "Basic " + base64.b64encode(b"\xff:\xff").decode(), "invalid_client"),
    ],
    ids=[
        "none",
        "other id",
        "other secret",
        "not base64",
        "not ASCII",
        "empty",
        "no colon",
        "not UTF-8",
    ],
)
def test_an_unclear_client_is_refused(body, header, error):
    with pytest.raises(OAuthError) as refused:
        parse_client_login(body, header)
    assert refused.value.error == error


# --- redirects

REGISTERED = "https://c.example/cb"


def test_a_registered_address_matches_itself():
    assert matches_redirect(REGISTERED, [REGISTERED], desktop=False)


@pytest.mark.parametrize(
    "uri",
    [
        "https://c.example/cb/",
        "https://c.example/cb?x=1",
        "https://c.example/CB",
        "https://c.example:443/cb",
        "https://c.example/cb%2f..",
        "https://c.example/cb#f",
        "//c.example/cb",
        "https://c.example@evil.example/cb",
        "https://c.example.evil.example/cb",
        "https://c.example/cb\\",
        "https://user@c.example/cb",
        "http://c.example/cb",
        "https://с.example/cb",
        "",
        "http://localhost/cb",
        "javascript:alert(1)",
    ],
)
def test_anything_else_does_not_match(uri):
    assert not matches_redirect(uri, [REGISTERED], desktop=False)
    assert not matches_redirect(uri, [REGISTERED], desktop=True)


BARE = ("http://localhost", "http://127.0.0.1", "http://[::1]")


@pytest.mark.parametrize("host", BARE)
@pytest.mark.parametrize("rest", ["", "/", ":1", ":65535/", ":4711/oauth2callback?x=1", ":80?a"])
def test_a_desktop_client_may_use_any_port_of_its_machine(host, rest):
    assert is_loopback(host + rest)
    assert matches_redirect(host + rest, BARE, desktop=True)


@pytest.mark.parametrize(
    "uri",
    [
        "https://localhost:1/",
        "http://localhost:70000/",
        "http://localhost:x/",
        "http://localhost.evil.example/",
        "http://localhost@evil.example/",
        "http://user@localhost/",
        "http://localhost:1/#f",
        "http://localhost:1/\\evil",
        "http://localhost:1/ x",
        "http://127.0.0.2/",
        "http://[::2]/",
        "http://LOCALHOST/",
        "http://evil.example/",
        "urn:ietf:wg:oauth:2.0:oob",
    ],
)
def test_a_desktop_client_may_use_nothing_else(uri):
    assert not is_loopback(uri)
    assert not matches_redirect(uri, BARE, desktop=True)


@pytest.mark.parametrize(
    ("uri", "fits"),
    [
        ("http://127.0.0.1:5/cb", True),
        ("http://127.0.0.1/cb", True),
        ("http://127.0.0.1:5/cb/", False),
        ("http://127.0.0.1:5/CB", False),
        ("http://127.0.0.1:5/cb?x", False),
        ("http://127.0.0.1:5", False),
        ("http://localhost:5/cb", False),
    ],
)
def test_with_a_registered_path_only_the_port_is_free(uri, fits):
    assert matches_redirect(uri, ["http://127.0.0.1:8080/cb"], desktop=True) is fits


@pytest.mark.parametrize("uri", ["https://a.example/cb?x=1", "http://localhost:1/", "http://[::1]"])
def test_web_clients_register_https_or_their_own_machine(uri):
    check_registrable(uri, "web")


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("https://a.example/cb", "desktop"),
        ("http://a.example/cb", "web"),
        ("https://a.example/cb#f", "web"),
        ("https://u@a.example/cb", "web"),
        ("https://*.a.example/cb", "web"),
        ("https://a.example\\@evil/", "web"),
        ("https://", "web"),
        ("https://:443/", "web"),
        ("javascript:alert(1)", "web"),
        ("data:text/html,x", "web"),
        ("com.example.app:/cb", "desktop"),
        ("urn:ietf:wg:oauth:2.0:oob", "desktop"),
        ("", "web"),
    ],
)
def test_no_client_registers_anything_else(uri, kind):
    with pytest.raises(ParseError):
        check_registrable(uri, kind)


def test_parameters_are_added_to_what_the_address_has():
    assert add_to_query("http://localhost", {"a": "1"}) == "http://localhost?a=1"
    assert add_to_query("https://a/?x=1", {"a": "&"}) == "https://a/?x=1&a=%26"
    assert add_to_query("https://a/?", {"a": "1"}) == "https://a/?a=1"


@given(st.text(max_size=2048))
def test_state_comes_back_as_it_was(state):
    state = state.encode("utf-8", "ignore").decode()
    uri = add_to_query("http://localhost:1/", {"state": state})
    assert dict(parse_qsl(urlsplit(uri).query, keep_blank_values=True)) == {"state": state}


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading_of_redirects(uri):
    assert matches_redirect(uri, BARE, desktop=True) == is_loopback(uri)
    with contextlib.suppress(ParseError):
        check_registrable(uri, "web")
        assert uri.startswith(("https://", "http://"))


@given(st.dictionaries(st.sampled_from([*BASIC, "prompt", "code_challenge", "access_type"]),
                       st.text(max_size=50)), st.text(max_size=80))  # fmt: skip
def test_no_request_breaks_the_parsers(given, header):
    with contextlib.suppress(OAuthError):
        parse_authorization_request(given)
    with contextlib.suppress(OAuthError):
        parse_client_login(given, header)


# --- secrets


def test_tokens_have_their_prefix_and_never_repeat():
    """PENFOLD_TOKENS says of how many (5,000); a million take some seconds."""
    count = int(os.environ.get("PENFOLD_TOKENS", "5000"))
    chance = random.SystemRandom()
    found = [make_token(ACCESS_PREFIX, chance) for _ in range(count)]
    assert len(set(found)) == count
    assert all(re.fullmatch(r"ya29\.[A-Za-z0-9_-]{64}", token) for token in found)
    octets = [base64.urlsafe_b64decode(token[5:]) for token in found]
    assert {len(each) for each in octets} == {48}
    # Each bit is set in half of them; eight times the deviation of so many tosses is far off.
    ones = [sum(each[at // 8] >> at % 8 & 1 for each in octets) for at in range(384)]
    assert max(abs(number - count / 2) for number in ones) < 4 * count**0.5


def test_app_passwords_are_sixteen_letters_of_the_whole_alphabet():
    chance = random.Random(3)
    made = [make_app_password(chance) for _ in range(300)]
    assert all(re.fullmatch("[a-z]{16}", password) for password in made)
    counts = [sum(p.count(letter) for p in made) for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert min(counts) > 120  # 185 on average
    assert max(counts) < 260


def test_words_use_the_letters_asked_for():
    assert set(make_word(500, random.Random(1), letters="01")) == {"0", "1"}


def test_app_passwords_do_not_move_between_accounts():
    assert app_password_digest("m1", "ab cd") == app_password_digest("m1", "ABCD")
    assert app_password_digest("m1", "abcd") != app_password_digest("m2", "abcd")


def test_codes_for_devices_have_letters_that_make_no_words():
    chance = random.Random(3)
    codes = {make_user_code(chance) for _ in range(200)}
    assert len(codes) == 200
    assert all(
        re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", c) for c in codes
    )


@given(st.integers(), st.lists(st.sampled_from(" -._/"), max_size=20), st.booleans())
def test_a_typed_code_is_read_whatever_stands_between_its_letters(seed, marks, lower):
    code = make_user_code(random.Random(seed))
    typed = "".join(a + b for a, b in itertools.zip_longest(code, marks, fillvalue=""))
    assert parse_user_code(typed.lower() if lower else typed) == code


@given(st.text())
def test_no_typed_text_breaks_the_reading_of_codes(text):
    read = parse_user_code(text)
    assert read == parse_user_code(read)
    assert len(read) <= 10
