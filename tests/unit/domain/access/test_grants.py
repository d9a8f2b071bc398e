"""The token endpoint: every exchange and every refusal, in Google's words."""

import base64
import dataclasses
import hashlib
import os
import random
import threading

import pytest
from tests.unit.identity import GMAIL, ISSUER, LOOPBACK, READONLY, IdentityWorld

from penfold.base.clock import FixedClock
from penfold.base.limits import CODE_REMEMBERED_S, CODE_S, GRANTS_MAX, REFRESH_IDLE_DAYS
from penfold.domain.access.consent import subject
from penfold.domain.access.grant_rules import GrantRules
from penfold.ports.identity import AccessToken, Code, Grant, RefreshToken, SigningKey
from penfold.proto.jwt import parse_header, verify
from penfold.proto.oauth import OAuthError, digest
from penfold.store.sqlite.directory import SqliteDirectory


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    if request.param == "memory":
        yield IdentityWorld()
        return
    world = IdentityWorld()
    book = SqliteDirectory(tmp_path / "directory.db", clock=world.clock)
    yield IdentityWorld(book, clock=world.clock)
    book.close()


def refused(world, given, *, authorization=None):
    with pytest.raises(OAuthError) as caught:
        world.exchange(given, authorization=authorization)
    return caught.value.status, caught.value.error, caught.value.description


DEAD = (400, "invalid_grant", "Token has been expired or revoked.")
BAD = (400, "invalid_grant", "Bad Request")
RACES = int(os.environ.get("PENFOLD_RACES", "20"))

# --- code


def test_a_code_gives_the_tokens_google_gives(world):
    answer = world.tokens()
    assert answer.pop("access_token").startswith("ya29.")
    assert answer.pop("refresh_token").startswith("1//0")
    assert answer == {"expires_in": 3599, "scope": GMAIL, "token_type": "Bearer"}


class WalkingClock(FixedClock):
    """Ten milliseconds pass whenever somebody looks."""

    def now_ms(self):
        self.advance(ms=10)
        return super().now_ms()


def test_expires_in_is_what_google_says_however_long_the_answer_took():
    world = IdentityWorld(clock=WalkingClock())
    tokens = world.tokens()
    again = world.exchange(world.refresh_form(tokens["refresh_token"]))
    assert (tokens["expires_in"], again["expires_in"]) == (3599, 3599)


def test_the_access_token_works_for_an_hour(world):
    token = world.tokens()["access_token"]
    credential = world.book.find_credential(token)
    assert credential.account == world.alice
    assert credential.scopes == {GMAIL}
    assert credential.client_id == world.desktop.client.id
    assert credential.project == world.identity.clients.get_project()
    world.clock.advance(s=3599)
    assert world.book.find_credential(token)
    world.clock.advance(s=1)
    assert world.book.find_credential(token) is None


@pytest.mark.parametrize(
    ("client", "access_type", "refreshable"),
    [
        ("desktop", None, True),
        ("desktop", "offline", True),
        ("desktop", "online", False),
        ("web", None, False),
        ("web", "offline", True),
        ("web", "online", False),
    ],
)
def test_a_refresh_token_comes_when_it_was_asked_for(world, client, access_type, refreshable):
    answer = world.tokens(getattr(world, client), access_type=access_type)
    assert ("refresh_token" in answer) is refreshable


def test_a_client_may_use_basic_authentication(world):
    code = world.allow()["code"]
    client = world.desktop
    text = f"{client.client.id}:{client.secret}".encode()
    header = "Basic " + base64.b64encode(text).decode()
    form = world.code_form(code, client_id=None, client_secret=None)
    assert world.exchange(form, authorization=header)["access_token"]


def test_a_code_may_arrive_percent_encoded(world):
    code = world.allow()["code"].replace("/", "%2F")
    assert world.exchange(world.code_form(code))["access_token"]


