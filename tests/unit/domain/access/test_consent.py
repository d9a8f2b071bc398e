"""The authorization endpoint's decisions."""

import re

import pytest
from tests.unit.identity import (
    GMAIL,
    ISSUER,
    LOOPBACK,
    READONLY,
    WEB_REDIRECT,
    IdentityWorld,
    answer_of,
)

from penfold.domain.access.consent import ANOTHER, Ask, Choose, Leave, SignIn, read_scopes, subject
from penfold.ports.identity import Code
from penfold.proto.oauth import OAuthError

EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"


@pytest.fixture
def world():
    return IdentityWorld()


def decide(world, accounts=(), chosen="", client=None, **changed):
    authorization = world.identity.consent.check(world.pairs(client, **changed))
    return world.identity.consent.decide(authorization, list(accounts), chosen, ISSUER)


# --- requests


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": None}, "invalid_request"),
        ({"client_id": "unknown"}, "invalid_client"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": WEB_REDIRECT}, "redirect_uri_mismatch"),
        ({"redirect_uri": "urn:ietf:wg:oauth:2.0:oob"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "bogus"}, "invalid_scope"),
        ({"scope": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
    ],
    ids=lambda value: str(value),
)
def test_a_request_in_error_is_refused_and_never_redirected(world, change, error):
    with pytest.raises(OAuthError) as refused:
        world.identity.consent.check(world.pairs(**change))
    assert refused.value.error == error


def test_a_repeated_redirect_is_refused(world):
    pairs = [*world.pairs(), ("redirect_uri", LOOPBACK)]
    with pytest.raises(OAuthError, match="single value"):
        world.identity.consent.check(pairs)


def test_the_client_is_looked_at_before_the_rest(world):
    """So that nobody learns about other errors by way of a foreign client."""
    with pytest.raises(OAuthError) as refused:
        world.identity.consent.check(world.pairs(client_id="x", redirect_uri="y", scope="z"))
    assert refused.value.error == "invalid_client"


def test_a_service_account_is_no_client_of_the_pages(world):
    new = world.identity.clients.add_service_account("robot")
    with pytest.raises(OAuthError) as refused:
        world.identity.consent.check(world.pairs(client_id=new.client.id))
    assert refused.value.error == "invalid_client"


NO_CHALLENGE = {"code_challenge": None, "code_challenge_method": None}


def test_a_client_with_a_secret_may_go_without_pkce(world):
    """As Google's desktop clients: google-auth-library for Node sends no challenge."""
    tokens = world.exchange(
        world.code_form(world.allow(**NO_CHALLENGE)["code"], code_verifier=None)
    )
    assert "access_token" in tokens


@pytest.mark.parametrize(
    "how",
    [{"public": True}, {"public": True, "pkce": False}, {"pkce": True}],
    ids=["public", "public whatever is said", "asked for"],
)
def test_pkce_is_required_without_a_secret_or_where_the_client_says_so(world, how):
    new = world.identity.clients.add("Bare", kind="desktop", **how)
    with pytest.raises(OAuthError, match="challenge"):
        world.identity.consent.check(world.pairs(new, **NO_CHALLENGE))


def test_a_challenge_that_was_sent_binds_every_client(world):
    code = world.allow()["code"]
    with pytest.raises(OAuthError, match="Missing code verifier"):
        world.exchange(world.code_form(code, code_verifier=None))


def test_unknown_scopes_are_named_in_googles_words():
    with pytest.raises(OAuthError, match=re.escape(f"{{valid=[{GMAIL}], invalid=[a, b]}}")):
        read_scopes(["a", GMAIL, "b"])


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (["email"], {EMAIL, "openid"}),
        (["profile", GMAIL], {PROFILE, "openid", GMAIL}),
        ([EMAIL], {EMAIL, "openid"}),
        ([READONLY, READONLY], {READONLY}),
        ([], set()),
    ],
    ids=["short", "short and whole", "whole", "twice", "none"],
)
def test_scopes_are_echoed_as_google_does(asked, given):
    assert read_scopes(asked) == given


# --- who


