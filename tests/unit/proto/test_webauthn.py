"""Passkeys, checked: what an honest security key says, and everything that is not quite that."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.authenticator import UP, UV, SecurityKey

from penfold.base.errors import ParseError
from penfold.base.limits import PASSKEY_ANSWER_MAX_CHARS
from penfold.proto.webauthn import (
    Place,
    check_answer,
    make_creation,
    make_request,
    parse_creation,
    parse_id,
)

PLACE = Place("mail.example", "https://mail.example")
FIRST, SECOND = b"1" * 32, b"2" * 32
USER = (b"m1", "kim@mail.example", "Kim")


def create(key, *, challenge=FIRST, origin=PLACE.origin, **changed):
    options = make_creation(PLACE, challenge, user=USER, known=[])
    return parse_creation(key.create(options, origin, **changed), place=PLACE, challenge=FIRST)


def use(key, new, *, counter=0, challenge=SECOND, origin=PLACE.origin, place=PLACE, **changed):
    text = key.get(make_request(place, challenge), origin, **changed)
    return check_answer(text, place=PLACE, challenge=SECOND, key=new.key, counter=counter)


def test_a_passkey_is_made_and_shown():
    key = SecurityKey()
    new = create(key)
    assert new.id == key.id
    assert use(key, new, counter=new.counter) == 2


def test_options_ask_for_a_discoverable_key_and_a_verified_user():
    options = json.loads(make_creation(PLACE, FIRST, user=USER, known=[b"old"]))["publicKey"]
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert [one["id"] for one in options["excludeCredentials"]] == ["b2xk"]
    shown = json.loads(make_request(PLACE, FIRST, known=[b"old"]))["publicKey"]
    assert shown["userVerification"] == "required"
    assert [one["id"] for one in shown["allowCredentials"]] == ["b2xk"]
    assert shown["rpId"] == "mail.example"


@pytest.mark.parametrize(
    "changed",
    [
        {"challenge": b"x" * 32},
        {"origin": "https://evil.example"},
        {"origin": "https://sub.mail.example"},
        {"origin": "http://mail.example"},
        {"type": "webauthn.get"},
    ],
    ids=str,
)
def test_a_new_passkey_from_elsewhere_is_refused(changed):
    with pytest.raises(ParseError):
        create(SecurityKey(), **changed)


@pytest.mark.parametrize("flags", [0, UP, UV], ids=["nobody", "not verified", "not present"])
def test_a_user_who_was_not_verified_is_refused(flags):
    with pytest.raises(ParseError):
        create(SecurityKey(flags=flags))
    key = SecurityKey()
    new = create(key)
    key.flags = flags
    with pytest.raises(ParseError):
        use(key, new)


@pytest.mark.parametrize(
    "changed",
    [
        {"challenge": FIRST},
        {"origin": "https://evil.example"},
        {"type": "webauthn.create"},
        {"place": Place("evil.example", "https://evil.example")},
    ],
    ids=str,
)
def test_an_answer_to_something_else_is_refused(changed):
    key = SecurityKey()
    new = create(key)
    with pytest.raises(ParseError):
        use(key, new, **changed)


def test_another_key_of_the_same_name_is_refused():
    new = create(SecurityKey())
    with pytest.raises(ParseError):
        use(SecurityKey(seed=42), new)


@pytest.mark.parametrize("counter", [1, 2, 99])
def test_a_counter_that_does_not_grow_is_refused(counter):
    key = SecurityKey()
    new = create(key)
    key.counter = 0
    with pytest.raises(ParseError):
        use(key, new, counter=counter)


def test_a_key_without_a_counter_is_good_again_and_again():
    key = SecurityKey(counts=False)
    new = create(key)
    assert use(key, new) == 0
    assert use(key, new) == 0


def test_an_answer_says_which_passkey_and_whose():
    key = SecurityKey()
    create(key)
    text = key.get(make_request(PLACE, SECOND), PLACE.origin)
    assert parse_id(text) == (key.id, b"m1")


SHAPES = st.recursive(
    st.none() | st.text(max_size=9) | st.integers() | st.sampled_from(["AAAA", "public-key"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["id", "rawId", "type", "response", "clientDataJSON", "attestationObject",
             "authenticatorData", "signature", "userHandle"]
        ),
        inner,
    ),
    max_leaves=12,
)  # fmt: skip


@given(SHAPES.map(json.dumps) | st.text(max_size=50))
def test_any_other_text_is_a_parse_error(text):
    for parse in (
        lambda: parse_creation(text, place=PLACE, challenge=FIRST),
        lambda: check_answer(text, place=PLACE, challenge=FIRST, key=b"", counter=0),
    ):
        with pytest.raises(ParseError):
            parse()


@settings(max_examples=30)
@given(st.data())
def test_an_answer_with_an_octet_changed_is_a_parse_error(data):
    key = SecurityKey()
    new = create(key)
    answer = json.loads(key.get(make_request(PLACE, SECOND), PLACE.origin))
    name = data.draw(st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]))
    octets = answer["response"][name]
    # A signature has a length of its own each time; the last characters carry spare bits.
    at = data.draw(st.integers(0, 10_000)) % (len(octets) - 2)
    answer["response"][name] = octets[:at] + ("A" if octets[at] != "A" else "B") + octets[at + 1 :]
    with pytest.raises(ParseError):
        check_answer(json.dumps(answer), place=PLACE, challenge=SECOND, key=new.key, counter=0)


def test_an_endless_answer_is_refused_unread():
    with pytest.raises(ParseError):
        parse_id("[" * (PASSKEY_ANSWER_MAX_CHARS + 1))
