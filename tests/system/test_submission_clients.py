"""Programs people send mail with, against submission: STARTTLS and TLS, passwords and tokens."""

import json
import smtplib
import ssl
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from tests.conformance.clients import NODE
from tests.until import until

from penfold.testing.server import serve

SENDER, READER = "alice@penfold.test", "bob@penfold.test"


class Account:
    """What a person types into a client's settings."""

    def __init__(self, server):
        self.server = server
        self.password = server.load_document("passwords")[SENDER]["app_password"]
        self.token = server.load_document("alice")["token"]
        self.authority = str(server.data / "tls" / "ca.pem")
        self.host, _, self.starttls_port = server.submission.rpartition(":")
        self.tls_port = server.submissions.rpartition(":")[2]


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("clients") / "data") as server:
        yield Account(server)


def write(subject):
    return f"From: {SENDER}\r\nTo: {READER}\r\nSubject: {subject}\r\n\r\nhello\r\n"


def run(*command, text=None):
    done = subprocess.run(
        command, capture_output=True, text=True, input=text, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def send_by_swaks(account, subject, *, mechanism, tls):
    port = account.starttls_port if tls == "--tls" else account.tls_port
    run(
        "swaks", "--server", account.host, "--port", port, tls, "--tls-verify",
        "--tls-ca-path", account.authority, "--auth", mechanism, "--auth-user", SENDER,
        "--auth-password", account.password, "--from", SENDER, "--to", READER,
        "--data", write(subject),
    )  # fmt: skip


def send_by_msmtp(account, subject, *, auth, secret):
    run(
        "msmtp", f"--host={account.host}", f"--port={account.starttls_port}", "--tls=on",
        "--tls-starttls=on", f"--tls-trust-file={account.authority}", f"--auth={auth}",
        f"--user={SENDER}", f"--passwordeval=echo {secret}", f"--from={SENDER}", READER,
        text=write(subject).replace("\r\n", "\n"),
    )  # fmt: skip


def send_by_curl(account, subject, *, login):
    run(
        "curl", "--silent", "--show-error", "--ssl-reqd", "--cacert", account.authority,
        f"smtp://{account.host}:{account.starttls_port}", *login, "--mail-from", SENDER,
        "--mail-rcpt", READER, "--upload-file", "-", text=write(subject),
    )  # fmt: skip


def send_by_nodemailer(account, subject, *, node, auth):
    ask = {
        "transport": {
            "host": account.host,
            "port": int(account.tls_port),
            "secure": True,
            "auth": {"user": SENDER, **auth},
            "tls": {"ca": [Path(account.authority).read_text()]},
        },
        "message": {"from": SENDER, "to": READER, "subject": subject, "text": "hello"},
    }
    said = json.loads(run(node, str(NODE / "mailer.js"), json.dumps(ask)))
    assert said["accepted"] == [READER]


def send_by_smtplib(account, subject):
    context = ssl.create_default_context(cafile=account.authority)
    with smtplib.SMTP(account.host, int(account.starttls_port), timeout=20) as client:
        client.starttls(context=context)
        client.login(SENDER, account.password)
        client.sendmail(SENDER, [READER], write(subject))


def assert_arrived(account, subject):
    """Look for the sent copy, which is there at once, and for the copy that arrives."""
    assert len(find(account, SENDER, "SENT", subject)) == 1
    found = until(lambda: find(account, READER, "INBOX", subject), what="the copy that arrives")
    assert len(found) == 1


def find(account, who, label, subject):
    token = account.server.load_document(who.partition("@")[0])["token"]
    query = urllib.parse.urlencode({"q": f"subject:{subject}", "labelIds": label})
    request = urllib.request.Request(
        f"{account.server.http}/gmail/v1/users/me/messages?{query}",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read()).get("messages", [])


@pytest.mark.parametrize(
    ("mechanism", "tls"),
    [("PLAIN", "--tls"), ("LOGIN", "--tls"), ("PLAIN", "--tls-on-connect")],
)
def test_swaks(account, program, mechanism, tls):
    program("swaks")  # and libnet-ssleay-perl, which gives it TLS
    send_by_swaks(account, subject := f"swaks{mechanism}{len(tls)}", mechanism=mechanism, tls=tls)
    assert_arrived(account, subject)


@pytest.mark.parametrize("auth", ["plain", "login", "oauthbearer", "xoauth2"])
def test_msmtp(account, program, auth):
    program("msmtp")
    secret = account.token if "oauth" in auth else account.password
    send_by_msmtp(account, subject := f"msmtp{auth}", auth=auth, secret=secret)
    assert_arrived(account, subject)


@pytest.mark.parametrize("kind", ["password", "token"])
def test_curl(account, program, kind):
    program("curl")
    login = ("--user", f"{SENDER}:{account.password}")
    if kind == "token":
        login = ("--user", f"{SENDER}:", "--oauth2-bearer", account.token)
    send_by_curl(account, subject := f"curl{kind}", login=login)
    assert_arrived(account, subject)


@pytest.mark.parametrize("kind", ["password", "token"])
def test_nodemailer(account, program, kind):
    node = program("node")
    program("npm")
    auth = {"pass": account.password}
    if kind == "token":
        auth = {"type": "OAuth2", "accessToken": account.token}
    send_by_nodemailer(account, subject := f"nodemailer{kind}", node=node, auth=auth)
    assert_arrived(account, subject)


def test_smtplib(account):
    send_by_smtplib(account, "smtplib")
    assert_arrived(account, "smtplib")