def test_a_public_client_shows_no_secret(world):
    public = world.identity.clients.add("Bare", kind="desktop", public=True)
    assert public.secret == ""
    assert world.tokens(public)["access_token"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"grant_type": None}, (400, "unsupported_grant_type", "Invalid grant_type: ")),
        (
            {"grant_type": "password"},
            (400, "unsupported_grant_type", "Invalid grant_type: password"),
        ),
        ({"code": None}, (400, "invalid_request", "Missing required parameter: code")),
        (
            {"redirect_uri": None},
            (400, "invalid_request", "Missing required parameter: redirect_uri"),
        ),
        (
            {"client_id": None},
            (400, "invalid_request", "Could not determine client ID from request."),
        ),
        ({"client_id": "x"}, (401, "invalid_client", "The OAuth client was not found.")),
        ({"client_secret": None}, (400, "invalid_request", "client_secret is missing.")),
        ({"client_secret": "x"}, (401, "invalid_client", "Unauthorized")),
        ({"code": "x"}, (400, "invalid_grant", "Malformed auth code.")),
        ({"code": "4/0x"}, (400, "invalid_grant", "Malformed auth code.")),
    ],
    ids=lambda value: str(value)[:50],
)
def test_an_exchange_in_error_is_refused_and_burns_nothing(world, change, expected):
    code = world.allow()["code"]
    assert refused(world, world.code_form(code, **change)) == expected
    assert world.exchange(world.code_form(code))["access_token"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"redirect_uri": LOOPBACK + "x"}, (400, "redirect_uri_mismatch", "Bad Request")),
        ({"code_verifier": None}, (400, "invalid_grant", "Missing code verifier.")),
        ({"code_verifier": "x" * 43}, (400, "invalid_grant", "Invalid code verifier.")),
        ({"code_verifier": "x"}, (400, "invalid_grant", "Invalid code verifier.")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_try_burns_the_code(world, change, expected):
    code = world.allow()["code"]
    assert refused(world, world.code_form(code, **change)) == expected
    assert refused(world, world.code_form(code)) == BAD
    assert world.book.list_by(AccessToken) == []


def test_a_verifier_for_a_code_without_challenge_is_refused(world):
    code = world.allow(world.web)["code"]
    form = world.code_form(code, world.web, code_verifier="x" * 43)
    assert refused(world, form) == (400, "invalid_grant", "Invalid code verifier.")


def test_a_code_of_another_client_is_refused_and_burnt(world):
    code = world.allow()["code"]
    other = world.identity.clients.add("Other", kind="desktop")
    assert refused(world, world.code_form(code, other)) == BAD
    assert refused(world, world.code_form(code)) == BAD


def test_a_code_is_good_for_its_time_only(world):
    code, late = world.allow()["code"], world.allow()["code"]
    world.clock.advance(s=CODE_S)
    assert world.exchange(world.code_form(code))["access_token"]
    world.clock.advance(s=1)
    assert refused(world, world.code_form(late)) == BAD


@pytest.mark.parametrize("after_s", [0, 61, CODE_REMEMBERED_S - 1])
def test_a_code_shown_twice_takes_along_what_it_gave(world, after_s):
    code = world.allow()["code"]
    answer = world.exchange(world.code_form(code))
    world.clock.advance(s=after_s)
    assert refused(world, world.code_form(code)) == BAD
    assert world.book.find_credential(answer["access_token"]) is None
    assert refused(world, world.refresh_form(answer["refresh_token"])) == DEAD


def test_a_code_shown_by_many_at_once_works_at_most_once(world):
    form = world.code_form(world.allow()["code"])
    results = []

    def work():
        try:
            results.append(world.exchange(form)["access_token"])
        except OAuthError as error:
            results.append(error.error)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tokens = [one for one in results if one != "invalid_grant"]
    assert len(results) == 20
    assert len(tokens) == 1
    assert world.book.find_credential(tokens[0]) is None


def test_a_suspended_account_gets_no_token(world):
    code, refresh = world.allow()["code"], world.tokens()["refresh_token"]
    world.identity.accounts.set_suspended("alice@penfold.test", suspended=True)
    assert refused(world, world.code_form(code)) == DEAD
    assert refused(world, world.refresh_form(refresh)) == DEAD


def test_what_has_expired_is_swept_away(world):
    world.tokens()
    world.clock.advance(s=CODE_REMEMBERED_S)
    world.tokens()
    assert len(world.book.list_by(AccessToken)) == 1
    assert len(world.book.list_by(Code)) == 1


# --- refresh


def test_a_refresh_token_is_kept_by_a_client_with_a_secret(world):
    refresh = world.tokens()["refresh_token"]
    for _ in range(3):
        answer = world.exchange(world.refresh_form(refresh))
        assert "refresh_token" not in answer
        assert (answer["expires_in"], answer["scope"]) == (3599, GMAIL)
        assert world.book.find_credential(answer["access_token"])


def test_a_public_client_gets_a_new_one_each_time_and_the_old_one_kills_the_grant(world):
    public = world.identity.clients.add("Bare", kind="desktop", public=True)
    first = world.tokens(public)["refresh_token"]
    second = world.exchange(world.refresh_form(first, public))
    third = world.exchange(world.refresh_form(second["refresh_token"], public))
    assert refused(world, world.refresh_form(first, public)) == DEAD
    assert refused(world, world.refresh_form(third["refresh_token"], public)) == DEAD
    assert world.book.find_credential(third["access_token"]) is None


def test_of_two_processes_that_refresh_at_once_one_gets_tokens_and_they_end(tmp_path):
    """RFC 9700 §4.14.2: who of the two is the thief nobody can tell, so nothing is left alive.

    PENFOLD_RACES says how often (20).
    """
    worlds, clock = [], FixedClock()
    for _ in range(2):
        book = SqliteDirectory(tmp_path / "directory.db", clock=clock)
        worlds.append(IdentityWorld(book, clock=clock) if not worlds else book)
    world, other = worlds
    second = dataclasses.replace(world.identity.grants, book=other, chance=random.Random(12))
    public = world.identity.clients.add("Bare", kind="desktop", public=True)
    for _ in range(RACES):
        form, results = world.refresh_form(world.tokens(public)["refresh_token"], public), []
        both = threading.Barrier(2)

        def race(grants, form=form, results=results, both=both):
            both.wait()
            try:
                results.append(
                    grants.exchange(form, authorization=None, base=ISSUER, issuer=ISSUER)
                )
            except OAuthError as error:
                results.append(error.error)

        threads = [
            threading.Thread(target=race, args=(g,)) for g in (world.identity.grants, second)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        [good] = [one for one in results if one != "invalid_grant"]
        assert len(results) == 2
        assert refused(world, world.refresh_form(good["refresh_token"], public)) == DEAD
        assert world.book.list_by(Grant) == []
    for book in (world.book, other):
        book.close()


def test_a_client_with_a_secret_may_ask_for_new_refresh_tokens_too(world):
    careful = world.identity.clients.add("Careful", kind="desktop", rotates=True)
    first = world.tokens(careful)["refresh_token"]
    second = world.exchange(world.refresh_form(first, careful))["refresh_token"]
    assert second != first
    assert refused(world, world.refresh_form(first, careful)) == DEAD
    assert refused(world, world.refresh_form(second, careful)) == DEAD


def test_what_an_application_in_testing_was_allowed_ends_after_seven_days(world):
    tried = world.identity.clients.add("Trial", kind="desktop", testing=True)
    answer = world.tokens(tried)
    assert answer["refresh_token_expires_in"] == 7 * 86_400
    world.clock.advance(days=6)
    assert "refresh_token_expires_in" not in world.exchange(
        world.refresh_form(answer["refresh_token"], tried)
    )
    world.clock.advance(days=1)
    assert refused(world, world.refresh_form(answer["refresh_token"], tried)) == DEAD
    assert world.book.list_by(Grant) == []


def test_what_the_operator_issues_an_application_in_testing_lasts(world):
    tried = world.identity.clients.add("Trial", kind="desktop", testing=True)
    issued = world.identity.grants.issue_token(
        world.alice, tried.client, frozenset({GMAIL}), offline=True
    )
    world.clock.advance(days=8)
    assert world.exchange(world.refresh_form(issued.refresh_token, tried))["access_token"]


def test_the_rules_of_an_installation_may_be_others_than_gmails():
    rules = GrantRules(idle_days=2, testing_days=1, per_client=2, password_ends=False)
    world = IdentityWorld(rules=rules)
    tokens = []
    for _ in range(3):
        tokens.append(world.tokens()["refresh_token"])
        world.clock.advance(ms=1)
    assert refused(world, world.refresh_form(tokens[0])) == DEAD
    world.identity.accounts.set_password("alice@penfold.test", "another-word")
    assert world.exchange(world.refresh_form(tokens[1]))
    world.clock.advance(days=2, s=1)
    assert refused(world, world.refresh_form(tokens[1])) == DEAD
    tried = world.identity.clients.add("Trial", kind="desktop", testing=True)
    assert world.tokens(tried)["refresh_token_expires_in"] == 86_400


def test_a_narrower_scope_may_be_asked_for_and_a_wider_one_not(world):
    refresh = world.tokens(scope=f"{GMAIL} {READONLY}")["refresh_token"]
    answer = world.exchange(world.refresh_form(refresh, scope=READONLY))
    assert answer["scope"] == READONLY
    assert world.book.find_credential(answer["access_token"]).scopes == {READONLY}
    assert world.exchange(world.refresh_form(refresh))["scope"] == f"{GMAIL} {READONLY}"
    assert refused(world, world.refresh_form(refresh, scope="openid")) == (
        400, "invalid_scope", "Bad Request",
    )  # fmt: skip
    assert refused(world, world.refresh_form(refresh, scope="bogus"))[:2] == (400, "invalid_scope")


@pytest.mark.parametrize("token", ["1//0unknown", "x", "ya29.x"])
def test_an_unknown_refresh_token_is_dead(world, token):
    assert refused(world, world.refresh_form(token)) == DEAD


def test_an_access_token_does_not_refresh(world):
    assert refused(world, world.refresh_form(world.tokens()["access_token"])) == DEAD


def test_refreshing_needs_a_token_and_its_own_client(world):
    refresh = world.tokens()["refresh_token"]
    assert refused(world, world.refresh_form(refresh, refresh_token=None)) == (
        400, "invalid_request", "Missing required parameter: refresh_token",
    )  # fmt: skip
    assert refused(world, world.refresh_form(refresh, world.web)) == BAD
    assert refused(world, world.refresh_form(refresh, client_secret="x"))[0] == 401
    assert world.exchange(world.refresh_form(refresh))


def test_a_refresh_token_nobody_uses_dies(world):
    refresh = world.tokens()["refresh_token"]
    for _ in range(3):
        world.clock.advance(days=REFRESH_IDLE_DAYS)
        assert world.exchange(world.refresh_form(refresh))
    world.clock.advance(days=REFRESH_IDLE_DAYS, s=1)
    assert refused(world, world.refresh_form(refresh)) == DEAD
    assert world.book.list_by(Grant) == []


def test_past_a_hundred_grants_the_oldest_dies(world):
    first = world.tokens()["refresh_token"]
    world.clock.advance(ms=1)
    second = world.tokens()["refresh_token"]
    for _ in range(GRANTS_MAX - 1):
        world.clock.advance(ms=1)
        world.tokens()
    assert refused(world, world.refresh_form(first)) == DEAD
    assert world.exchange(world.refresh_form(second))
    assert len(world.book.list_by(Grant)) == GRANTS_MAX


def test_many_flows_do_not_drop_what_the_operator_issued(world):
    issued = world.identity.grants.issue_token(
        world.alice, world.desktop.client, frozenset({GMAIL})
    )
    world.clock.advance(ms=1)
    for _ in range(GRANTS_MAX + 1):
        world.tokens()
    assert world.book.find_credential(issued.access_token)


def test_issued_grants_stay_while_they_have_a_token_and_go_after(world):
    def issue(**options):
        return world.identity.grants.issue_token(
            world.alice, world.desktop.client, frozenset({GMAIL}), **options
        )

    long, kept = issue(lifetime_s=86_400 * 365), issue(offline=True)
    for _ in range(GRANTS_MAX + 1):
        issue()
    assert len(world.book.list_by(Grant)) == GRANTS_MAX + 3
    world.clock.advance(s=3600)
    issue()  # takes the dead tokens away
    issue()  # and the grants without any
    assert len(world.book.list_by(Grant)) == 4
    assert world.book.find_credential(long.access_token)
    assert world.exchange(world.refresh_form(kept.refresh_token))["access_token"]


# --- issue and revoke


def test_the_operator_issues_tokens_for_any_time(world):
    issued = world.identity.grants.issue_token(
        world.bob, world.desktop.client, frozenset({READONLY}), lifetime_s=86_400, offline=True
    )
    world.clock.advance(s=86_399)
    assert world.book.find_credential(issued.access_token).account == world.bob
    assert world.exchange(world.refresh_form(issued.refresh_token))["scope"] == READONLY


@pytest.mark.parametrize("shown", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_both(world, shown):
    answer, other = world.tokens(), world.tokens()
    newer = world.exchange(world.refresh_form(answer["refresh_token"]))["access_token"]
    world.identity.grants.revoke(answer[shown])
    assert world.book.find_credential(answer["access_token"]) is None
    assert world.book.find_credential(newer) is None
    assert refused(world, world.refresh_form(answer["refresh_token"])) == DEAD
    assert world.book.find_credential(other["access_token"])


def test_revoking_what_is_not_alive_is_refused(world):
    answer = world.tokens()
    world.identity.grants.revoke(answer["access_token"])
    for token in (answer["access_token"], "", "x"):
        with pytest.raises(OAuthError, match="Token expired or revoked") as caught:
            world.identity.grants.revoke(token)
        assert (caught.value.status, caught.value.error) == (400, "invalid_token")


def test_tokens_are_kept_as_digests(world):
    answer = world.tokens()
    assert world.book.find(AccessToken, digest(answer["access_token"]))
    assert world.book.find(RefreshToken, digest(answer["refresh_token"]))


# --- id tokens


def id_token_of(world, answer):
    key = world.book.find(SigningKey, parse_header(answer["id_token"])["kid"])
    return verify(answer["id_token"], certificate=key.certificate)


def test_openid_brings_an_id_token(world):
    answer = world.tokens(scope="openid email profile", nonce="n-1")
    now_s = world.clock.now_ms() // 1000
    half = hashlib.sha256(answer["access_token"].encode()).digest()[:16]
    assert id_token_of(world, answer) == {
        "iss": ISSUER,
        "azp": world.desktop.client.id,
        "aud": world.desktop.client.id,
        "sub": subject(world.alice),
        "hd": "penfold.test",
        "email": "alice@penfold.test",
        "email_verified": True,
        "name": "Alice Example",
        "given_name": "Alice",
        "family_name": "Example",
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        "nonce": "n-1",
        "iat": now_s,
        "exp": now_s + 3600,
    }


def test_without_openid_there_is_none(world):
    assert "id_token" not in world.tokens()


def test_a_refresh_brings_a_new_id_token_without_the_nonce(world):
    refresh = world.tokens(scope="openid", nonce="n-1")["refresh_token"]
    claims = id_token_of(world, world.exchange(world.refresh_form(refresh)))
    assert "nonce" not in claims
    assert "email" not in claims


def test_an_id_token_is_no_access_token(world):
    assert world.book.find_credential(world.tokens(scope="openid")["id_token"]) is None


def test_an_id_token_is_good_for_an_hour(world):
    token = world.tokens(scope="openid")["id_token"]
    world.clock.advance(s=3600)
    for bad in (token, "x", token[:-4] + "AAAA"):
        with pytest.raises(OAuthError, match="Invalid Value"):
            world.identity.id_tokens.check(bad)
