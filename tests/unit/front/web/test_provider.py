"""Signing in by an OpenID Connect provider, over real HTTP and HTTPS: the way, and each refusal."""

import asyncio
import random
import re
import time
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from tests.openid_provider import (
    CLIENT_ID,
    SECRET,
    SmallProvider,
    make_trusted,
    public,
    signing_key,
    unsigned,
)
from tests.unit.front.web.conftest import Browser, Site
from tests.unit.front.web.test_account import code_now, press, set_up_totp

from penfold.base.clock import FixedClock
from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    ID_TOKEN_AGE_S,
    PROVEN_S,
    PROVIDER_AGAIN_S,
    PROVIDER_CALLS_MAX,
    PROVIDER_GOAL_MAX_CHARS,
    PROVIDER_KEPT_S,
    PROVIDER_KEYS_AGAIN_S,
    SIGN_IN_STEP_S,
)
from penfold.front.web.provider import ProviderPages
from penfold.net.dns import Resolver
from penfold.net.https_get import Bounds
from penfold.net.openid import BOUNDS, OpenidProvider, Registration
from penfold.ports.identity import ProviderLogin, Session
from penfold.ports.openid import Coming, Sending
from penfold.proto.resolv_conf import Resolvers
from penfold.spec.rates import SIGN_IN_NETWORK

ALICE = "alice@penfold.test"
AT = "/.well-known/openid-configuration"
GUESSES = 5
PEER = "192.0.2.9"
NOW_MS = time.time_ns() // 1_000_000
AUTHORITY, TRUSTING = make_trusted(NOW_MS)


class Place:
    """A site, the provider its people may come from, and what the site told the log of it."""

    def __init__(self, folder, *, bounds=BOUNDS, context=TRUSTING, load_secret=lambda: SECRET):
        self.told = []
        self._options = {"bounds": bounds, "context": context, "load_secret": load_secret}
        self._folder = folder
        self.site = Site(
            make_provider=self._make, limits=(f"sign-in-network={GUESSES}/15m",), peer=PEER
        )
        self.base, self.world, self.clock = self.site.base, self.site.world, self.site.world.clock

    def _make(self, identity):
        clock = identity.sessions.clock
        self.provider = SmallProvider(self._folder, AUTHORITY, now_ms=NOW_MS, clock=clock)
        provider = OpenidProvider(
            Registration(self.provider.issuer, CLIENT_ID, "Corp & Co"),
            Resolver(Resolvers((), trusted=False), clock=clock, chance=random.Random(7)),
            clock=clock,
            **self._options,
        )
        return ProviderPages(identity, provider, self.told.append)

    def close(self):
        self.provider.close()
        self.site.close()

    def go(self, browser, goal="/account"):
        """Follow the link of the sign-in page; return where the provider is asked."""
        browser.open(f"{self.base}/signin?continue={quote(goal, safe='')}")
        [href] = re.findall(r'<a class="button" href="([^"]+)">Sign in with Corp &amp; Co</a>',
                            browser.answer.text)  # fmt: skip
        browser.open(self.base + unescape(href))
        return browser.left_for

    def come(self, browser, goal="/account"):
        """Sign in by the provider; return the page that the browser ends at."""
        return browser.open(self.provider.sign_in(self.go(browser, goal)))

    def count(self, kind):
        return len(self.world.book.list_by(kind))


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.close()


def test_who_the_provider_signs_in_is_in_with_a_session_like_any_other(place, browser):
    page = place.come(browser)
    assert "<h1>Your account</h1>" in page.text
    assert ALICE in page.text
    [session] = place.world.book.list_by(Session)
    assert session.account_id == place.world.alice.id
    assert session.address == PEER
    [form], [login] = place.provider.forms, place.provider.logins
    assert login.startswith("Basic ")
    assert not {"client_id", "client_secret"} & set(form)
    assert place.told == []
    assert place.come(browser).status_code == 200  # and again, as the same one
    assert place.count(ProviderLogin) == 1


