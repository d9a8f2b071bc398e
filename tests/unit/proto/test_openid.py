"""Documents, tokens and claims of OpenID Connect: what is taken, and that nothing else happens."""

import json
from base64 import b64decode
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.openid_provider import public, signing_key

from penfold.base.errors import ParseError
from penfold.base.limits import JWK_SET_KEYS_MAX
from penfold.proto.https_url import HttpsUrl, parse_https_url
from penfold.proto.jwk_set import UnknownKeyError, parse_jwk_set, verify_with
from penfold.proto.openid import (
    check_claims,
    configuration_url,
    find_address,
    find_authenticated_ms,
    find_subject,
    make_authorization_url,
    make_token_request,
    parse_metadata,
    parse_tokens,
    parse_userinfo,
)

ISSUER = "https://login.example/realm/"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example/auth",
    "token_endpoint": "https://api.login.example:8443/token?x=1",
    "jwks_uri": "https://login.example/keys",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def read(**changed):
    return parse_metadata(json.dumps({**DOCUMENT, **changed}).encode(), issuer=ISSUER)


def test_a_description_says_where_everything_is():
    found = read()
    assert found.token == HttpsUrl("api.login.example", 8443, "/token?x=1")
    assert (found.userinfo, found.in_body, found.names_itself) == (None, False, False)
    assert read(token_endpoint_auth_methods_supported=["client_secret_post"]).in_body


@pytest.mark.parametrize("issuer", [ISSUER, ISSUER.rstrip("/")])
def test_it_is_found_below_the_issuer(issuer):
    assert configuration_url(issuer) == HttpsUrl(
        "login.example", 443, "/realm/.well-known/openid-configuration"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": ISSUER.rstrip("/")},
        {"issuer": ISSUER.upper()},
        {"authorization_endpoint": "http://login.example/auth"},
        {"authorization_endpoint": "https://login.example/auth#x"},
        {"authorization_endpoint": "javascript:alert(1)//"},
        {"token_endpoint": "https://user@login.example/"},
        {"jwks_uri": "https://[::1]/"},
        {"jwks_uri": "https://login.example/a b"},
        {"jwks_uri": "https://login.example:70000/"},
        {"jwks_uri": 7},
    ],
    ids=str,
)
def test_a_description_of_somebody_else_or_of_unsafe_addresses_is_refused(changed):
    with pytest.raises(ParseError):
        read(**changed)


def test_what_the_provider_asked_for_in_its_address_stays_and_pkce_is_s256():
    metadata = read(authorization_endpoint="https://login.example/auth?tenant=1")
    url = make_authorization_url(
        metadata, client_id="a&b", redirect_uri="https://m.example/signin/callback", state="s",
        nonce="n", verifier="v" * 64,
    )  # fmt: skip
    asked = dict(parse_qsl(urlsplit(url).query))
    assert (asked["tenant"], asked["client_id"]) == ("1", "a&b")
    assert asked["code_challenge_method"] == "S256"
    assert "v" * 64 not in url


@given(st.text(max_size=20).filter(bool), st.text(max_size=20).filter(bool))
def test_the_client_shows_its_secret_so_that_it_can_be_read_again(name, secret):
    name, secret = (text.encode("utf-8", "replace").decode() for text in (name, secret))
    given = {"client_id": name, "secret": secret, "code": "c", "redirect_uri": "r", "verifier": "v"}
    form, header = make_token_request(read(), **given)
    from urllib.parse import unquote_plus

    pair = b64decode(header.removeprefix("Basic ")).decode().split(":")
    assert [unquote_plus(part) for part in pair] == [name, secret]
    assert b"client" not in form
    metadata = read(token_endpoint_auth_methods_supported=["client_secret_post"])
    form, header = make_token_request(metadata, **given)
    assert parse_qs(form.decode())["client_secret"] == [secret]
    assert header == ""


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_answer_is_read_or_refused(octets):
    for parse in (
        lambda: parse_metadata(octets, issuer=ISSUER),
        lambda: parse_tokens(200, octets),
        lambda: parse_userinfo(200, octets, subject="u"),
        lambda: parse_jwk_set(octets),
    ):
        try:
            parse()
        except ParseError as error:
            said = str(error)
        else:
            said = ""
        assert not said or said.isprintable()  # it goes into the log


