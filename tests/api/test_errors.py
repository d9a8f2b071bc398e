"""Errors that Google's client shows its users, against a running server."""

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
