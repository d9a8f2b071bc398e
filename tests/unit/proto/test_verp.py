"""Return addresses that nobody can guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import VERP_TOKEN_BYTES
from penfold.proto.address import parse_mailbox
from penfold.proto.verp import Verp, is_shaped, make_verp, read_verp

KEY = bytes(range(32))
OLD = bytes(32)
DOMAIN = "rp.example.org"
NOW_S = 1_800_000_000
DAY_S = 86_400


def make(reference=0x18C0, *, key=KEY, now_s=NOW_S, domain=DOMAIN, prefix="b"):
    return make_verp(reference, domain=domain, key=key, now_s=now_s, prefix=prefix)


def read(address, *, keys=(KEY,), now_s=NOW_S, domain=DOMAIN):
    return read_verp(address, domain=domain, keys=keys, now_s=now_s)


@given(st.integers(0, (1 << 63) - 1), st.integers(0, 1 << 36))
def test_address_reads_back_and_is_one(reference, now_s):
    address = make(reference, now_s=now_s)
    assert parse_mailbox(address) == address
    assert is_shaped(address)
    found = read(address, now_s=now_s)
    assert found == Verp("b", reference, now_s // DAY_S * DAY_S)


def test_address_has_the_documented_shape():
    assert make() == "b+18c0.g2p.xjhnsudomt2r6qgs@rp.example.org"
    assert VERP_TOKEN_BYTES * 8 >= 64


@pytest.mark.parametrize("address", ["", "@", "b@x", "b+1@x", "b+1.g2p.short@x", "b+1.g2p.!@x"])
def test_other_addresses_have_another_shape(address):
    assert not is_shaped(address)


def test_case_does_not_matter():
    assert read(make().upper()) == read(make())


@given(st.data())
def test_an_address_changed_anywhere_says_nothing(data):
    address = make()
    local = address.partition("@")[0]
    at = data.draw(st.integers(0, len(local) - 1))
    letter = data.draw(st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyz+.-"))
    changed = address[:at] + letter + address[at + 1 :]
    assert changed == address or read(changed) is None


def test_an_address_of_another_domain_or_key_says_nothing():
    assert read(make(domain="rp.example.net")) is None
    assert read(make(domain="rp.example.net"), domain="rp.example.net") is not None
    assert read(make(key=OLD)) is None
    moved = make().replace(DOMAIN, "rp.example.net")
    assert read(moved, domain="rp.example.net") is None


def test_an_address_made_with_the_key_before_still_counts():
    assert read(make(key=OLD), keys=(KEY, OLD)) is not None
    assert read(make(), keys=()) is None


@pytest.mark.parametrize(
    ("days", "counts"), [(0, True), (10, True), (11, False), (-1, True), (-2, False)]
)
def test_an_address_counts_for_ten_days(days, counts):
    assert (read(make(), now_s=NOW_S + days * DAY_S) is not None) == counts


def test_what_kind_of_mail_it_is_may_be_said_by_the_prefix():
    assert read(make(prefix="otp")).prefix == "otp"


@pytest.mark.parametrize(
    ("reference", "prefix"),
    [(-1, "b"), (1 << 63, "b"), (1, ""), (1, "B"), (1, "a+b"), (1, "x" * 17)],
)
def test_what_makes_no_address_is_refused(reference, prefix):
    with pytest.raises(ValueError):
        make(reference, prefix=prefix)


@given(st.text(max_size=80) | st.from_regex(r"b\+[0-9a-f]{1,16}\.[0-9a-z]{1,6}\.[a-z2-7]{16}"))
def test_any_text_is_an_address_of_ours_or_is_not(text):
    assert is_shaped(f"{text}@{DOMAIN}") == is_shaped(f"{text}@x")
    assert read(text) is None
    assert read(f"{text}@{DOMAIN}") is None
