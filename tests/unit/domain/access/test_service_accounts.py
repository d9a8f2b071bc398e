"""Assertions of service accounts: Google's rules, and what attackers try."""

import json
import uuid

import pytest
from tests.unit.identity import GMAIL, ISSUER, READONLY, IdentityWorld

from penfold.base.errors import ParseError
from penfold.base.limits import ASSERTION_SKEW_S, ASSERTIONS_REMEMBERED_MAX
from penfold.domain.access.consent import subject
from penfold.domain.access.local_mode import ServiceSecret, service_document
from penfold.domain.access.service_accounts import ASSERTION_GRANT
from penfold.ports.directory import Account
from penfold.ports.identity import Grant, ServiceToken
from penfold.proto.jwt import make_key_pair, sign
from penfold.proto.oauth import OAuthError

GOOGLE = "https://oauth2.googleapis.com/token"


@pytest.fixture
def world():
    world = IdentityWorld()
    world.robot = world.identity.clients.add_service_account("robot", domain="penfold.test")
    return world


def assertion(world, *, key=None, kid=None, **changed):
    now_s = world.clock.now_ms() // 1000
    claims = {
        "iss": world.robot.account.email,
        "sub": "alice@penfold.test",
        "aud": GOOGLE,
        "scope": GMAIL,
        "iat": now_s,
        "exp": now_s + 3600,
        **changed,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    key = key or world.robot.key
    return sign(claims, private=key.private, kid=kid or key.kid)


def form(text):
    return {"grant_type": ASSERTION_GRANT, "assertion": text}


def refused(world, text):
    with pytest.raises(OAuthError) as caught:
        world.exchange(form(text))
    return caught.value.error, caught.value.description


def test_a_good_word_gives_an_access_token_of_the_person(world):
    answer = world.exchange(form(assertion(world)))
    token = answer.pop("access_token")
    assert token.startswith("ya29.c.")
    assert answer == {"expires_in": 3599, "scope": GMAIL, "token_type": "Bearer"}
    credential = world.book.find_credential(token)
    assert credential.account == world.alice
    assert credential.service
    assert credential.client_id == world.robot.client.id
    assert credential.project == world.identity.clients.get_project()


@pytest.mark.parametrize(
    "audience", [GOOGLE, f"{ISSUER}/token", "https://www.googleapis.com/oauth2/v4/token"]
)
def test_both_googles_and_our_address_are_an_audience(world, audience):
    assert world.exchange(form(assertion(world, aud=audience)))["access_token"]


def test_the_same_word_again_uses_the_same_grant(world):
    for _ in range(3):
        world.exchange(form(assertion(world)))
    assert len(world.book.list_by(Grant, account_id=world.alice.id)) == 1


def test_a_second_key_works_beside_the_first(world):
    second = world.identity.clients.add_service_key("robot")
    assert world.exchange(form(assertion(world, key=second.key)))["access_token"]
    assert world.exchange(form(assertion(world)))["access_token"]


def test_a_delegation_of_listed_scopes_is_for_those_only(world):
    world.robot = world.identity.clients.add_service_account(
        "narrow", domain="penfold.test", scopes=frozenset({READONLY})
    )
    assert world.exchange(form(assertion(world, scope=READONLY)))["scope"] == READONLY
    for wider in (GMAIL, f"{READONLY} {GMAIL}", "openid"):
        error, words = refused(world, assertion(world, scope=wider))
        assert error == "unauthorized_client"
        assert words.startswith("Client is unauthorized to retrieve access tokens")
    # For itself it may ask for anything: there is no mailbox the token leads to.
    assert world.exchange(form(assertion(world, sub=None)))["access_token"]


def test_scopes_are_delegated_together_with_a_domain(world):
    with pytest.raises(ParseError, match="together with a domain"):
        world.identity.clients.add_service_account("lost", scopes=frozenset({READONLY}))


def test_with_a_target_audience_an_id_token_of_the_service_account_is_the_answer(world):
    text = assertion(world, sub=None, scope=None, target_audience="https://app.example")
    answer = world.exchange(form(text))
    assert list(answer) == ["id_token"]
    claims = world.identity.id_tokens.check(answer["id_token"])
    assert claims["aud"] == "https://app.example"
    assert claims["email"] == world.robot.account.email
    assert claims["sub"] == claims["azp"] == world.robot.client.id
    assert world.book.list_by(ServiceToken) == []


SHORT = "Invalid JWT: Token must be a short-lived token (60 minutes)"


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"iss": "nobody@x.iam.penfold"}, "invalid_grant", "Invalid grant: account not found"),
        ({"iss": None}, "invalid_grant", "Invalid grant: account not found"),
        ({"iss": ["a"]}, "invalid_grant", "Invalid grant: account not found"),
        ({"kid": "../../x"}, "invalid_grant", "Invalid JWT Signature."),
        ({"kid": "k' OR 1=1"}, "invalid_grant", "Invalid JWT Signature."),
        ({"exp": None}, "invalid_grant", SHORT),
        ({"iat": None}, "invalid_grant", SHORT),
        ({"exp": "soon"}, "invalid_grant", SHORT),
        ({"exp": True}, "invalid_grant", SHORT),
        ({"exp": float("inf")}, "invalid_grant", SHORT),
        ({"exp": float("nan")}, "invalid_grant", SHORT),
        ({"iat": float("-inf")}, "invalid_grant", SHORT),
        ({"aud": None}, "invalid_grant", "Invalid JWT: Failed audience check."),
        ({"aud": GOOGLE + "/"}, "invalid_grant", "Invalid JWT: Failed audience check."),
        ({"aud": GOOGLE[:-1]}, "invalid_grant", "Invalid JWT: Failed audience check."),
        ({"aud": ISSUER}, "invalid_grant", "Invalid JWT: Failed audience check."),
        ({"aud": "https://evil.example/token"}, "invalid_grant", "audience check"),
        ({"scope": None}, "invalid_scope", "Empty or missing scope not allowed."),
        ({"scope": "bogus"}, "invalid_scope", "Some requested scopes were invalid."),
        ({"sub": "carol@other.test"}, "invalid_grant", "Invalid email or User ID"),
        ({"sub": "nobody@penfold.test"}, "invalid_grant", "Invalid email or User ID"),
    ],
    ids=str,
)
def test_a_word_that_is_not_in_order_is_refused(world, changed, error, words):
    found, description = refused(world, assertion(world, **changed))
    assert found == error
    assert words in description


