"""Google's quotas on a running server: two processes that share, the client that retries, limits."""

import base64
import smtplib
import ssl
import subprocess
import sys

import httpx
import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from penfold.base.limits import SUBMISSION_RECIPIENTS_MAX
from penfold.testing.server import serve, start


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quota")
    limits = {"PENFOLD_QUOTA_USER_UNITS": "60", "PENFOLD_SEND_MESSAGES_PER_DAY": "1"}
    with serve(
        folder / "data",
        args=["--workers", "2"],
        env=limits,
        log=folder / "log",
        quota="google-2023",
    ) as running:
        yield running


def spend(server, *, calls):
    """Ask on a new connection each time, so that both processes get some; return the answers."""
    token = server.load_document("alice")["token"]
    url = f"{server.http}/gmail/v1/users/me/history?startHistoryId=1000"
    headers = {"Authorization": f"Bearer {token}"}
    return [httpx.get(url, headers=headers) for _ in range(calls)]


def test_two_processes_share_what_a_user_has(server):
    # 2 units each; a minute may end in between, so up to two minutes' worth is granted.
    answers = spend(server, calls=100)
    granted = [each for each in answers if each.status_code == 200]
    refused = [each for each in answers if each.status_code == 403]
    assert 30 <= len(granted) <= 60
    assert len(granted) + len(refused) == 100
    error = refused[-1].json()["error"]
    assert error["errors"] == [
        {
            "message": error["message"],
            "domain": "usageLimits",
            "reason": "rateLimitExceeded",
        }
    ]
    assert error["message"].startswith(
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of "
        "service 'gmail.googleapis.com' for consumer 'project_number:"
    )
    assert error["details"][0]["metadata"]["quota_limit_value"] == "60"
    shown = subprocess.run(
        [sys.executable, "-m", "penfold.app.main", "quota", "show", "alice@penfold.test",
         "--json", "--data", str(server.data)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert '"limit": 60' in shown.stdout
    metrics = httpx.get(f"{server.http}/metrics").text
    assert 'penfold_quota_refusals_total{limit="user"}' in metrics
    assert "penfold_quota_units_total" in metrics


def test_googles_client_knows_the_refusal_for_one_to_retry(server):
    # To send costs 100 units, more than a whole minute's, so no call before it or after matters.
    path = server.data / "credentials" / "alice.json"
    credentials = Credentials.from_authorized_user_file(str(path))
    gmail = build(
        "gmail", "v1", credentials=credentials, discoveryServiceUrl=server.discovery_url,
        static_discovery=False,
    )  # fmt: skip
    waits = []
    request = gmail.users().messages().send(userId="me", body={"raw": ""})
    request._sleep = waits.append
    request._rand = lambda: 0.0
    with pytest.raises(HttpError) as caught:
        request.execute(num_retries=2)
    gmail.close()
    assert caught.value.error_details[0]["reason"] == "RATE_LIMIT_EXCEEDED"
    assert len(waits) == 2


# --- sending, by the API and by SMTP, before and after a restart

LETTER = b"From: alice@penfold.test\r\nTo: bob@penfold.test\r\nSubject: hi\r\n\r\nhi\r\n"


def send(server):
    token = server.load_document("alice")["token"]
    return httpx.post(
        f"{server.http}/gmail/v1/users/me/messages/send",
        headers={"Authorization": f"Bearer {token}"},
        json={"raw": base64.urlsafe_b64encode(LETTER).decode()},
    )


def log_in(server):
    host, _, port = server.submissions.rpartition(":")
    trust = ssl.create_default_context(cafile=str(server.data / "tls" / "ca.pem"))
    smtp = smtplib.SMTP_SSL(host, int(port), context=trust)
    password = server.load_document("passwords")["alice@penfold.test"]["app_password"]
    smtp.login("alice@penfold.test", password)
    return smtp


def submit(server):
    with log_in(server) as smtp:
        smtp.sendmail("alice@penfold.test", ["bob@penfold.test"], LETTER)


@pytest.fixture
def restarted(tmp_path):
    """Return what starts a server that lets an account send two messages a day, again and again."""
    servers = []

    def begin():
        for each in servers:
            assert each.stop() == 0
        limits = {"PENFOLD_SEND_MESSAGES_PER_DAY": "2"}
        servers.append(
            start(tmp_path / "data", env=limits, log=tmp_path / "log", quota="google-2026")
        )
        return servers[-1]

    yield begin
    servers[-1].stop()


def test_what_was_sent_counts_for_api_and_smtp_and_outlives_a_restart(restarted):
    server = restarted()
    assert send(server).status_code == 200
    submit(server)
    refused = send(server)
    assert refused.status_code == 429
    server = restarted()
    again = send(server)
    assert (again.status_code, again.json()) == (429, refused.json())
    with pytest.raises(smtplib.SMTPDataError) as caught:
        submit(server)
    assert caught.value.smtp_code == 550
    assert caught.value.smtp_error.startswith(b"5.4.5 Daily user sending limit exceeded")


def test_a_submission_has_a_hundred_recipients_at_most(restarted):
    with log_in(restarted()) as smtp:
        smtp.mail("alice@penfold.test")
        answers = [smtp.rcpt(f"p{n}@x.example") for n in range(SUBMISSION_RECIPIENTS_MAX + 1)]
    assert {code for code, _ in answers[:-1]} == {250}
    assert answers[-1][0] == 452
    assert answers[-1][1].startswith(b"4.5.3")


def test_two_processes_take_from_the_same_buckets_and_a_restart_fills_none(tmp_path):
    env = {"PENFOLD_RATE_LIMITS": "api-account=40/7d"}
    options = {"args": ["--workers", "2"], "env": env, "log": tmp_path / "log"}
    with serve(tmp_path / "data", **options) as server:
        answers = spend(server, calls=60)
        refused = [each for each in answers if each.status_code == 429]
        assert len(refused) == 20
        assert int(refused[0].headers["retry-after"]) > 3_600
        page = httpx.get(f"{server.http}/metrics").text
        assert 'penfold_rate_limit_refusals_total{limit="api-account"} 20' in page
    with serve(tmp_path / "data", **options) as server:
        assert {each.status_code for each in spend(server, calls=2)} == {429}
