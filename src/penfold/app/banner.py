"""What a person who starts the server in a terminal reads when it is ready.

Paths are absolute and the lines of Python stand at the margin, so that they work when they are
copied to another terminal.
"""

from collections.abc import Mapping


def make_banner(facts: Mapping[str, object]) -> str:
    """Return the addresses, the page to open and the lines of Python to try first."""
    http, data = facts["http"], facts["data"]
    return f"""
  Penfold is ready.

    Pages and the Gmail API   {http}
    SMTP, mail coming in      {facts["smtp"]}
    SMTP, submission          {facts["submission"]} (STARTTLS), {facts["submissions"]} (TLS)
    Data                      {data}
    Passwords                 {data}/credentials/passwords.json

  Open {http}/ to see who is here, or try, in Python
  (after: pip install google-api-python-client):

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
alice = Credentials.from_authorized_user_file("{data}/credentials/alice.json")
gmail = build("gmail", "v1", credentials=alice, static_discovery=False,
              discoveryServiceUrl="{http}/$discovery/rest?version=v1")
print(gmail.users().getProfile(userId="me").execute())

  Ctrl-C stops the server. What follows is its log.
"""