def test_the_way_leads_on_to_the_application_that_asked(place, browser):
    goal = urlsplit(place.site.url())
    place.come(browser, f"{goal.path}?{goal.query}")
    assert "wants to access your account" in browser.answer.text
    assert ALICE in browser.answer.text


@pytest.mark.parametrize("goal", ["https://evil.example/", "//evil.example", "/account/../token"])
def test_the_way_leads_nowhere_else(place, browser, goal):
    assert place.come(browser, goal).url.startswith(f"{place.base}/account?")


def test_a_very_long_way_on_is_left_out(place, browser):
    url = place.go(browser, "/account?" + "x" * PROVIDER_GOAL_MAX_CHARS)
    assert len(url) < 1_500
    assert "<h1>Your account</h1>" in browser.open(place.provider.sign_in(url)).text


def test_the_provider_hears_who_is_expected_and_nothing_that_it_could_misuse(place, browser):
    browser.open(f"{place.base}/signin?continue=%2Faccount&login_hint={quote(ALICE)}")
    href = unescape(re.search(r'class="button" href="([^"]+)"', browser.answer.text)[1])
    browser.open(place.base + href)
    asked = parse_qs(urlsplit(browser.left_for).query)
    assert asked["login_hint"] == [ALICE]
    assert asked["tenant"] == ["1"]
    assert asked["redirect_uri"] == [f"{place.base}/signin/callback"]
    cookie = next(iter(browser.session.cookies)).value
    assert cookie not in browser.left_for
    assert SECRET not in browser.left_for


def test_the_secret_goes_into_the_form_where_the_provider_wants_it_there(place, browser):
    place.provider.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert place.come(browser).status_code == 200
    assert place.provider.logins == [""]


def test_a_second_factor_is_not_asked_for_and_signing_in_matters_ask_for_the_password(
    place, browser
):
    browser.open(f"{place.base}/account")
    browser.sign_in()
    secret = set_up_totp(place.site, browser)
    with_factor = Browser()
    place.come(with_factor)
    assert "<h1>Your account</h1>" in with_factor.answer.text
    assert "<h1>Is it you?</h1>" in press(with_factor, "totp-remove").text
    with_factor.send(password="open-sesame")
    assert "totp-remove" in with_factor.answer.text
    assert code_now(place.site, secret)
    with_factor.close()


def test_a_sign_in_that_was_shown_to_the_provider_a_moment_ago_counts_as_the_password(
    place, browser
):
    now_s = place.clock.now_ms() // 1000
    place.provider.claims["auth_time"] = now_s - PROVEN_S + 60
    place.come(browser)
    assert "<h1>Make recovery codes" not in browser.answer.text
    page = browser.open(f"{place.base}/account/recovery?account={quote(ALICE)}")
    assert "<h1>Recovery codes</h1>" in page.text
    place.clock.advance(s=60)
    page = browser.open(f"{place.base}/account/recovery?account={quote(ALICE)}")
    assert "<h1>Is it you?</h1>" in page.text


# --- refusals --------------------------------------------------------------------------


def lie(**changed):
    """Return what makes the provider say other claims."""
    return lambda place: place.provider.claims.update(changed)


def person(**changed):
    return lambda place: place.provider.person.update(changed)


def back(**changed):
    return lambda place: place.provider.back.update(changed)


def sets(**changed):
    return lambda place: [setattr(place.provider, name, value) for name, value in changed.items()]


def metadata(**changed):
    return lambda place: place.provider.metadata.update(changed)


