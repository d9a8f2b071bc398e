"""Which keys sign, and messages that are signed with them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.signatures import DOMAIN, LETTER, NOW_S, private_key, record_of, zone

from penfold.base.clock import FixedClock
from penfold.base.errors import SealBrokenError
from penfold.domain.outgoing.signing_keys import KeyState, SigningKeys, choose_signing, state_of
from penfold.ports.identity import DkimKey, Domain
from penfold.proto.dns import run_check
from penfold.proto.mailauth.dkim import verify_dkim
from penfold.proto.mailauth.outcome import Outcome
from penfold.proto.mailauth.private_keys import ED25519, RSA, print_private_key
from penfold.testing.directory import MemoryDirectory
from penfold.testing.sealing import PlainSealer

KIND = {RSA: "rsa", ED25519: "ed"}


def make_key(selector, algorithm=RSA, *, active_ms=1, retired_ms=0, domain=DOMAIN):
    name = f"{selector}._domainkey.{domain}"
    kind = KIND[algorithm]
    sealed = PlainSealer().seal(print_private_key(private_key(kind)), context=name)
    return DkimKey(
        name, domain, selector, algorithm, record_of(kind).decode(), sealed, 1, active_ms,
        retired_ms,
    )  # fmt: skip


class Signing:
    def __init__(self, *keys):
        self.clock = FixedClock()
        self.book = MemoryDirectory(clock=self.clock)
        self.add(Domain(DOMAIN, 1), *keys)
        self.keys = SigningKeys(self.book, PlainSealer(), self.clock)

    def add(self, *records):
        self.book.change(lambda writer: [writer.add(each) for each in records])

    def sign(self, raw=LETTER, domain=DOMAIN):
        return self.keys.sign(raw, domain, NOW_S)

    def selectors(self, domain=DOMAIN):
        return [each.selector for each in self.keys.find(domain)]


@pytest.fixture
def both():
    return Signing(make_key("rsa"), make_key("ed", ED25519))


def test_a_message_bears_a_signature_of_each_algorithm_that_holds(both):
    signed = both.sign()
    assert signed.endswith(LETTER)
    results = run_check(verify_dkim(signed, now_s=NOW_S), zone())
    assert [(each.algorithm, each.selector, each.result) for each in results] == [
        (RSA, "rsa", Outcome.PASS),
        (ED25519, "ed", Outcome.PASS),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"From ann Mon Jan  1 00:00:00 2024\r\n" + LETTER, id="mbox-line"),
        pytest.param(b"\xef\xbb\xbf" + LETTER, id="byte-order-mark"),
        pytest.param(b"Subject: no author\r\n\r\nbody\r\n", id="no-from"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"From: a@sender.example\r\n" + b"X: y\r\n" * 100_000, id="endless-header"),
    ],
)
def test_what_cannot_be_signed_stays_as_it_is(both, raw):
    assert both.sign(raw) is raw


@pytest.mark.parametrize("domain", ["elsewhere.example", "sub.sender.example", ""])
def test_a_domain_without_keys_signs_nothing(both, domain):
    assert both.sign(domain=domain) is LETTER


@given(st.binary(max_size=300))
def test_whatever_is_signed_ends_in_what_came(raw):
    signing = Signing(make_key("ed", ED25519))
    assert signing.sign(raw).endswith(raw)


def test_a_key_that_waits_does_not_sign():
    assert Signing(make_key("rsa", active_ms=0)).sign() is LETTER


def test_a_new_key_signs_within_a_minute():
    signing = Signing(make_key("rsa"))
    assert signing.selectors() == ["rsa"]
    signing.add(make_key("ed", ED25519))
    assert signing.selectors() == ["rsa"]
    signing.clock.advance(s=60)
    assert signing.selectors() == ["rsa", "ed"]


def test_a_key_sealed_elsewhere_is_an_error_and_not_unsigned_mail():
    broken = msgspec.structs.replace(make_key("rsa"), sealed=b"something else\0x")
    with pytest.raises(SealBrokenError):
        Signing(broken).sign()


def test_domains_that_are_asked_about_do_not_fill_the_memory(both):
    keys = SigningKeys(both.book, PlainSealer(), both.clock, kept_max=5)
    for number in range(20):
        assert keys.find(f"d{number}.example") == ()
    assert len(keys._kept) == 5
    assert len(keys.find(DOMAIN)) == 2


def test_states_follow_from_when_a_key_began_and_ended():
    assert state_of(make_key("a", active_ms=0)) is KeyState.WAITING
    assert state_of(make_key("a", active_ms=5)) is KeyState.ACTIVE
    assert state_of(make_key("a", active_ms=5, retired_ms=6)) is KeyState.RETIRED


def test_of_two_active_keys_the_one_activated_last_signs():
    keys = [make_key("new", active_ms=9), make_key("old", active_ms=3)]
    assert [each.selector for each in choose_signing(keys, 10)] == ["new"]
    assert [each.selector for each in choose_signing(keys, 9)] == ["new"]
    assert [each.selector for each in choose_signing(keys, 8)] == ["old"]
    assert choose_signing(keys, 2) == ()


ACTIVITY = st.tuples(st.sampled_from([RSA, ED25519]), st.integers(0, 9), st.integers(0, 9))


@given(st.lists(ACTIVITY, max_size=6), st.integers(0, 10))
def test_at_most_one_key_of_an_algorithm_signs_and_only_an_active_one(rows, now_ms):
    keys = [
        DkimKey(f"s{n}", DOMAIN, f"s{n}", algorithm, "", b"", 1, active, retired)
        for n, (algorithm, active, retired) in enumerate(rows)
    ]
    chosen = choose_signing(keys, now_ms)
    assert len({each.algorithm for each in chosen}) == len(chosen)
    assert all(state_of(each) is KeyState.ACTIVE and each.active_ms <= now_ms for each in chosen)
    able = {e.algorithm for e in keys if state_of(e) is KeyState.ACTIVE and e.active_ms <= now_ms}
    assert {each.algorithm for each in chosen} == able
