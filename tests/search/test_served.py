"""A part of the table, asked by Google's own client of a running server.

Not the queries that count from now, and none that need a chat: nobody can import one.
"""

import base64

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from tests.search.table import load_table

from penfold.app.command.doors import open_identity
from penfold.base.labels import find_label_number
from penfold.domain.access.local_mode import DEFAULT_SCOPES

TABLE = load_table("mailbox.toml", "queries.toml")
BATCH = 100
#: One query of each rule, and every fourth.
SAMPLE = {
    q: names
    for rule in TABLE.rules
    for number, (q, names) in enumerate(rule.asks.items())
    if number % 4 == 0 and "_than:" not in q.lower() and "chat" not in names
}


@pytest.fixture(scope="module")
def person(server):
    """Google's client for an account of this file's own, called as the table's is."""
    with open_identity(server.data) as identity:
        account = identity.accounts.add(TABLE.me[0])
        app = identity.clients.find_house()
        token = identity.grants.issue_token(account, app, DEFAULT_SCOPES).access_token
    client = build(
        "gmail",
        "v1",
        credentials=Credentials(token),
        discoveryServiceUrl=server.discovery_url,
        static_discovery=False,
    )
    yield client
    client.close()


@pytest.fixture(scope="module")
def names(person):
    """The table's messages in the server: their names by id, and ids of their threads by name."""
    users = person.users()
    labels = {
        name: users.labels().create(userId="me", body={"name": name}).execute()["id"]
        for name in TABLE.user_labels
    }
    names, threads = {}, {}
    everything = list(TABLE.mail.values())
    for start in range(0, len(everything), BATCH):
        batch = person.new_batch_http_request()
        for mail in everything[start : start + BATCH]:

            def note(_, answer, error, name=mail.name):
                assert error is None, error
                names[answer["id"]] = name
                threads[name] = answer["threadId"]

            body = {"raw": base64.urlsafe_b64encode(mail.raw).decode(), "labelIds": []}
            for label in mail.label_names:
                if label != "CHAT":
                    body["labelIds"].append(label if find_label_number(label) else labels[label])
            imported = users.messages().import_(
                userId="me", body=body, internalDateSource="dateHeader", neverMarkSpam=True
            )
            batch.add(imported, callback=note)
        batch.execute()
    return names, threads


def test_messages_list_finds_what_the_table_says(person, names):
    messages = person.users().messages()

    def find(q):
        answer = messages.list(userId="me", q=q, maxResults=500).execute()
        return [names[0][message["id"]] for message in answer.get("messages", ())]

    assert {q: find(q) for q in SAMPLE} == SAMPLE


def test_threads_list_finds_the_threads_of_these_messages(person, names):
    threads = person.users().threads()

    def find(q):
        answer = threads.list(userId="me", q=q, maxResults=500).execute()
        return [thread["id"] for thread in answer.get("threads", ())]

    assert {q: find(q) for q in SAMPLE} == {
        q: [*dict.fromkeys(names[1][name] for name in finds)] for q, finds in SAMPLE.items()
    }


@pytest.mark.parametrize(
    "q", ["in:drafts", "place", "to:bob", "in:drafts in:anywhere", "-later", "x"]
)
def test_drafts_list_finds_the_drafts_among_the_messages(person, names, q):
    users = person.users()
    found = users.drafts().list(userId="me", q=q, maxResults=500).execute()
    messages = users.messages().list(userId="me", q=q, maxResults=500).execute()
    ids = [message["id"] for message in messages.get("messages", ())]
    assert [draft["message"]["id"] for draft in found.get("drafts", ())] == [
        number for number in ids if "DRAFT" in TABLE.mail[names[0][number]].label_names
    ]
    assert ("drafts" in found) is (q != "x")
