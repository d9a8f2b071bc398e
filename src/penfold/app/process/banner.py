"""What a person who starts the server in a terminal reads when it is ready.

Paths are absolute and the lines of Python stand at the margin, so that they work when they are
copied to another terminal.
"""

from collections.abc import Mapping, Sequence

_END = """
  Ctrl-C stops the server. What follows is its log.
"""


def make_banner(facts: Mapping[str, object], domains: Sequence[str]) -> str:
    """Return where to reach the server and what to do first; domains: those of production mode."""
    where = f"""
  Penfold is ready.

    Pages and the Gmail API   {facts["http"]}
    SMTP, mail coming in      {facts["smtp"]}
    SMTP, submission          {facts["submission"]} (STARTTLS), {facts["submissions"]} (TLS)
    Data                      {facts["data"]}
"""
    return where + (_production(domains) if domains else _local(facts)) + _END


def _production(domains: Sequence[str]) -> str:
    return f"""    Domains                   {", ".join(domains)}

  In another terminal:

penfold user add kim@{domains[0]}        makes an account
penfold domain check {domains[0]}        tells which DNS records are wanted and which are there
penfold queue list                       shows mail on its way out
"""


def _local(facts: Mapping[str, object]) -> str:
    http, data = facts["http"], facts["data"]
    return f"""    Passwords                 {data}/credentials/passwords.json

  Open {http}/ to see who is here, or try, in Python
  (after: pip install google-api-python-client):

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
alice = Credentials.from_authorized_user_file("{data}/credentials/alice.json")
gmail = build("gmail", "v1", credentials=alice, static_discovery=False,
              discoveryServiceUrl="{http}/$discovery/rest?version=v1")
print(gmail.users().getProfile(userId="me").execute())
"""
