"""One-time passwords by time: the vectors of the standards, and what is no code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.totp import (
    DIGITS,
    STEP_S,
    find_step,
    make_code,
    make_uri,
    spell_secret,
)

SECRET = b"12345678901234567890"
STEP_MS = 1000 * STEP_S


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, "94287082"), (1_111_111_109, "07081804"), (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"), (2_000_000_000, "69279037"), (20_000_000_000, "65353130"),
    ],
)  # fmt: skip
def test_codes_are_those_of_rfc_6238_appendix_b(second, code):
    assert make_code(SECRET, second // STEP_S, digits=8) == code


@pytest.mark.parametrize(
    ("step", "code"), [(0, "755224"), (1, "287082"), (5, "254676"), (9, "520489")]
)
def test_codes_are_those_of_rfc_4226_appendix_d(step, code):
    assert make_code(SECRET, step) == code


@pytest.mark.parametrize("by", [-1, 0, 1])
def test_a_code_of_a_neighbouring_step_is_good(by):
    assert find_step(SECRET, make_code(SECRET, 100 + by), now_ms=100 * STEP_MS) == 100 + by


@pytest.mark.parametrize("by", [-2, 2])
def test_a_code_of_a_step_further_away_is_not(by):
    assert find_step(SECRET, make_code(SECRET, 100 + by), now_ms=100 * STEP_MS) is None


def test_a_code_that_was_used_and_those_before_it_are_good_no_more():
    for step in (99, 100):
        code = make_code(SECRET, step)
        assert find_step(SECRET, code, now_ms=100 * STEP_MS, after=100) is None
    assert find_step(SECRET, make_code(SECRET, 101), now_ms=100 * STEP_MS, after=100) == 101


def test_spaces_in_a_code_do_not_matter():
    code = make_code(SECRET, 7)
    assert find_step(SECRET, f" {code[:3]} {code[3:]} ", now_ms=7 * STEP_MS) == 7


@given(st.text(max_size=20) | st.text("0123456789０１²", min_size=6, max_size=6))
def test_any_other_text_is_no_code_and_no_error(text):
    found = find_step(SECRET, text, now_ms=7 * STEP_MS)
    good = {make_code(SECRET, step): step for step in (6, 7, 8)}
    assert found == good.get("".join(text.split()))
    assert len(make_code(SECRET, 7)) == DIGITS


def test_the_address_for_apps_carries_issuer_account_and_secret():
    uri = make_uri(SECRET, issuer="Penfold", account="kim@penfold.test")
    assert uri == (
        "otpauth://totp/Penfold:kim@penfold.test?"
        "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Penfold"
    )
    assert spell_secret(SECRET) in uri
