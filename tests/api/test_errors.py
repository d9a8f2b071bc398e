"""Errors that Google's client shows its users, against a running server."""

import subprocess
import sys
import time

import httplib2
import pytest
from google.oauth2 import service_account
from google_auth_httplib2 import AuthorizedHttp, Request
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError


def test_oddity_21_a_service_account_without_a_subject_is_told_so_by_the_api(server):
    credentials = service_account.Credentials.from_service_account_file(
        server.data / "credentials" / "service-account.json", scopes=["https://mail.google.com/"]
    )
    http = httplib2.Http()
    credentials.refresh(Request(http))
    assert credentials.token.startswith("ya29.c.")
    client = build(
        "gmail",
        "v1",
        http=AuthorizedHttp(credentials, http),
        discoveryServiceUrl=server.discovery_url,
        static_discovery=False,
    )
    with pytest.raises(HttpError) as caught:
        client.users().getProfile(userId="me").execute()
    client.close()
    http.close()
    assert (caught.value.resp.status, caught.value.reason) == (400, "Precondition check failed.")
    assert caught.value.error_details[0]["reason"] == "failedPrecondition"


def run_fault(server, *arguments):
    command = [sys.executable, "-m", "penfold.app.main", "fault", *arguments]
    subprocess.run([*command, "--data", str(server.data)], check=True, capture_output=True)


def test_an_ordered_error_reaches_programs_within_a_second_and_ends_with_its_count(server, bob):
    list_labels = bob.labels().list(userId="me").execute
    list_labels()
    run_fault(
        server, "add", "rate-limit-exceeded", "--method", "gmail.users.labels.list",
        "--account", "bob@penfold.test", "--times", "3",
    )  # fmt: skip
    refused, until = [], time.monotonic() + 5
    try:
        while len(refused) < 3 and time.monotonic() < until:
            try:
                list_labels()
            except HttpError as error:
                refused.append(error)
        list_labels()
    finally:
        run_fault(server, "clear")
    assert [error.resp.status for error in refused] == [429] * 3
    assert refused[0].error_details[0]["reason"] == "rateLimitExceeded"
