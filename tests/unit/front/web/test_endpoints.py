"""What programs call: answers and refusals as Google gives them."""

import base64
import contextlib
import json
import re

import pytest
import requests
from cryptography import x509
from tests.unit.identity import GMAIL

from penfold.base.limits import OAUTH_BODY_MAX_BYTES
from penfold.domain.access.consent import subject
from penfold.domain.access.service_accounts import ASSERTION_GRANT
from penfold.domain.throttle import TooManyError
from penfold.proto.jwt import public_jwk
from penfold.spec.rates import TOKEN_CLIENT

TOKEN_PATHS = ["/token", "/oauth2/v4/token", "/o/oauth2/token"]
WHO = "openid email profile"


@pytest.fixture
def world(site):
    return site.world


def tokens(world, **changed):
    return world.tokens(scope=f"{WHO} {GMAIL}", **changed)


# --- token


@pytest.mark.parametrize("path", TOKEN_PATHS)
@pytest.mark.parametrize("form", ["data", "json"])
def test_a_code_is_exchanged_at_every_address_in_both_forms(site, world, path, form):
    given = world.code_form(world.allow()["code"])
    answer = requests.post(site.base + path, timeout=10, **{form: given})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.text.startswith('{\n  "access_token": "ya29.')
    assert world.book.find_credential(answer.json()["access_token"])