def at(seconds, *names):
    return lambda place: place.provider.claims.update(
        {name: place.clock.now_ms() // 1000 + seconds for name in names}
    )


OTHER = {"sub": "u-2", "email": ALICE, "email_verified": True}
REFUSED = [
    # what                                  how                                  why, status, words
    ("wrong-nonce", lie(nonce="another"), "untrusted", "for another sign-in"),
    ("no-nonce", lie(nonce=None), "untrusted", "for another sign-in"),
    ("nonce-no-text", lie(nonce=["\ud800"]), "untrusted", "for another sign-in"),
    ("wrong-aud", lie(aud="somebody else"), "untrusted", "for another client"),
    ("wrong-auds", lie(aud=["a", "b"]), "untrusted", "for another client"),
    ("no-aud", lie(aud=None), "untrusted", "for another client"),
    ("auds-no-azp", lie(aud=[CLIENT_ID, "b"]), "untrusted", "given to another client"),
    ("wrong-azp", lie(azp="b"), "untrusted", "given to another client"),
    ("wrong-iss", lie(iss="https://evil.example"), "untrusted", "by another issuer"),
    ("iss-with-slash", lambda p: lie(iss=p.provider.issuer + "/")(p), "untrusted", "issuer"),
    ("expired", at(-61, "exp"), "untrusted", "has expired"),
    ("no-exp", lie(exp=None), "untrusted", "exp is no time"),
    ("exp-text", lie(exp="tomorrow"), "untrusted", "exp is no time"),
    ("old", at(-ID_TOKEN_AGE_S - 1, "iat"), "untrusted", "compare the clocks"),
    ("future", at(61, "iat"), "untrusted", "compare the clocks"),
    ("no-sub", lie(sub=None), "untrusted", "names nobody"),
    ("long-sub", lie(sub="x" * 256), "untrusted", "names nobody"),
    ("alg-none", sets(make_token=unsigned), "untrusted", "algorithm is not taken: 'none'"),
    ("hmac", lambda p: sets(make_token=p.provider.sign_with_public_key)(p), "untrusted", "algorithm is not taken: 'HS256'"),
    ("other-key", sets(key=signing_key(number=1)), "untrusted", "signature is not valid"),
    ("key-unknown", sets(kid="k2"), "untrusted", "not published"),
    ("no-token", sets(make_token=lambda _: "x.y"), "untrusted", "not a signed token"),
    ("long-token", sets(make_token=lambda _: "x" * 20_000), "untrusted", "too long"),
    ("mix-up", back(iss="https://evil.example"), "untrusted", "answer is from"),
    ("no-iss", back(iss=None), "untrusted", "does not say whose"),
    ("denied", back(code=None, error="access_denied"), "denied", "access_denied"),
    ("error", back(code=None, error="invalid_scope", error_description="no\x1bemail"), "failed",
     "invalid_scope: no email"),
    ("no-code", back(code=None), "failed", "no code"),
    ("code-unknown", back(code="made up"), "failed", "400, invalid_grant: no such code"),
    ("no-address", lambda p: (person(email=None)(p), metadata(userinfo_endpoint=None)(p)),
     "no_address", ""),
    ("userinfo-none", person(email=None), "untrusted", "without claims"),
    ("userinfo-other", lambda p: (person(email=None)(p), sets(userinfo=OTHER)(p)), "untrusted",
     "about somebody else"),
    ("unverified", person(email_verified=False), "unverified", ""),
    ("verified-unsaid", person(email_verified=None), "unverified", ""),
    ("verified-odd", person(email_verified=1), "unverified", ""),
    ("unknown", person(email="eve@penfold.test"), "unknown", ""),
    ("tagged", person(email="alice+x@penfold.test"), "unknown", ""),
    ("other-issuer", metadata(issuer="https://evil.example"), "failed", "calls itself"),
    ("plain-token-endpoint", metadata(token_endpoint="http://x.example/"), "failed", "not https"),
    ("no-secret-way", metadata(token_endpoint_auth_methods_supported=["private_key_jwt"]),
     "failed", "neither by client_secret_basic"),
    ("moved", sets(broken={AT: (301, {})}), "failed", "status 301"),
    ("no-json", sets(broken={AT: (200, b"<html>")}), "failed", "cannot be read"),
    ("large", sets(broken={AT: (200, b" " * 200_000)}), "silent", "too long"),
    ("keys-gone", sets(broken={"/keys": (500, {})}), "failed", "status 500"),
    ("keys-odd", sets(broken={"/keys": (200, {"keys": 1})}), "failed", "no list"),
    ("token-odd", sets(broken={"/token": (200, b"[]")}), "failed", "without an answer in JSON"),
]  # fmt: skip
STATUS = {"untrusted": 502, "failed": 502, "silent": 504}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("provider"))
    yield place
    place.close()


