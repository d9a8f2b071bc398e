"""Canonical forms: RFC 6376 §3.4 by the letter, whatever the octets and however they are cut."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.mailauth.canonical import (
    hash_body,
    iter_body,
    make_field,
    read_message,
    relax_field,
    select_fields,
    strip_signature,
)

#: Bodies of what matters to the forms.
BODIES = st.lists(
    st.sampled_from([b"a", b"bc", b" ", b"  ", b"\t", b"\r\n", b"\n", b"\r", b"\xff"]), max_size=30
).map(b"".join)
CHUNKS = st.integers(1, 9)


def body(raw, *, relaxed, chunk=65_536):
    return b"".join(iter_body(raw, 0, relaxed=relaxed, chunk=chunk))


def by_the_letter(raw, *, relaxed):
    """The forms as RFC 6376 §3.4.3 and §3.4.4 tell them, line by line."""
    lines = re.split(rb"\r?\n", raw)
    if relaxed:
        lines = [re.sub(rb"[ \t]+", b" ", line).removesuffix(b" ") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    text = b"".join(line + b"\r\n" for line in lines)
    return text if text or relaxed else b"\r\n"


@pytest.mark.parametrize(
    ("raw", "simple", "relaxed"),
    [
        pytest.param(b"", b"\r\n", b"", id="empty"),
        pytest.param(b"\r\n\r\n", b"\r\n", b"", id="line-ends-only"),
        pytest.param(b" \r\n\t\r\n", b" \r\n\t\r\n", b"", id="blanks-only"),
        pytest.param(b"a", b"a\r\n", b"a\r\n", id="no-line-end"),
        pytest.param(b"a \t", b"a \t\r\n", b"a\r\n", id="blanks-and-no-line-end"),
        pytest.param(
            b" C \r\nD \t E\r\n\r\n\r\n", b" C \r\nD \t E\r\n", b" C\r\nD E\r\n", id="rfc"
        ),
        pytest.param(b"a\n\nb\n", b"a\r\n\r\nb\r\n", b"a\r\n\r\nb\r\n", id="lone-lf"),
        pytest.param(b"a\r\r\n\r\n", b"a\r\r\n", b"a\r\r\n", id="lone-cr-is-text"),
    ],
)
def test_a_body_has_its_forms(raw, simple, relaxed):
    assert body(raw, relaxed=False) == simple
    assert body(raw, relaxed=True) == relaxed


@given(BODIES, CHUNKS, st.booleans())
def test_a_form_is_what_the_rfc_says_wherever_the_body_is_cut(raw, chunk, relaxed):
    assert body(raw, relaxed=relaxed, chunk=chunk) == by_the_letter(raw, relaxed=relaxed)


@given(BODIES, st.booleans())
def test_a_canonical_body_is_its_own_form(raw, relaxed):
    once = body(raw, relaxed=relaxed)
    assert body(once, relaxed=relaxed) == once


@given(BODIES, CHUNKS, st.booleans(), st.sets(st.integers(0, 40)))
def test_one_pass_yields_the_hash_of_every_length(raw, chunk, relaxed, lengths):
    whole = body(raw, relaxed=relaxed)
    found = hash_body(raw, 0, relaxed=relaxed, lengths=lengths, chunk=chunk)
    assert found.size == len(whole)
    assert found.whole == hashlib.sha256(whole).digest()
    assert found.cut == {n: hashlib.sha256(whole[:n]).digest() for n in lengths if n < len(whole)}


@pytest.mark.parametrize(
    ("field", "relaxed"),
    [
        pytest.param(b"SUBJect: AbC\r\n", b"subject:AbC", id="name"),
        pytest.param(b"Subject \t: \t A  B\t C \t\r\n", b"subject:A B C", id="blanks"),
        pytest.param(b"Subject: A\r\n\tB\r\n  C\r\n", b"subject:A B C", id="folded"),
        pytest.param(b"Subject: A\n B\n", b"subject:A B", id="lone-lf"),
        pytest.param(b"Subject:\r\n", b"subject:", id="empty"),
        pytest.param(b"Subject: A\x0b \x0cB\r\n", b"subject:A\x0b \x0cB", id="other-blanks-stay"),
        pytest.param(b"Subject: \xe9: ;", b"subject:\xe9: ;", id="no-line-end"),
    ],
)
def test_a_field_has_its_relaxed_form(field, relaxed):
    (found,) = read_message(field + b"\r\nbody" if field.endswith(b"\n") else field).fields
    assert relax_field(found) == relaxed
    text = field.rstrip(b"\r\n")
    assert found.text == (text if b"\r\n" in text else text.replace(b"\n", b"\r\n"))


@pytest.mark.parametrize(
    ("value", "stripped"),
    [
        pytest.param(b" a=1; b=xyz", b" a=1; b=", id="last"),
        pytest.param(b" b=xyz; a=1", b" b=; a=1", id="first"),
        pytest.param(b" a=1;b = x\r\n\ty z= ;bh=q", b" a=1;b =;bh=q", id="folded"),
        pytest.param(b" bh=b=1; b=2;", b" bh=b=1; b=;", id="not-inside-another"),
        pytest.param(b" bh=1; ab=2", b" bh=1; ab=2", id="none"),
    ],
)
def test_the_signature_is_taken_out_of_its_field_and_nothing_else(value, stripped):
    field = strip_signature(make_field(b"DKIM-Signature:" + value))
    assert field.value == stripped
    assert field.text == b"DKIM-Signature:" + stripped


def test_of_several_fields_the_lowest_is_signed_first_and_never_the_signature_itself():
    message = read_message(b"A: 1\r\nB: 2\r\na: 3\r\nS: 4\r\nA: 5\r\nS: 6\r\n\r\nA: 7\r\n")
    own = message.named(b"s")[1]
    names = [b"a", b"s", b"a", b"b", b"b", b"s", b"nothing", b"a", b"a"]
    found = [field.text for field in select_fields(message, names, own)]
    assert found == [b"A: 5", b"S: 4", b"a: 3", b"B: 2", b"A: 1"]


@given(st.binary(max_size=200))
def test_any_octets_are_a_message(raw):
    message = read_message(raw)
    assert 0 <= message.body <= len(raw)
    for field in message.fields:
        assert b"\n" not in relax_field(field)
