"""Single values: what is taken, what is refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.front.http.values import BadValueError, make_reader, read_octets, type_label
from penfold.spec.members import Kind
from penfold.spec.schemas import Label

UINT32 = Kind("integer", "uint32")
INT32 = Kind("integer", "int32")
UINT64 = Kind("string", "uint64")
INT64 = Kind("string", "int64")
BOOL = Kind("boolean")
TEXT = Kind("string")
FORMAT = Kind("string", values=("full", "receivedTime"))


@pytest.mark.parametrize(
    ("kind", "given_value", "value"),
    [
        (UINT32, "0", 0),
        (UINT32, "4294967295", 2**32 - 1),
        (UINT32, 7, 7),
        (UINT32, 7.0, 7),
        (UINT32, "007", 7),
        (INT32, "-5", -5),
        (UINT64, "18446744073709551615", 2**64 - 1),
        (INT64, -(2**63), -(2**63)),
        (BOOL, "true", True),
        (BOOL, "False", False),
        (BOOL, "1", True),
        (BOOL, True, True),
        (TEXT, "", ""),
        (FORMAT, "full", "full"),
        (FORMAT, "FULL", "full"),
        (FORMAT, "RECEIVED_TIME", "receivedTime"),
    ],
)
def test_value_is_taken(kind, given_value, value):
    assert make_reader(kind, as_text=False)(given_value) == value


@pytest.mark.parametrize(
    ("kind", "given_value"),
    [
        (UINT32, "-1"),
        (UINT32, "4294967296"),
        (UINT32, "x"),
        (UINT32, ""),
        (UINT32, " 1"),
        (UINT32, "1.0"),
        (UINT32, 1.5),
        (UINT32, True),
        (UINT32, "9" * 4000),
        (UINT32, "१"),
        (INT32, 2**31),
        (UINT64, "abc"),
        (UINT64, "-1"),
        (BOOL, "yes"),
        (BOOL, 1),
        (BOOL, ""),
        (TEXT, 5),
        (TEXT, None),
        (FORMAT, "nope"),
        (FORMAT, 0),
    ],
)
def test_value_is_refused(kind, given_value):
    with pytest.raises(BadValueError):
        make_reader(kind, as_text=False)(given_value)


def test_64_bit_integers_of_bodies_stay_text():
    assert make_reader(UINT64, as_text=True)(7) == "7"
    assert make_reader(UINT32, as_text=True)("7") == 7


@pytest.mark.parametrize(
    "text",
    ["_-8=", "_-8", "/+8=", "/+8", "_-\r\n8", " _-8 "],
    ids=["url", "url-bare", "standard", "standard-bare", "folded", "spaced"],
)
def test_octets_come_in_either_alphabet_padded_or_not(text):
    assert read_octets(text) == b"\xff\xef"


@pytest.mark.parametrize("value", ["a", "abcde", "ab$d", "a=bc", "ä", 5, None])
def test_text_that_is_no_base64_is_refused(value):
    with pytest.raises(BadValueError):
        read_octets(value)


def test_refused_octets_are_repeated_shortened():
    with pytest.raises(BadValueError) as caught:
        read_octets("$" * 1_000_000)
    assert caught.value.reason.startswith('Base64 decoding failed for "$$')
    assert len(caught.value.reason) < 400


@given(st.binary(max_size=100), st.booleans(), st.booleans())
def test_encode_then_read_gives_the_same_octets(data, url_safe, padded):
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    text = encode(data).decode()
    assert read_octets(text if padded else text.rstrip("=")) == data


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        (UINT32, "TYPE_UINT32"),
        (UINT64, "TYPE_UINT64"),
        (BOOL, "TYPE_BOOL"),
        (TEXT, "TYPE_STRING"),
        (Kind("string", "byte"), "TYPE_BYTES"),
        (FORMAT, "type.googleapis.com/caribou.api.proto.InternalDateSource"),
        (Kind("object", schema=Label), "type.googleapis.com/caribou.api.proto.Label"),
    ],
)
def test_type_is_named_as_google_names_it(kind, label):
    assert type_label(kind, "message[0].internal_date_source") == label
