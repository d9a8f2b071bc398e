"""multipart/form-data as clients write it."""

import contextlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import FORM_FIELDS_MAX
from penfold.proto.form_data import FormField, parse_form_data

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters='\r\n"\\%'), min_size=1, max_size=20
)


def write(fields):
    request = httpx.Request("POST", "http://x/", files=fields)
    return request.headers["content-type"], request.read()


@given(
    st.lists(
        st.tuples(NAMES.filter(str.isprintable), st.binary(max_size=50)), min_size=1, max_size=9
    )
)
def test_what_httpx_writes_is_read(pairs):
    fields = [(name, ("", value, "text/plain")) for name, value in pairs]
    found = parse_form_data(*write(fields))
    assert [(one.name, one.value) for one in found] == pairs


def test_a_file_has_its_name_and_type():
    [one] = parse_form_data(*write([("a", ('b".pdf', b"\r\n--x\r\n", "application/pdf"))]))
    assert one == FormField("a", b"\r\n--x\r\n", 'b".pdf', "application/pdf")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"--B\r\n\r\nx\r\n--B--\r\n", id="no-disposition"),
        pytest.param(b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--", id="no-name"),
        pytest.param(
            b'--B\r\nContent-Disposition: attachment; name="a"\r\n\r\nx\r\n--B--', id="no-form-data"
        ),
        pytest.param(
            b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * (FORM_FIELDS_MAX + 1),
            id="too-many",
        ),
    ],
)
def test_what_is_no_form_is_refused(body):
    with pytest.raises(ParseError):
        parse_form_data("multipart/form-data; boundary=B", body)


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(octets):
    with contextlib.suppress(ParseError):
        parse_form_data("multipart/form-data; boundary=B", b"--B\r\n" + octets)
