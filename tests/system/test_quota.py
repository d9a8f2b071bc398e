"""Google's quotas on a running server: two processes that share, the client that retries, limits."""

import subprocess
import sys

import httpx
import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from penfold.testing.server import serve


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
