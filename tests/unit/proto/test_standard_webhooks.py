"""Signatures of webhooks: what we sign is what the standard's own library takes, and no more."""

import datetime as dt
import json
import random

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from penfold.base.limits import WEBHOOK_SIGNATURES_MAX, WEBHOOK_TOLERANCE_S
from penfold.proto.standard_webhooks import (
    Signed,
    Verdict,
    make_secret,
    parse_secret,
    sign,
    verify,
)

NOW_S = 1_800_000_000
KEY, OTHER = bytes(range(32)), bytes(32)
BODY = b'{"type":"email.delivered"}'

ids = st.text(st.characters(codec="ascii", exclude_characters=".", min_codepoint=33), min_size=1)


def make(body=BODY, secrets=(KEY,), *, now_s=NOW_S, name="msg_1"):
    return sign(name, body, secrets, now_s=now_s)


@given(ids, st.binary(max_size=200), st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=4), st.data())  # fmt: skip
def test_what_is_signed_is_good_for_each_secret_alone(name, body, secrets, data):
    signed = sign(name, body, secrets, now_s=NOW_S)
    one = data.draw(st.sampled_from(secrets))
    assert verify(signed, body, [one], now_s=NOW_S) is Verdict.GOOD


@given(st.text(), st.text(), st.text(), st.binary(max_size=100))
def test_nothing_a_peer_writes_is_good_or_raises(name, timestamp, signature, body):
    assert verify(Signed(name, timestamp, signature), body, [KEY], now_s=NOW_S) is not Verdict.GOOD


@given(st.binary(max_size=60), st.integers(0, 59), st.integers(1, 255))
def test_a_body_with_one_octet_changed_is_forged(body, at, flip):
    signed = make(body)
    at %= len(body) + 1
    changed = body[:at] + bytes([(body[at : at + 1] or b"\0")[0] ^ flip]) + body[at + 1 :]
    assert verify(signed, changed, [KEY], now_s=NOW_S) is Verdict.FORGED


def test_the_example_of_the_standards_own_library_is_signed_alike():
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        [parse_secret(secret)],
        now_s=1614265330,
    )
    assert signed.signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_standards_own_library_takes_what_we_sign_and_we_what_it_signs():
    secret = make_secret(random.Random(1))
    theirs, now = standardwebhooks.Webhook(secret), dt.datetime.now(dt.UTC)
    now_s = int(now.timestamp())
    signed = make(secrets=[OTHER, parse_secret(secret)], now_s=now_s)
    assert theirs.verify(BODY, dict(signed.list_headers())) == json.loads(BODY)
    written = theirs.sign("msg_2", now, BODY.decode())
    back = Signed("msg_2", str(now_s), written)
    assert verify(back, BODY, [parse_secret(secret)], now_s=now_s) is Verdict.GOOD


def test_replayed_old_and_future_messages_are_refused():
    signed = make()
    late, early = NOW_S + WEBHOOK_TOLERANCE_S, NOW_S - WEBHOOK_TOLERANCE_S
    assert verify(signed, BODY, [KEY], now_s=late) is Verdict.GOOD
    assert verify(signed, BODY, [KEY], now_s=late + 1) is Verdict.OLD
    assert verify(signed, BODY, [KEY], now_s=early) is Verdict.GOOD
    assert verify(signed, BODY, [KEY], now_s=early - 1) is Verdict.NEW
    moved = replace(signed, timestamp=str(late + 1))
    assert verify(moved, BODY, [KEY], now_s=late + 1) is Verdict.FORGED


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"id": "msg_2"}, Verdict.FORGED),
        ({"id": ""}, Verdict.MALFORMED),
        ({"id": "msg_1.1800000000"}, Verdict.MALFORMED),
        ({"timestamp": "1800000000.0"}, Verdict.MALFORMED),
        ({"timestamp": "-1"}, Verdict.MALFORMED),
        ({"timestamp": "١٨٠٠٠٠٠٠٠٠"}, Verdict.MALFORMED),
        ({"signature": ""}, Verdict.FORGED),
        ({"signature": "v1,"}, Verdict.FORGED),
        ({"signature": "v1,*"}, Verdict.MALFORMED),
        ({"signature": "v1a,g0hM9SsE"}, Verdict.FORGED),
        ({"signature": "v2,g0hM9SsE"}, Verdict.FORGED),
        ({"signature": " ".join(["v1,AAAA"] * (WEBHOOK_SIGNATURES_MAX + 1))}, Verdict.MALFORMED),
    ],
)
def test_headers_that_were_changed_are_refused(changed, verdict):
    assert verify(replace(make(), **changed), BODY, [KEY], now_s=NOW_S) is verdict


def test_another_secret_is_not_enough_and_no_secret_neither():
    assert verify(make(), BODY, [OTHER], now_s=NOW_S) is Verdict.FORGED
    assert verify(make(), BODY, [], now_s=NOW_S) is Verdict.FORGED


@given(st.integers())
def test_a_new_secret_reads_back_and_is_never_the_same(seed):
    rng = random.Random(seed)
    one, other = make_secret(rng), make_secret(rng)
    assert one.startswith("whsec_")
    assert len(parse_secret(one)) == 32
    assert one != other


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_AAAA", "whsec_" + "A" * 92, "whsec_" + "A" * 10_000, "whsec_é" + "A" * 40])  # fmt: skip
def test_what_is_no_secret_is_none(text):
    assert parse_secret(text) is None