def test_a_list_of_audiences_is_refused(world):
    with pytest.raises(OAuthError, match="audience"):
        world.exchange(form(assertion(world, aud=GOOGLE.split())))


@pytest.mark.parametrize(
    ("start", "end", "good"),
    [
        (0, 3600, True),
        (0, 3601, False),
        (-3600, 0, True),
        (-3600 - ASSERTION_SKEW_S, -ASSERTION_SKEW_S, True),
        (-3600, -ASSERTION_SKEW_S - 1, False),
        (ASSERTION_SKEW_S, 600, True),
        (ASSERTION_SKEW_S + 1, 600, False),
        (60, 0, False),
    ],
)
def test_a_word_is_good_for_an_hour_at_most(world, start, end, good):
    now_s = world.clock.now_ms() // 1000
    text = assertion(world, iat=now_s + start, exp=now_s + end)
    if good:
        assert world.exchange(form(text))["access_token"]
    else:
        assert refused(world, text)[1].startswith(SHORT)


def test_a_person_of_another_domain_is_out_of_reach(world):
    world.identity.accounts.add("carol@other.test")
    error, words = refused(world, assertion(world, sub="carol@other.test"))
    assert (error, words[:22]) == ("unauthorized_client", "Client is unauthorized")


def test_without_delegation_nobody_is_within_reach(world):
    world.robot = world.identity.clients.add_service_account("loner")
    assert refused(world, assertion(world))[0] == "unauthorized_client"


def test_a_suspended_person_is_out_of_reach(world):
    world.identity.accounts.set_suspended("alice@penfold.test", suspended=True)
    assert refused(world, assertion(world)) == ("invalid_grant", "Invalid email or User ID")


