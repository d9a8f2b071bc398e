"""What a person who starts the server in a terminal reads when it is ready."""

from collections.abc import Mapping
from pathlib import Path


def make_banner(facts: Mapping[str, object], data: Path) -> str:
    """Return the addresses, the page to open and the three lines of Python to try first."""
    return f"""
  Penfold is ready.

    Pages and the Gmail API   {facts["http"]}
    SMTP, mail coming in      {facts["smtp"]}
    SMTP, submission          {facts["submission"]} (STARTTLS), {facts["submissions"]} (TLS)
    Data                      {data}

  Open {facts["http"]}/ and sign in as alice@penfold.test or bob@penfold.test;
  passwords are in {data}/credentials/passwords.json. Or try, in Python:

    from google.oauth2.credentials import Credentials
    from googleapiclient.discovery import build
    gmail = build("gmail", "v1", credentials=Credentials.from_authorized_user_file("{data}/credentials/alice.json"),
                  discoveryServiceUrl="{facts["http"]}/$discovery/rest?version=v1", static_discovery=False)

  Ctrl-C stops the server.
"""  # noqa: E501 - lines to be copied as they are
