"""What a request says about its browser, without a server."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from penfold.base.errors import ParseError
from penfold.front.web.browser import (
    base_address,
    client_address,
    find_cookie,
    form_token,
    is_own_form,
    set_cookie,
)


def request(scheme="http", host="localhost:1", cookie="", **headers):
    pairs = {"host": host, "cookie": cookie, **headers}
    return Request(
        {
            "type": "http",
            "scheme": scheme,
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "client": ("192.0.2.1", 5),
            "headers": [(name.replace("_", "-").encode(), value.encode("latin-1"))
                        for name, value in pairs.items() if value],
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "start", "secure"),
    [("http", "penfold_browser=c;", False), ("https", "__Host-penfold_browser=c;", True)],
)
def test_over_tls_the_cookie_is_bound_to_host_and_tls(scheme, start, secure):
    response = Response()
    set_cookie(request(scheme), response, "c")
    header = response.headers["set-cookie"]
    assert header.startswith(start)
    assert ("Secure" in header) is secure
    assert "Path=/" in header
    assert "Domain" not in header


def test_a_cookie_without_tls_does_not_count_over_tls():
    assert find_cookie(request(cookie="penfold_browser=c")) == "c"
    assert find_cookie(request("https", cookie="penfold_browser=c")) == ""
    assert find_cookie(request("https", cookie="__Host-penfold_browser=c")) == "c"


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:8025", "[::1]:8025", "mail.example", "accounts.google.com"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_our_address_is_the_one_the_client_used(scheme, host):
    made = request(scheme, host, x_forwarded_host="evil.example", x_forwarded_proto="ftp")
    assert base_address(made) == f"{scheme}://{host}"
    assert client_address(made) == "192.0.2.1"


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", "a:b", "[::1", "a\\b", "a?b", "é"])
def test_a_host_that_is_none_is_refused(host):
    with pytest.raises(ParseError):
        base_address(request(host=host))


def test_every_browser_has_its_own_form_token():
    assert form_token("a") != form_token("b")
    assert is_own_form(request(), "a", form_token("a"))
    assert not is_own_form(request(), "a", form_token("b"))
    assert not is_own_form(request(), "", form_token(""))