def test_a_key_of_somebody_else_signs_nothing(world):
    stranger = make_key_pair("x", now_ms=world.clock.now_ms())
    kid = world.robot.key.kid
    assert refused(world, assertion(world, key=stranger, kid=kid)) == (
        "invalid_grant", "Invalid JWT Signature.",
    )  # fmt: skip
    other = world.identity.clients.add_service_account("other", domain="penfold.test")
    assert refused(world, assertion(world, key=other.key))[1] == "Invalid JWT Signature."


def test_a_named_word_works_once(world):
    text = assertion(world, jti=str(uuid.UUID(int=7)))
    assert world.exchange(form(text))["access_token"]
    assert refused(world, text) == ("invalid_grant", "Bad Request")
    assert world.exchange(form(assertion(world, jti="another")))["access_token"]


def test_remembered_names_are_bounded_and_make_room(world):
    checker = world.identity.grants.service_accounts
    assert world.exchange(form(assertion(world, jti="first")))["access_token"]
    until_ms = checker._seen[world.robot.account.email, "first"]
    checker._seen.update({("x", str(n)): until_ms for n in range(ASSERTIONS_REMEMBERED_MAX)})
    assert world.exchange(form(assertion(world, jti="no room")))["access_token"]
    assert refused(world, assertion(world, jti="first")) == ("invalid_grant", "Bad Request")
    world.clock.advance(days=1)
    assert world.exchange(form(assertion(world, jti="room again")))["access_token"]
    assert len(checker._seen) == 1


@pytest.mark.parametrize("who", [None, "", "own"])
def test_oddity_21_a_word_for_nobody_gives_a_token_that_leads_to_no_mailbox(world, who):
    who = world.robot.account.email if who == "own" else who
    answer = world.exchange(form(assertion(world, sub=who)))
    assert answer["access_token"].startswith("ya29.c.")
    assert (answer["expires_in"], answer["scope"]) == (3599, GMAIL)
    credential = world.book.find_credential(answer["access_token"])
    assert (credential.itself, credential.service) == (True, True)
    assert credential.account.address == world.robot.account.email
    assert credential.account.id == subject(credential.account) == world.robot.client.id
    assert credential.scopes == {GMAIL}
    assert world.book.find(Account, credential.account.id) is None


def test_a_service_accounts_own_token_ends_by_time_and_by_word(world):
    first, second = (
        world.exchange(form(assertion(world, sub=None)))["access_token"] for _ in range(2)
    )
    grants = world.identity.grants
    grants.revoke(first)
    assert world.book.find_credential(first) is None
    with pytest.raises(OAuthError):
        grants.revoke(first)
    assert world.book.find_credential(second)
    told = world.identity.id_tokens.describe_token(second)
    assert (told["azp"], told["access_type"]) == (world.robot.client.id, "online")
    world.clock.advance(days=1)
    assert world.book.find_credential(second) is None
    world.exchange(form(assertion(world, sub=None)))
    assert len(world.book.list_by(ServiceToken)) == 1  # the dead one is swept


def test_a_service_account_that_is_removed_takes_its_own_tokens_along(world):
    token = world.exchange(form(assertion(world, sub=None)))["access_token"]
    world.identity.clients.remove(world.robot.client.id)
    assert world.book.find_credential(token) is None


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.e30", "[].[].[]", "x" * 10**6])
def test_what_is_no_assertion_is_refused(world, text):
    with pytest.raises(OAuthError):
        world.exchange(form(text))


def test_googles_library_makes_a_word_we_accept(world):
    service_account = pytest.importorskip("google.oauth2.service_account")
    secret = ServiceSecret(
        world.robot.account.email,
        world.robot.client.id,
        world.robot.key.kid,
        world.robot.key.private,
    )
    document = json.loads(json.dumps(service_document(secret, base=ISSUER)))
    credentials = service_account.Credentials.from_service_account_info(
        document, scopes=[READONLY], subject="bob@penfold.test"
    )
    text = credentials._make_authorization_grant_assertion()
    # It writes the real time, which is not this world's.
    from penfold.proto.jwt import parse_claims

    written_ms = parse_claims(text.decode())["iat"] * 1000
    world.clock.advance(ms=written_ms - world.clock.now_ms())
    token = world.exchange(form(text.decode()))["access_token"]
    assert world.book.find_credential(token).account == world.bob