def test_a_new_browser_signs_in(world):
    assert decide(world) == SignIn("")
    assert decide(world, login_hint="alice@penfold.test") == SignIn("alice@penfold.test")


def test_a_browser_with_sessions_chooses(world):
    assert decide(world, [world.alice]) == Choose((world.alice,))
    assert decide(world, [world.alice, world.bob]) == Choose((world.alice, world.bob))
    assert decide(world, [world.alice], chosen="0") == Choose((world.alice,))


def test_a_hint_takes_the_place_of_the_choice(world):
    two = [world.alice, world.bob]
    assert decide(world, two, login_hint="Bob@penfold.test").account == world.bob
    assert decide(world, two, login_hint=subject(world.bob)).account == world.bob
    assert decide(world, two, login_hint="carol@x.test") == SignIn("carol@x.test")


def test_select_account_asks_in_spite_of_a_hint(world):
    step = decide(world, [world.alice], login_hint=world.alice.address, prompt="select_account")
    assert step == Choose((world.alice,))


def test_the_chosen_account_is_asked(world):
    step = decide(world, [world.alice, world.bob], chosen=world.bob.address)
    assert step == Ask(world.bob, frozenset({GMAIL}), frozenset())
    step = decide(world, [world.alice], chosen=world.alice.address, prompt="select_account")
    assert step == Ask(world.alice, frozenset({GMAIL}), frozenset())


def test_an_account_that_is_not_signed_in_cannot_be_chosen(world):
    assert decide(world, [world.alice], chosen=world.bob.address) == Choose((world.alice,))


def test_another_account_means_signing_in(world):
    assert decide(world, [world.alice], chosen=ANOTHER) == SignIn("")


# --- whether to ask


def test_a_web_client_is_asked_about_once(world):
    accounts, chosen = [world.alice], world.alice.address
    assert isinstance(decide(world, accounts, chosen, world.web), Ask)
    world.tokens(world.web)
    step = decide(world, accounts, chosen, world.web)
    assert answer_of(step)["prompt"] == "none"
    assert isinstance(decide(world, [world.alice], client=world.web), Choose)


@pytest.mark.parametrize(
    "change",
    [{"scope": f"{GMAIL} {READONLY}"}, {"prompt": "consent"}, {"access_type": "offline"},
     {"approval_prompt": "force"}],
    ids=str,
)  # fmt: skip
def test_a_web_client_that_wants_more_is_asked_about_again(world, change):
    world.tokens(world.web)
    step = decide(world, [world.alice], world.alice.address, world.web, **change)
    assert isinstance(step, Ask)


def test_a_program_on_this_machine_is_always_asked_about(world):
    world.tokens()
    assert isinstance(decide(world, [world.alice], world.alice.address), Ask)


def test_what_the_operator_issued_is_no_consent(world):
    world.identity.grants.issue_token(world.alice, world.web.client, frozenset({GMAIL}))
    assert isinstance(decide(world, [world.alice], world.alice.address, world.web), Ask)


def test_include_granted_scopes_adds_what_was_allowed_before(world):
    world.tokens(world.web, scope=READONLY)
    before = decide(world, [world.alice], world.alice.address, world.web)
    assert before.scopes == {GMAIL}
    step = decide(
        world, [world.alice], world.alice.address, world.web, include_granted_scopes="true"
    )
    assert step.scopes == {GMAIL, READONLY}
    answer = world.allow(world.web, include_granted_scopes="true")
    assert answer["scope"] == f"{GMAIL} {READONLY}"


# --- without a page


@pytest.mark.parametrize(
    ("count", "hint", "error"),
    [
        (0, None, "login_required"),
        (2, None, "account_selection_required"),
        (1, "carol@penfold.test", "login_required"),
        (1, None, "consent_required"),
    ],
)
def test_prompt_none_answers_with_an_error(world, count, hint, error):
    accounts = [world.alice, world.bob][:count]
    step = decide(world, accounts, client=world.web, prompt="none", login_hint=hint)
    assert answer_of(step) == {"state": "xyz", "iss": ISSUER, "error": error}