@given(st.dictionaries(st.sampled_from(sorted({
    "iss", "aud", "azp", "exp", "iat", "nonce", "sub", "email", "email_verified", "auth_time",
})), JSON | st.just(ISSUER) | st.just("me") | st.just(100)))  # fmt: skip
def test_any_claims_are_taken_or_refused(claims):
    try:
        check_claims(claims, issuer=ISSUER, client_id="me", nonce="n", now_s=100.0)
    except ParseError:
        pass
    else:
        assert claims["iss"] == ISSUER
        assert claims["nonce"] == "n"
        assert find_subject(claims)
    address, verified = find_address(claims)
    assert address.isprintable()
    assert isinstance(verified, bool)
    assert 0 <= find_authenticated_ms(claims, now_s=100.0) <= 100_000


@given(st.text(max_size=40) | st.text("https:/.@#?[] ab1", max_size=30).map("https://".__add__))
def test_an_address_is_in_parts_or_refused(text):
    try:
        url = parse_https_url(text)
    except ParseError:
        return
    assert text.lower().startswith(f"https://{url.host}")
    assert url.path.startswith("/")
    assert url.path.isascii()
    assert url.path.isprintable()
    assert " " not in url.path


# --- keys ------------------------------------------------------------------------------

RSA = public(signing_key(), kid="a")


def keys_of(*keys):
    return parse_jwk_set(json.dumps({"keys": keys}).encode())


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {**RSA, "use": "enc"},
        {**RSA, "n": RSA["n"][:80]},
        {**RSA, "n": RSA["n"] * 30},
        {**RSA, "n": None},
        {**RSA, "e": "!"},
        {**RSA, "kid": 7},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": ["RSA"]},
        {},
        7,
    ],
    ids=[
        "symmetric",
        "Edwards",
        "for encryption",
        "short",
        "long",
        "no modulus",
        "bad exponent",
        "bad name",
        "bad point",
        "bad kind",
        "empty",
        "number",
    ],
)
def test_a_key_that_is_weak_broken_or_for_something_else_is_passed_over(key):
    assert [one.kid for one in keys_of(key, RSA)] == ["a"]


def test_too_many_keys_are_no_key_set():
    with pytest.raises(ParseError):
        keys_of(*[{}] * (JWK_SET_KEYS_MAX + 1))


def sign(claims, header, key=None):
    from joserfc import jws

    return jws.serialize_compact(
        {"alg": "RS256", **header}, json.dumps(claims).encode(), key or signing_key(),
        algorithms=["RS256", "ES256"],
    )  # fmt: skip


def test_a_token_without_a_name_of_its_key_needs_a_set_with_one():
    token = sign({"sub": "u"}, {})
    assert verify_with(token, keys_of(RSA))["sub"] == "u"
    with pytest.raises(ParseError, match="which of several"):
        verify_with(token, keys_of(RSA, {**RSA, "kid": "b"}))


def test_a_key_for_another_algorithm_or_curve_does_not_fit():
    token = sign({}, {"kid": "a"})
    with pytest.raises(UnknownKeyError):
        verify_with(token, keys_of({**RSA, "alg": "PS256"}))
    with pytest.raises(UnknownKeyError):
        verify_with(token, keys_of(public(signing_key("ec"), kid="a")))
    token = sign({}, {"kid": "a", "alg": "ES256"}, signing_key("ec"))
    with pytest.raises(UnknownKeyError):
        verify_with(token, keys_of(RSA))


@pytest.mark.parametrize(
    "header", [{"jwk": public(signing_key())}, {"jku": "https://evil.example/"}], ids=["jwk", "jku"]
)
def test_a_key_that_the_token_brings_along_is_not_looked_at(header):
    token = sign({}, {"kid": "b", **header})
    with pytest.raises(UnknownKeyError):
        verify_with(token, keys_of(RSA))


@given(st.text("eyJhbGciOiJSUzI1NiJ9._-=\ud800é", max_size=60))
def test_any_token_is_refused(text):
    with pytest.raises(ParseError):
        verify_with(text, keys_of(RSA))
