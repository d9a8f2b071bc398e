"""Mail servers that requests name are tried over real connections."""

import socket

import pytest
from tests.relay import Relay

from penfold.net.submission_probe import SubmissionProbe
from penfold.ports.submitting import ServerError


def make_probe(relay, **options):
    options.setdefault("loopback", True)
    return SubmissionProbe(
        hostname="mx.penfold.test", make_context=relay.make_client_context, **options
    )


def ask(relay, *, security=None, password="right", host="localhost", **options):
    make_probe(relay, **options)(
        host,
        relay.port,
        security=security or relay.tls or "none",
        username="al",
        password=password,
    )


@pytest.mark.parametrize("tls", ["", "ssl", "starttls"])
@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
def test_the_right_login_is_taken_and_a_wrong_one_is_not(tmp_path, tls, mechanisms):
    with Relay(tmp_path, tls=tls, mechanisms=mechanisms).serve() as relay:
        ask(relay)
        assert relay.said[-1].upper() == "QUIT"
        with pytest.raises(ServerError, match="refuses the user name or the password"):
            ask(relay, password="wrong")


@pytest.mark.parametrize(
    ("relay", "asked", "text"),
    [
        ({"tls": ""}, {"security": "starttls"}, "no STARTTLS"),
        ({"tls": ""}, {"security": "ssl"}, "TLS with the server fails"),
        ({"mechanisms": "GSSAPI"}, {}, "no login"),
        ({"mechanisms": ""}, {}, "no login"),
        ({"greeting": "SSH-2.0-OpenSSH"}, {}, "does not speak SMTP"),
        ({"greeting": "554 no"}, {}, "does not speak SMTP"),
        ({}, {"loopback": False}, "not allowed"),
        ({}, {"host": "a" * 70 + ".example"}, "nobody answers"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path, relay, asked, text):
    with Relay(tmp_path, **relay).serve() as served, pytest.raises(ServerError, match=text):
        ask(served, **asked)


def test_a_certificate_of_nobody_we_know_is_refused(tmp_path):
    with Relay(tmp_path).serve() as relay:
        probe = SubmissionProbe(hostname="mx.penfold.test", loopback=True)
        with pytest.raises(ServerError, match="certificate"):
            probe("localhost", relay.port, security="starttls", username="al", password="right")


def test_nobody_there_is_said(tmp_path):
    relay = Relay(tmp_path)
    relay.port = 1
    with pytest.raises(ServerError, match="nobody answers"):
        ask(relay)


def test_a_server_that_keeps_silent_is_left(tmp_path):
    relay = Relay(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay.port = server.getsockname()[1]
        with pytest.raises(ServerError, match="does not speak SMTP"):
            ask(relay, longest_s=0.05)
