"""Transfer encodings, whole and damaged."""

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.mime.transfer import decode_base64, decode_quoted_printable, decoded_size


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param(b"QUJD", b"ABC", id="whole"),
        pytest.param(b"QUI=", b"AB", id="padded"),
        pytest.param(b"QUI", b"AB", id="padding-missing"),
        pytest.param(b"QUI====", b"AB", id="too-much-padding"),
        pytest.param(b"QUJDR", b"ABC", id="lone-last-digit"),
        pytest.param(b"Q U\r\nJ\tD", b"ABC", id="white-space"),
        pytest.param(b"Q*U\xffJ\0D", b"ABC", id="junk"),
        pytest.param(b"QUI=\r\n-- \r\nfooter of a list", b"AB", id="text-after-the-end"),
        pytest.param(b"QUJD=QUJD", b"ABCABC", id="padding-that-completes-nothing"),
        pytest.param(b"====", b"", id="only-padding"),
        pytest.param(b"Q", b"", id="one-digit"),
        pytest.param(b"Q=Q=Q=Q=Q", None, id="padding-everywhere"),
        pytest.param(b"", b"", id="empty"),
    ],
)
def test_base64_is_read_as_far_as_it_goes(text, data):
    assert data is None or decode_base64(text) == data
    assert decoded_size(b"xx" + text + b"yy", 2, 2 + len(text), "base64") == len(
        decode_base64(text)
    )


@given(st.binary())
def test_base64_comes_back(data):
    assert decode_base64(base64.encodebytes(data)) == data


@given(st.binary(max_size=64) | st.text("QA=+/ \n*", max_size=40).map(str.encode))
def test_size_of_base64_is_what_decoding_gives(text):
    assert decoded_size(text, 0, len(text), "base64") == len(decode_base64(text))


@given(st.binary())
def test_quoted_printable_comes_back(data):
    encoded = quopri.encodestring(data)
    assert decode_quoted_printable(encoded) == data
    assert decoded_size(encoded, 0, len(encoded), "quoted-printable") == len(data)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"a=\r\nb", b"ab"),
        (b"a=\nb", b"ab"),
        (b"=XY", b"=XY"),
        (b"=e9=E9", b"\xe9\xe9"),
        (b"100% = all", b"100% = all"),
        (b"end=", b"end"),
    ],
)
def test_quoted_printable_is_read_as_far_as_it_goes(text, data):
    assert decode_quoted_printable(text) == data