def test_the_issuer_is_the_address_the_client_used(site, world):
    given = world.code_form(world.allow(scope="openid")["code"])
    answer = requests.post(
        site.base + "/token", data=given, headers={"Host": "mail.example:99"}, timeout=10
    )
    part = answer.json()["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=="))
    assert claims["iss"] == "http://mail.example:99"


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        (
            {"grant_type": "password"},
            400,
            "unsupported_grant_type: Invalid grant_type: password",
        ),
        ({"code": None}, 400, "invalid_request: Missing required parameter: code"),
        ({"code": "x"}, 400, "invalid_grant: Malformed auth code."),
        ({"client_id": "x"}, 401, "invalid_client: The OAuth client was not found."),
        ({"client_secret": "x"}, 401, "invalid_client: Unauthorized"),
        ({"redirect_uri": "http://localhost/x"}, 400, "redirect_uri_mismatch: Bad Request"),
        ({"code_verifier": None}, 400, "invalid_grant: Missing code verifier."),
        ({"code_verifier": "x" * 50}, 400, "invalid_grant: Invalid code verifier."),
    ],
    ids=str,
)
def test_refusals_have_googles_form(site, world, changed, status, words):
    given = world.code_form(world.allow()["code"], **changed)
    answer = requests.post(site.base + "/token", data=given, timeout=10)
    error, _, description = words.partition(": ")
    assert answer.status_code == status
    assert answer.json() == {"error": error, "error_description": description}
    assert answer.text == json.dumps(answer.json(), indent=2)
    assert ("www-authenticate" in answer.headers) is (error == "invalid_client")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", None),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"[" * 60_000, "application/json"),
        (b"\xff", "application/json"),
        (b"grant_type=%ff", "application/x-www-form-urlencoded"),
        (b"grant_type=a&grant_type=a", "application/x-www-form-urlencoded"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b'{"grant_type": 3}', "application/json"),
    ],
    ids=str,
)
def test_a_body_that_is_none_is_an_invalid_request(site, body, kind):
    headers = {"Content-Type": kind} if kind else {}
    answer = requests.post(site.base + "/token", data=body, headers=headers, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_request", "unsupported_grant_type")


def test_parameters_in_the_address_of_the_token_endpoint_do_not_count(site, world):
    given = world.code_form(world.allow()["code"])
    answer = requests.post(site.base + "/token", params=given, data={"x": "y"}, timeout=10)
    assert answer.json()["error"] == "unsupported_grant_type"


def test_an_endless_body_is_cut_off(site):
    body = b"a=" + b"x" * OAUTH_BODY_MAX_BYTES
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(site.base + "/token", data=body, headers=headers, timeout=10)
    assert answer.status_code == 413
    assert answer.json()["error"] == "invalid_request"


def test_the_token_endpoint_takes_posts_only(site):
    assert requests.get(site.base + "/token", timeout=10).status_code == 405


def test_a_service_account_is_served(site, world):
    answer = requests.post(
        site.base + "/token", data={"grant_type": ASSERTION_GRANT, "assertion": "x"}, timeout=10
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("path", [*TOKEN_PATHS, "/revoke", "/tokeninfo", "/v1/userinfo",
                                  "/oauth2/v3/certs", "/.well-known/openid-configuration"])  # fmt: skip
def test_any_origin_may_ask(site, path):
    headers = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,x-goog-api-client",
    }
    answer = requests.options(site.base + path, headers=headers, timeout=10)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == "authorization,x-goog-api-client"
    assert "access-control-allow-credentials" not in answer.headers


def test_a_busy_directory_is_answered_in_words_that_clients_retry_on(site, world, busy):
    given = world.code_form(world.allow()["code"])
    busy()
    answer = requests.post(site.base + "/token", data=given, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    world.book.busy = False
    assert requests.post(site.base + "/token", data=given, timeout=10).status_code == 200


# --- revoke


@pytest.mark.parametrize("path", ["/revoke", "/o/oauth2/revoke"])
@pytest.mark.parametrize("place", ["data", "params"])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_is_revoked_with_all_of_its_grant(site, world, path, place, kind):
    given = tokens(world)
    answer = requests.post(site.base + path, timeout=10, **{place: {"token": given[kind]}})
    assert (answer.status_code, answer.json()) == (200, {})
    assert world.book.find_credential(given["access_token"]) is None
    again = requests.post(site.base + path, timeout=10, **{place: {"token": given[kind]}})
    assert again.status_code == 400
    assert again.json() == {
        "error": "invalid_token", "error_description": "Token expired or revoked",
    }  # fmt: skip


def test_revoking_nothing_is_an_invalid_request(site):
    answer = requests.post(site.base + "/revoke", timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_only_the_older_address_revokes_on_a_get(site, world):
    token = tokens(world)["access_token"]
    assert requests.get(f"{site.base}/revoke?token={token}", timeout=10).status_code == 405
    old = requests.get(f"{site.base}/o/oauth2/revoke?token={token}", timeout=10)
    assert old.status_code == 200


# --- tokeninfo


@pytest.mark.parametrize("path", ["/tokeninfo", "/oauth2/v3/tokeninfo"])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_tokeninfo_says_what_a_token_is_in_strings(site, world, path, verb):
    token = tokens(world)["access_token"]
    place = {"params": {"access_token": token}} if verb == "get" else {
        "data": {"access_token": token}}  # fmt: skip
    found = requests.request(verb, site.base + path, timeout=10, **place).json()
    client = world.desktop.client.id
    assert found == {
        "azp": client,
        "aud": client,
        "sub": subject(world.alice),
        "scope": " ".join(sorted(world.book.find_credential(token).scopes)),
        "exp": str(world.clock.now_ms() // 1000 + 3600),
        "expires_in": "3600",
        "email": "alice@penfold.test",
        "email_verified": "true",
        "access_type": "offline",
    }


def test_tokeninfo_takes_the_token_as_a_credential(site, world):
    """As google-auth-library for Node asks: an empty form under the token itself."""
    token = tokens(world)["access_token"]
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
    }
    found = requests.post(f"{site.base}/tokeninfo", headers=headers, timeout=10)
    assert found.json()["email"] == "alice@penfold.test"


def test_tokeninfo_tells_no_more_than_the_scopes_allow(site, world):
    token = world.tokens(access_type="online")["access_token"]
    found = requests.get(f"{site.base}/tokeninfo?access_token={token}", timeout=10).json()
    assert sorted(found) == ["access_type", "aud", "azp", "exp", "expires_in", "scope"]
    assert found["access_type"] == "online"


@pytest.mark.parametrize("path", ["/oauth2/v1/tokeninfo", "/oauth2/v2/tokeninfo"])
def test_the_older_tokeninfo_has_its_own_spelling(site, world, path):
    token = tokens(world)["access_token"]
    found = requests.get(f"{site.base}{path}?access_token={token}", timeout=10).json()
    client = world.desktop.client.id
    assert found == {
        "issued_to": client,
        "audience": client,
        "user_id": subject(world.alice),
        "scope": " ".join(sorted(world.book.find_credential(token).scopes)),
        "expires_in": 3600,
        "email": "alice@penfold.test",
        "verified_email": True,
        "access_type": "offline",
    }


def test_tokeninfo_reads_id_tokens(site, world):
    token = tokens(world, nonce="n")["id_token"]
    found = requests.get(f"{site.base}/tokeninfo", params={"id_token": token}, timeout=10).json()
    assert found["aud"] == world.desktop.client.id
    assert found["email_verified"] == "true"
    assert found["nonce"] == "n"
    assert all(isinstance(value, str) for value in found.values())


@pytest.mark.parametrize("name", ["access_token", "id_token"])
@pytest.mark.parametrize("path", ["/tokeninfo", "/oauth2/v2/tokeninfo"])
def test_a_dead_token_is_an_invalid_value(site, name, path):
    answer = requests.get(site.base + path, params={name: "ya29.x"}, timeout=10)
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_token", "error_description": "Invalid Value"}


def test_tokeninfo_of_nothing_says_so(site):
    answer = requests.get(site.base + "/tokeninfo", timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error_description"].startswith("either access_token, id_token")


# --- userinfo


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/v1/userinfo", "/oauth2/v3/userinfo"])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_userinfo_says_who_it_is(site, world, path, verb):
    token = tokens(world)["access_token"]
    found = requests.request(verb, site.base + path, headers=bearer(token), timeout=10).json()
    assert found == {
        "sub": subject(world.alice),
        "hd": "penfold.test",
        "email": "alice@penfold.test",
        "email_verified": True,
        "name": "Alice Example",
        "given_name": "Alice",
        "family_name": "Example",
    }


@pytest.mark.parametrize("path", ["/oauth2/v1/userinfo", "/oauth2/v2/userinfo", "/userinfo/v2/me"])
def test_the_older_userinfo_has_its_own_spelling(site, world, path):
    token = tokens(world)["access_token"]
    found = requests.get(site.base + path, headers=bearer(token), timeout=10).json()
    assert found["id"] == subject(world.alice)
    assert found["verified_email"] is True
    assert "sub" not in found


def test_userinfo_tells_no_more_than_the_scopes_allow(site, world):
    token = world.tokens(scope="openid")["access_token"]
    found = requests.get(site.base + "/v1/userinfo", headers=bearer(token), timeout=10).json()
    assert sorted(found) == ["hd", "sub"]


@pytest.mark.parametrize("token", ["", "x", "ya29.x"])
def test_userinfo_without_a_live_token_is_401(site, token):
    new = requests.get(site.base + "/v1/userinfo", headers=bearer(token), timeout=10)
    assert new.status_code == 401
    assert new.json() == {
        "error": "invalid_request", "error_description": "Invalid Credentials",
    }  # fmt: skip
    assert "Bearer" in new.headers["www-authenticate"]
    old = requests.get(site.base + "/oauth2/v2/userinfo", headers=bearer(token), timeout=10)
    assert old.status_code == 401
    assert old.json()["error"]["status"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("path", ["/v1/userinfo", "/oauth2/v2/userinfo"])
def test_userinfo_needs_a_scope_for_it(site, world, path):
    token = world.tokens()["access_token"]
    answer = requests.get(site.base + path, headers=bearer(token), timeout=10)
    assert answer.status_code == 403
    assert answer.json()["error"]["status"] == "PERMISSION_DENIED"


# --- keys and documents


def test_keys_are_published_in_both_forms(site, world):
    token = tokens(world)["id_token"]
    kid = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]
    old = requests.get(site.base + "/oauth2/v1/certs", timeout=10)
    certificate = old.json()[kid]
    assert x509.load_pem_x509_certificate(certificate.encode())
    for path in ("/oauth2/v2/certs", "/oauth2/v3/certs"):
        new = requests.get(site.base + path, timeout=10)
        assert public_jwk(certificate, kid) in new.json()["keys"]
        for answer in (old, new):
            assert "max-age=3600" in answer.headers["cache-control"]


def test_googles_library_verifies_our_id_tokens(site, world):
    id_token = pytest.importorskip("google.oauth2.id_token")
    import google.auth.transport.requests

    text = tokens(world)["id_token"]
    # Its clock is the real one; ours stands still somewhere else.
    import time

    skew = abs(int(time.time()) - world.clock.now_ms() // 1000) + 10
    with requests.Session() as session:
        claims = id_token.verify_token(
            text,
            google.auth.transport.requests.Request(session),
            audience=world.desktop.client.id,
            certs_url=site.base + "/oauth2/v1/certs",
            clock_skew_in_seconds=skew,
        )
    assert claims["email"] == "alice@penfold.test"


def test_the_configuration_names_addresses_that_are_there(site):
    found = requests.get(site.base + "/.well-known/openid-configuration", timeout=10).json()
    assert found["issuer"] == site.base
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["response_types_supported"] == ["code"]
    for name, value in found.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith(site.base + "/")
            assert requests.get(value, timeout=10).status_code != 404, name


def test_the_issuer_may_be_set_while_addresses_follow_the_host(local_site):
    found = requests.get(
        local_site.base + "/.well-known/openid-configuration",
        headers={"Host": "mail.example"},
        timeout=10,
    ).json()
    assert found["issuer"] == "https://accounts.google.com"
    assert found["token_endpoint"] == "http://mail.example/token"


def test_the_address_in_a_service_accounts_file_gives_its_certificate(site):
    new = site.identity.clients.add_service_account("robot")
    url = f"{site.base}/robot/v1/metadata/x509/{new.account.email}"
    assert requests.get(url, timeout=10).json() == {new.key.kid: new.key.certificate}
    assert requests.get(url + "x", timeout=10).status_code == 404


@pytest.mark.parametrize("path", ["/device/code", "/o/oauth2/device/code"])
def test_a_device_gets_codes_in_both_spellings_of_where_to_go(site, path):
    new = site.identity.clients.add("TV", kind="device")
    form = {"client_id": new.client.id, "scope": "email profile"}
    answer = requests.post(site.base + path, data=form, timeout=10)
    assert answer.status_code == 200
    codes = answer.json()
    assert len(codes.pop("device_code")) > 60
    assert re.fullmatch(r"[B-Z]{4}-[B-Z]{4}", codes.pop("user_code"))
    page = f"{site.base}/device"
    assert codes == {
        "expires_in": 1800,
        "interval": 5,
        "verification_url": page,
        "verification_uri": page,
    }


# --- how often


def test_a_client_that_asks_for_tokens_too_often_is_told_when_to_come_back(local_site):
    site = local_site
    throttle = site.identity.throttle
    name = site.world.desktop.client.id
    with contextlib.suppress(TooManyError):
        while True:
            throttle.take(TOKEN_CLIENT, name)
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": name}
    answer = requests.post(f"{site.base}/token", data=form)
    assert answer.status_code == 429
    assert answer.json()["error"] == "rate_limit_exceeded"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["cache-control"].startswith("no-cache, no-store")
    by_header = {"grant_type": "refresh_token", "refresh_token": "x"}
    assert requests.post(f"{site.base}/token", data=by_header, auth=(name, "s")).status_code == 429
    other = {**form, "client_id": site.world.web.client.id}
    assert requests.post(f"{site.base}/token", data=other).status_code in (400, 401)