def test_prompt_none_gives_a_code_where_nothing_needs_asking(world):
    world.tokens(world.web)
    step = decide(world, [world.alice], client=world.web, prompt="none")
    assert answer_of(step)["code"].startswith("4/0")


# --- the way back


def test_the_answer_holds_what_google_sends(world):
    answer = world.allow(state="a b&c=d%")
    assert answer.pop("code").startswith("4/0")
    assert answer == {
        "state": "a b&c=d%",
        "iss": ISSUER,
        "scope": GMAIL,
        "authuser": "0",
        "hd": "penfold.test",
        "prompt": "consent",
    }


def test_a_refusal_goes_back_with_the_state(world):
    authorization = world.identity.consent.check(world.pairs())
    step = world.identity.consent.deny(authorization, ISSUER)
    assert step == Leave(
        f"{LOOPBACK}?state=xyz&iss=http%3A%2F%2F127.0.0.1%3A8025&error=access_denied"
    )


def test_no_state_no_echo(world):
    assert "state" not in world.allow(state=None)


def test_a_code_is_kept_as_a_digest(world):
    code = world.allow()["code"]
    [record] = world.book.list_by(Code)
    assert code.encode() not in record.digest
    assert len(record.digest) == 32


def test_subjects_are_decimal_and_differ(world):
    assert subject(world.alice).isdecimal()
    assert subject(world.alice) != subject(world.bob)
    assert len(subject(world.alice)) <= 25


# --- some of it


ALICE = "alice@penfold.test"
SEND = "https://www.googleapis.com/auth/gmail.send"


def test_of_several_scopes_each_may_be_left_out_but_who_somebody_is(world):
    step = decide(world, [world.alice], ALICE, scope=f"{READONLY} {SEND} openid email")
    assert step.choices == {READONLY, SEND}
    assert step.scopes == {READONLY, SEND, "openid", EMAIL}


@pytest.mark.parametrize(
    "changed",
    [
        {"scope": GMAIL},
        {"scope": f"{GMAIL} openid email profile"},
        {"scope": f"{READONLY} {SEND}", "enable_granular_consent": "false"},
    ],
)
def test_with_one_scope_or_when_the_application_says_so_it_is_all_or_nothing(world, changed):
    assert decide(world, [world.alice], ALICE, **changed).choices == frozenset()
    assert world.allow(ticked=(), **changed)["code"]


def test_a_grant_holds_what_stayed_ticked_and_the_answers_say_so(world):
    answer = world.allow(scope=f"{READONLY} {SEND} openid", ticked=[SEND, GMAIL, "x"])
    assert answer["scope"] == f"{SEND} openid"
    tokens = world.exchange(world.code_form(answer["code"]))
    assert tokens["scope"] == f"{SEND} openid"
    assert world.book.find_credential(tokens["access_token"]).scopes == {SEND, "openid"}


def test_with_nothing_ticked_it_is_a_refusal(world):
    answer = world.allow(scope=f"{READONLY} {SEND}", ticked=())
    assert answer["error"] == "access_denied"
    assert world.book.list_by(Code) == []


def test_what_was_granted_before_comes_along_whatever_is_ticked_now(world):
    world.tokens(world.web, scope=GMAIL)
    answer = world.allow(
        world.web, scope=f"{READONLY} {SEND}", ticked=[SEND], include_granted_scopes="true"
    )
    assert answer["scope"].split() == sorted([SEND, GMAIL])


# --- accounts of a domain


def test_only_accounts_of_the_domain_asked_for_are_offered(world):
    dora = world.identity.accounts.add("dora@other.test")
    everybody = [world.alice, dora, world.bob]
    assert decide(world, everybody, hd="penfold.test") == Choose((world.alice, world.bob))
    assert decide(world, [world.alice], hd="Other.test") == SignIn("", "other.test")
    assert decide(world, everybody, chosen=dora.address, hd="penfold.test") == Choose(
        (world.alice, world.bob)
    )
    assert decide(world, everybody, hd="*") == Choose(tuple(everybody))
    assert answer_of(decide(world, [world.alice], prompt="none", hd="other.test"))["error"] == (
        "login_required"
    )
