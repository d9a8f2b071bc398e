"""Programs send with an API key by SMTP: Python's smtplib and swaks, through a running server."""

import json
import re
import smtplib
import ssl
import subprocess

import httpx
import pytest

from penfold.testing.server import serve

MESSAGE = "From: Shop <shop@penfold.test>\r\nTo: bob@penfold.test\r\nSubject: Hi\r\nX-Tag: kind=hi\r\n\r\nHi\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("keys") / "data") as running:
        yield running


def make_key(server, *more):
    made = server.run("sending", "key", "add", "alice@penfold.test", "smtp", *more)
    return made.splitlines()[0]


def log_in(server, key):
    host, _, port = server.submission.rpartition(":")
    client = smtplib.SMTP(host, int(port), timeout=30)
    client.starttls(context=ssl.create_default_context(cafile=server.data / "tls" / "ca.pem"))
    try:
        client.login("apikey", key)
    except smtplib.SMTPException:
        client.close()
        raise
    return client


def find(server, key, email_id):
    reply = httpx.get(
        f"{server.http}/v1/emails/{email_id}", headers={"authorization": f"Bearer {key}"}
    )
    return reply.json()


def test_smtplib_sends_with_a_key_and_is_told_the_emails_id(server):
    key = make_key(server)
    with log_in(server, key) as client:
        client.mail("shop@penfold.test")
        client.rcpt("bob@penfold.test")
        code, text = client.data(MESSAGE)
    assert code == 250
    email = find(server, key, re.search(rb"queued as (\S+)", text)[1].decode())
    assert (email["to"], email["tags"]) == (["bob@penfold.test"], [{"name": "kind", "value": "hi"}])


def test_a_key_for_another_domain_is_refused_with_the_reason(server):
    message = MESSAGE.replace("penfold", "other", 1)
    key = make_key(server, "--domain", "penfold.test")
    with log_in(server, key) as client, pytest.raises(smtplib.SMTPDataError) as error:
        client.sendmail("x@x.example", ["bob@penfold.test"], message)
    assert error.value.smtp_code == 553
    assert b"other.test" in error.value.smtp_error


def test_a_wrong_key_is_refused(server):
    with pytest.raises(smtplib.SMTPAuthenticationError):
        log_in(server, "pf_wrong")


def test_swaks_sends_with_a_key(server, program):
    program("swaks")
    host, _, port = server.submissions.rpartition(":")
    done = subprocess.run(
        ["swaks", "--server", host, "--port", port, "--tlsc", "--auth", "LOGIN", "--auth-user",
         "apikey", "--auth-password", make_key(server, "--test"), "--from", "shop@penfold.test",
         "--to", "delivered@simulator.test", "--data", MESSAGE],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert re.search(r"250 2\.0\.0 OK queued as [0-9a-f-]{36}", done.stdout), json.dumps(
        done.stdout
    )
