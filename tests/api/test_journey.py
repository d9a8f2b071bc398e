"""The README's journey, step by step, with Google's own client."""

import base64
import uuid
from email.message import EmailMessage

import pytest

PAYLOAD = bytes(range(256)) * 40


def encode(message):
    return base64.urlsafe_b64encode(bytes(message)).decode()


def decode(text):
    return base64.urlsafe_b64decode(text)


def write(subject, *, to="alice@penfold.test", text="Hello, text.\n", **headers):
    message = EmailMessage()
    message["From"] = "alice@penfold.test"
    message["To"] = to
    message["Subject"] = subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


@pytest.fixture
def subject():
    return f"Journey {uuid.uuid4().hex}"


@pytest.fixture
def sent(alice, subject):
    """A message to oneself with an attachment."""
    message = write(subject)
    message.add_attachment(
        PAYLOAD, maintype="application", subtype="octet-stream", filename="data.bin"
    )
    return alice.messages().send(userId="me", body={"raw": encode(message)}).execute()


def header(message, name):
    return [h["value"] for h in message["payload"]["headers"] if h["name"].lower() == name]


def test_profile_names_the_account_and_counts(alice, sent):
    profile = alice.getProfile(userId="me").execute()
    assert profile["emailAddress"] == "alice@penfold.test"
    assert profile["messagesTotal"] >= 1
    assert profile["threadsTotal"] >= 1
    assert int(profile["historyId"]) > 0


def test_mail_to_oneself_is_one_message_in_inbox_and_sent(alice, sent, subject):
    assert sorted(sent["labelIds"]) == ["INBOX", "SENT", "UNREAD"]
    found = alice.messages().list(userId="me", q=f'subject:"{subject}"').execute()
    assert found["messages"] == [{"id": sent["id"], "threadId": sent["threadId"]}]
    assert found["resultSizeEstimate"] == 1


def test_get_answers_each_of_the_four_formats(alice, sent, subject):
    get = alice.messages().get
    minimal = get(userId="me", id=sent["id"], format="minimal").execute()
    assert "payload" not in minimal
    assert minimal["snippet"] == "Hello, text."

    metadata = get(userId="me", id=sent["id"], format="metadata").execute()
    assert set(metadata["payload"]) == {"mimeType", "headers"}
    assert header(metadata, "subject") == [subject]

    full = get(userId="me", id=sent["id"], format="full").execute()
    assert full["payload"]["mimeType"] == "multipart/mixed"
    assert [part["partId"] for part in full["payload"]["parts"]] == ["0", "1"]
    assert decode(full["payload"]["parts"][0]["body"]["data"]) == b"Hello, text.\r\n"

    raw = get(userId="me", id=sent["id"], format="raw").execute()
    assert raw["sizeEstimate"] == len(decode(raw["raw"]))


def test_attachment_comes_back_byte_for_byte(alice, sent):
    full = alice.messages().get(userId="me", id=sent["id"]).execute()
    part = full["payload"]["parts"][1]
    assert part["filename"] == "data.bin"
    assert part["body"]["size"] == len(PAYLOAD)
    answer = (
        alice.messages()
        .attachments()
        .get(userId="me", messageId=sent["id"], id=part["body"]["attachmentId"])
        .execute()
    )
    assert answer["size"] == len(PAYLOAD)
    assert decode(answer["data"]) == PAYLOAD


def test_label_is_made_applied_searched_and_counted(alice, sent):
    name = f"Receipts/{uuid.uuid4().hex}"
    label = alice.labels().create(userId="me", body={"name": name}).execute()
    assert label["name"] == name
    changed = (
        alice.messages()
        .modify(userId="me", id=sent["id"], body={"addLabelIds": [label["id"]]})
        .execute()
    )
    assert label["id"] in changed["labelIds"]
    found = alice.messages().list(userId="me", q=f'label:"{name}"').execute()
    assert [m["id"] for m in found["messages"]] == [sent["id"]]
    counted = alice.labels().get(userId="me", id=label["id"]).execute()
    assert (counted["messagesTotal"], counted["messagesUnread"]) == (1, 1)
    assert (counted["threadsTotal"], counted["threadsUnread"]) == (1, 1)


def test_reply_joins_its_thread(alice, sent, subject):
    original = alice.messages().get(userId="me", id=sent["id"], format="metadata").execute()
    message_id = header(original, "message-id")[0]
    reply = write(
        f"Re: {subject}", text="An answer.\n", In_Reply_To=message_id, References=message_id
    )
    body = {"raw": encode(reply), "threadId": sent["threadId"]}
    answer = alice.messages().send(userId="me", body=body).execute()
    assert answer["threadId"] == sent["threadId"]
    thread = alice.threads().get(userId="me", id=sent["threadId"]).execute()
    assert [m["id"] for m in thread["messages"]] == [sent["id"], answer["id"]]


def test_draft_is_written_changed_and_sent_to_another_account(alice, bob, subject):
    draft = (
        alice.drafts()
        .create(userId="me", body={"message": {"raw": encode(write(subject))}})
        .execute()
    )
    assert draft["message"]["labelIds"] == ["DRAFT"]
    again = (
        alice.drafts()
        .update(
            userId="me",
            id=draft["id"],
            body={"message": {"raw": encode(write(subject, to="bob@penfold.test"))}},
        )
        .execute()
    )
    assert again["id"] == draft["id"]
    assert again["message"]["id"] != draft["message"]["id"]
    sent = alice.drafts().send(userId="me", body={"id": draft["id"]}).execute()
    assert sent["labelIds"] == ["SENT"]
    received = bob.messages().list(userId="me", q=f'subject:"{subject}"').execute()["messages"]
    assert len(received) == 1
    labels = bob.messages().get(userId="me", id=received[0]["id"]).execute()["labelIds"]
    assert sorted(labels) == ["INBOX", "UNREAD"]


def test_history_tells_what_happened_since(alice, subject):
    start = alice.getProfile(userId="me").execute()["historyId"]
    sent = alice.messages().send(userId="me", body={"raw": encode(write(subject))}).execute()
    alice.messages().modify(
        userId="me", id=sent["id"], body={"removeLabelIds": ["UNREAD"]}
    ).execute()
    records = alice.history().list(userId="me", startHistoryId=start).execute()["history"]
    added = [e["message"]["id"] for r in records for e in r.get("messagesAdded", [])]
    removed = [
        (e["message"]["id"], e["labelIds"]) for r in records for e in r.get("labelsRemoved", [])
    ]
    assert added == [sent["id"]]
    assert removed == [(sent["id"], ["UNREAD"])]