@pytest.fixture
def fresh(shared):
    """The place of the module with a provider that tells the truth, and nothing remembered."""
    made = shared.provider
    made.person = {"sub": "u-1", "email": "Alice@Penfold.test", "email_verified": True}
    made.metadata, made.claims, made.back, made.broken = {}, {}, {}, {}
    made.algorithm, made.kid, made.key, made.make_token = "RS256", "k1", signing_key(), None
    made.userinfo = None
    shared.told.clear()
    shared.clock.advance(s=PROVIDER_KEPT_S)
    return shared


@pytest.mark.parametrize(
    ("change", "reason", "detail"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_lie_or_a_no_signs_nobody_in_and_says_what_to_do(fresh, browser, change, reason, detail):
    sessions = fresh.count(Session)
    change(fresh)
    url = fresh.go(browser)
    page = browser.open(fresh.provider.sign_in(url)) if url else browser.answer
    assert page.status_code == STATUS.get(reason, 403)
    assert "<h1>You are not signed in</h1>" in page.text
    assert f'href="/signin?continue={quote("/account", safe="")}"' in page.text
    assert len(re.findall("<p[ >]", page.text)) >= 4  # brand, what is wrong, what to do, the way
    [failure] = fresh.told
    assert (failure.reason, failure.issuer) == (reason, fresh.provider.issuer)
    assert failure.client == PEER
    assert detail in failure.detail
    assert "\x1b" not in failure.detail
    assert (fresh.count(Session), fresh.count(ProviderLogin)) == (sessions, 0)
    assert "<h1>Sign in</h1>" in browser.open(f"{fresh.base}/account").text


def test_two_audiences_are_fine_when_it_was_given_to_us(fresh, browser):
    fresh.provider.claims.update(aud=["other", CLIENT_ID], azp=CLIENT_ID)
    assert "<h1>Your account</h1>" in fresh.come(browser).text
    fresh.world.identity.provider_logins.remove(
        fresh.world.alice, fresh.world.book.list_by(ProviderLogin)[0].id
    )


def test_the_address_may_come_from_the_userinfo_endpoint(place, browser):
    place.provider.userinfo = dict(place.provider.person)
    place.provider.person = {"sub": "u-1"}
    assert "<h1>Your account</h1>" in place.come(browser).text
    assert place.provider.asked["/userinfo"] == 1


def test_elliptic_signatures_are_taken_and_keys_for_something_else_passed_over(place, browser):
    made = place.provider
    made.key, made.algorithm, made.kid = signing_key("ec"), "ES256", None
    made.keys = [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "new kind", "kid": "k1"},
        public(signing_key(), use="enc"),
        public(made.key),
    ]
    assert "<h1>Your account</h1>" in place.come(browser).text


def test_an_account_that_is_suspended_stays_out(place, browser):
    place.world.identity.accounts.set_suspended(ALICE, suspended=True)
    assert "is suspended" in place.come(browser).text
    assert place.told[0].reason == "suspended"
    assert place.count(ProviderLogin) == 0


def test_a_letter_that_becomes_another_in_lower_case_opens_no_account(place, browser):
    place.world.identity.accounts.add("kim@penfold.test")
    place.provider.person["email"] = "\N{KELVIN SIGN}im@penfold.test"
    assert place.come(browser).status_code == 403
    assert place.told[0].reason == "unknown"


def test_somebody_else_with_the_same_address_at_the_provider_does_not_get_in(place, browser):
    place.come(browser)
    place.provider.person["sub"] = "u-2"
    other = Browser()
    page = place.come(other)
    assert page.status_code == 403
    assert "belongs to somebody else" in page.text
    assert place.count(ProviderLogin) == 1
    # The owner removes it, which asks for the password, and then the new one is the one.
    assert "<h1>Is it you?</h1>" in press(browser, "provider-remove").text
    browser.send(password="open-sesame")
    assert place.provider.issuer in browser.answer.text
    assert place.provider.issuer not in press(browser, "provider-remove").text
    assert place.count(ProviderLogin) == 0
    assert "<h1>Your account</h1>" in place.come(other).text
    other.close()


def test_one_at_the_provider_cannot_have_two_accounts_here(place, browser):
    place.come(browser)
    place.provider.person["email"] = "bob@penfold.test"
    other = Browser()
    page = place.come(other)
    assert "owner of another account" in page.text
    assert place.told[0].reason == "elsewhere"
    other.close()


def test_the_answer_counts_in_the_browser_that_asked_only(place, browser):
    victim = Browser()
    victim.open(f"{place.base}/signin")
    answer = place.provider.sign_in(place.go(browser))
    page = victim.open(answer)
    assert page.status_code == 403
    assert "begun in another browser" in page.text
    bare = Browser()
    assert bare.open(answer).status_code == 403
    assert place.provider.forms == []  # and the code was shown to nobody
    assert "<h1>Your account</h1>" in browser.open(answer).text
    victim.close()
    bare.close()


@pytest.mark.parametrize("state", ["", "x", "%FF", "a" * 5_000])
def test_a_state_that_is_made_up_is_refused(place, browser, state):
    place.go(browser)
    page = browser.open(f"{place.base}/signin/callback?code=x&state={state}")
    assert page.status_code in (400, 403)
    assert place.provider.forms == []


def test_an_answer_is_good_for_a_while_and_once(place, browser):
    answer = place.provider.sign_in(place.go(browser))
    place.clock.advance(s=SIGN_IN_STEP_S)
    assert "begun in another browser, or too long ago" in browser.open(answer).text
    answer = place.provider.sign_in(place.go(browser))
    assert "begun in another browser" in browser.open(f"{answer}&code=y").text
    assert browser.open(answer).status_code == 200
    assert browser.open(answer).status_code == 403  # the cookie is a new one


def test_failures_count_as_wrong_passwords_of_the_network_do(place, browser):
    place.provider.person["email"] = "eve@penfold.test"
    for _ in range(GUESSES - 1):
        assert place.come(browser).status_code == 403
    place.provider.claims["nonce"] = "wrong"
    assert place.come(browser).status_code == 502
    asked = len(place.provider.forms)
    page = place.come(browser)
    assert page.status_code == 429
    assert page.headers["retry-after"]
    assert len(place.provider.forms) == asked
    browser.open(f"{place.base}/signin")
    assert browser.sign_in().status_code == 429


def test_failures_are_in_the_audit_log_and_so_is_who_the_account_was_bound_to(place, browser):
    place.provider.claims["nonce"] = "wrong"
    place.come(browser)
    place.provider.claims.clear()
    place.come(browser)
    told = [shown.entry for shown in place.world.book.list_audit(most=5)]
    pairs = [(entry.action, entry.kind) for entry in reversed(told)]
    assert pairs[-3:] == [("fail", "session"), ("add", "provider_login"), ("add", "session")]
    assert place.provider.issuer in told[1].after
    assert "u-1" not in repr(told)


# --- what is kept, and what is waited for ------------------------------------------------


def test_what_the_provider_says_of_itself_is_asked_once_an_hour(place, browser):
    place.come(browser)
    place.come(browser)
    assert (place.provider.asked[AT], place.provider.asked["/keys"]) == (1, 1)
    place.clock.advance(s=PROVIDER_KEPT_S)
    place.come(browser)
    assert (place.provider.asked[AT], place.provider.asked["/keys"]) == (2, 2)


def test_a_new_key_is_found_but_asked_for_once_a_minute(place, browser):
    place.come(browser)
    made = place.provider
    made.kid, made.key = "k2", signing_key(number=1)
    assert place.come(browser).status_code == 502
    assert made.asked["/keys"] == 1  # fetched a moment ago
    place.clock.advance(s=PROVIDER_KEYS_AGAIN_S)
    assert place.come(browser).status_code == 502
    assert place.come(browser).status_code == 502
    assert made.asked["/keys"] == 2
    made.keys.append(public(made.key, kid="k2"))
    place.clock.advance(s=PROVIDER_KEYS_AGAIN_S)
    assert place.come(browser).status_code == 200
    assert made.asked["/keys"] == 3


def test_a_provider_that_fails_is_left_alone_for_a_moment(place, browser):
    place.provider.broken[AT] = 500, {}
    for _ in range(3):
        assert place.go(browser) is None
        assert browser.answer.status_code == 502
    assert place.provider.asked[AT] == 1
    del place.provider.broken[AT]
    place.clock.advance(s=PROVIDER_AGAIN_S)
    assert "<h1>Your account</h1>" in place.come(browser).text


def test_a_provider_that_is_silent_is_waited_for_so_long_and_that_is_no_guess(tmp_path, browser):
    bounds = Bounds(total_s=0.3, connect_s=0.3, addresses_max=1, body_bytes=99_999, head_bytes=9999)
    place = Place(tmp_path, bounds=bounds)
    try:
        place.provider.silent.add("/token")
        page = place.come(browser)
        assert page.status_code == 504
        assert "does not answer" in page.text
        assert place.told[0].detail == "localhost: the answer took too long"
        throttle = place.world.identity.throttle
        throttle.take_each(*[(SIGN_IN_NETWORK, PEER)] * GUESSES)
    finally:
        place.close()


def test_a_provider_without_a_certificate_that_is_trusted_hears_nothing(tmp_path, browser):
    place = Place(tmp_path, context=make_trusted(NOW_MS)[1])
    try:
        assert place.go(browser) is None
        assert "certificate" in place.told[0].detail
        assert place.provider.asked == {}
    finally:
        place.close()


def test_a_secret_that_is_gone_is_told_of_where_the_operator_looks(tmp_path, browser):
    def load():
        raise UnavailableError("sign_in_client_secret: the environment has no X")

    place = Place(tmp_path, load_secret=load)
    try:
        page = place.come(browser)
        assert page.status_code == 502
        assert "environment" not in page.text
        assert place.told[0].detail == "sign_in_client_secret: the environment has no X"
    finally:
        place.close()


def test_a_crowd_does_not_pile_up_before_a_slow_provider(tmp_path):
    clock = FixedClock()
    provider = SmallProvider(tmp_path, AUTHORITY, now_ms=NOW_MS, clock=clock)
    ours = OpenidProvider(
        Registration(provider.issuer, CLIENT_ID, "Corp"),
        Resolver(Resolvers((), trusted=False), clock=clock, chance=random.Random(7)),
        load_secret=lambda: SECRET,
        clock=clock,
        context=TRUSTING,
    )
    sending = Sending("http://x/", "state", "nonce", "v" * 43)

    async def crowd():
        await ours.make_url(sending)
        provider.silent.add("/token")
        asks = [
            asyncio.create_task(ours.find_person(sending, Coming(code="x", issuer=ours.issuer)))
            for _ in range(PROVIDER_CALLS_MAX + 3)
        ]
        done, waiting = await asyncio.wait(asks, return_when=asyncio.FIRST_COMPLETED)
        reasons = [one.exception().reason for one in done]
        provider.close()
        rest = await asyncio.gather(*waiting, return_exceptions=True)
        return reasons + [one.reason for one in rest]

    reasons = asyncio.run(crowd())
    assert reasons == ["silent"] * (PROVIDER_CALLS_MAX + 3)


def test_without_a_provider_there_is_no_link_and_no_way_back(site, browser):
    assert "/signin/provider" not in browser.open(f"{site.base}/signin").text
    for path in ("/signin/provider", "/signin/callback?code=x"):
        assert browser.open(site.base + path).status_code == 404
