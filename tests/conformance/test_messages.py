"""users.messages.* and users.messages.attachments.*, as clients see them."""

import pytest
from tests.conformance.mail import (
    ATTACHED,
    NO_LABEL,
    NOWHERE,
    WITH_ATTACHMENT,
    decode,
    encode,
    message,
    raw,
)

from penfold.base.limits import BATCH_MODIFY_MAX, MODIFY_LABELS_MAX, SEND_RECIPIENTS_MAX
from penfold.spec.problems import (
    DELEGATION_DENIED,
    INVALID_ATTACHMENT,
    INVALID_BCC,
    INVALID_CC,
    INVALID_ID,
    INVALID_LABEL,
    INVALID_MAX_RESULTS,
    INVALID_PAGE_TOKEN,
    INVALID_THREAD_ID,
    INVALID_TO,
    LABEL_ID_NOT_FOUND,
    METADATA_FORMAT,
    METADATA_Q,
    NO_IDS,
    NO_LABEL_CHANGE,
    NOT_FOUND,
    RAW_REQUIRED,
    RECIPIENT_REQUIRED,
    THREAD_ID_NOT_ALLOWED,
    TOO_MANY_IDS,
    TOO_MANY_LABELS,
    TOO_MANY_RECIPIENTS,
)


@pytest.fixture
def kept(api):
    """A message in the inbox."""
    body = {"raw": raw(), "labelIds": ["INBOX", "UNREAD"]}
    return api.ok("messages.insert", body=body)


def test_a_message_is_sent_and_found(api):
    sent = api.ok("messages.send", body={"raw": raw("Lunch", to=api.address)})
    assert sorted(sent["labelIds"]) == ["INBOX", "SENT", "UNREAD"]
    found = api.ok("messages.list", q="subject:lunch")
    assert found == {
        "messages": [{"id": sent["id"], "threadId": sent["threadId"]}],
        "resultSizeEstimate": 1,
    }


def test_a_message_comes_as_an_upload(api):
    octets = message("Uploaded")
    sent = api.ok("messages.send", media=octets)
    assert sent["labelIds"] == ["SENT"]
    for method in ("messages.insert", "messages.import"):
        body = {"labelIds": ["STARRED"]}
        row = api.ok(method, media=octets, body=body)
        assert row["labelIds"] == ["STARRED"]
        found = api.ok("messages.get", id=row["id"], format="raw")
        assert decode(found["raw"]) == octets


def test_sending_says_what_is_wrong(api):
    api.fails(RAW_REQUIRED, "messages.send")
    api.fails(RECIPIENT_REQUIRED, "messages.send", body={"raw": raw(to="")})
    api.fails(INVALID_TO, "messages.send", body={"raw": raw(to="no address")})
    api.fails(INVALID_CC, "messages.send", body={"raw": raw(Cc="no address")})
    api.fails(INVALID_BCC, "messages.send", body={"raw": raw(Bcc="no address")})
    many = ", ".join(f"p{n}@elsewhere.example" for n in range(SEND_RECIPIENTS_MAX + 1))
    api.fails(TOO_MANY_RECIPIENTS, "messages.send", body={"raw": raw(to=many)})
    api.fails(INVALID_THREAD_ID, "messages.send", body={"raw": raw(), "threadId": "x"})
    api.fails(NOT_FOUND, "messages.send", body={"raw": raw(), "threadId": NOWHERE})
    assert api.ok("messages.list") == {"resultSizeEstimate": 0}


def test_insert_keeps_the_octets_and_says_what_is_wrong(api):
    octets = message("Inserted")
    row = api.ok("messages.insert", body={"raw": encode(octets), "labelIds": ["INBOX"]})
    assert row == {"id": row["id"], "threadId": row["id"], "labelIds": ["INBOX"]}
    assert decode(api.ok("messages.get", id=row["id"], format="raw")["raw"]) == octets
    api.fails(RAW_REQUIRED, "messages.insert")
    api.fails(INVALID_LABEL, "messages.insert", body={"raw": raw(), "labelIds": ["Receipts"]})
    api.fails(LABEL_ID_NOT_FOUND, "messages.insert", body={"raw": raw(), "labelIds": [NO_LABEL]})
    api.fails(INVALID_THREAD_ID, "messages.insert", body={"raw": raw(), "threadId": "x"})
    api.fails(NOT_FOUND, "messages.insert", body={"raw": raw(), "threadId": NOWHERE})


def test_import_keeps_the_octets_and_says_what_is_wrong(api):
    octets = message("Imported", Date="Mon, 2 Feb 2015 10:00:00 +0000")
    row = api.ok("messages.import", body={"raw": encode(octets)}, neverMarkSpam=True)
    found = api.ok("messages.get", id=row["id"], format="raw")
    assert decode(found["raw"]) == octets
    assert found["internalDate"] == "1422871200000"
    api.fails(RAW_REQUIRED, "messages.import")
    api.fails(INVALID_LABEL, "messages.import", body={"raw": raw(), "labelIds": ["Receipts"]})
    api.fails(LABEL_ID_NOT_FOUND, "messages.import", body={"raw": raw(), "labelIds": [NO_LABEL]})
    api.fails(
        THREAD_ID_NOT_ALLOWED, "messages.import", body={"raw": raw(), "threadId": row["threadId"]}
    )


def test_each_format_has_its_members(api, kept):
    minimal = api.ok("messages.get", id=kept["id"], format="minimal")
    assert minimal["snippet"] == "Text."
    assert "payload" not in minimal
    metadata = api.ok("messages.get", id=kept["id"], format="metadata", metadataHeaders=["to"])
    assert metadata["payload"] == {
        "mimeType": "text/plain",
        "headers": [{"name": "To", "value": "friend@elsewhere.example"}],
    }
    full = api.ok("messages.get", id=kept["id"])
    assert decode(full["payload"]["body"]["data"]) == b"Text.\r\n"
    api.fails(INVALID_ID, "messages.get", id="no-id")
    api.fails(NOT_FOUND, "messages.get", id=NOWHERE)
    api.fails(DELEGATION_DENIED, "messages.get", id=kept["id"], userId="somebody@else.example")


def test_the_metadata_scope_reads_no_bodies(api, kept):
    api.ok("messages.get", id=kept["id"], format="metadata", who="metadata")
    api.fails(METADATA_FORMAT, "messages.get", id=kept["id"], format="full", who="metadata")
    api.fails(METADATA_Q, "messages.list", q="x", who="metadata")


def test_an_attachment_is_fetched_by_its_id(api):
    row = api.ok("messages.insert", body={"raw": encode(WITH_ATTACHMENT)})
    part = api.ok("messages.get", id=row["id"])["payload"]["parts"][1]
    attachment_id = part["body"]["attachmentId"]
    found = api.ok("messages.attachments.get", messageId=row["id"], id=attachment_id)
    assert set(found) == {"size", "data"}
    assert decode(found["data"]) == ATTACHED
    api.fails(INVALID_ATTACHMENT, "messages.attachments.get", messageId=row["id"], id="x")
    api.ok("messages.delete", id=row["id"])
    api.fails(NOT_FOUND, "messages.attachments.get", messageId=row["id"], id=attachment_id)


def test_lists_come_in_pages(api):
    ids = [api.ok("messages.insert", body={"raw": raw(f"No {n}")})["id"] for n in range(3)]
    first = api.ok("messages.list", maxResults=2)
    second = api.ok("messages.list", maxResults=2, pageToken=first["nextPageToken"])
    assert "nextPageToken" not in second
    assert sorted(m["id"] for m in first["messages"] + second["messages"]) == sorted(ids)
    api.fails(INVALID_MAX_RESULTS, "messages.list", maxResults=0)
    api.fails(INVALID_PAGE_TOKEN, "messages.list", pageToken="garbage")
    api.fails(INVALID_LABEL, "messages.list", labelIds=["Receipts"])
    api.fails(LABEL_ID_NOT_FOUND, "messages.list", labelIds=[NO_LABEL])


def test_labels_come_and_go(api, kept):
    changed = api.ok(
        "messages.modify",
        id=kept["id"],
        body={"addLabelIds": ["STARRED"], "removeLabelIds": ["INBOX"]},
    )
    assert sorted(changed["labelIds"]) == ["STARRED", "UNREAD"]
    body = {"addLabelIds": ["STARRED"]}
    api.fails(INVALID_ID, "messages.modify", id="no-id", body=body)
    api.fails(NOT_FOUND, "messages.modify", id=NOWHERE, body=body)
    api.fails(NO_LABEL_CHANGE, "messages.modify", id=kept["id"])
    api.fails(INVALID_LABEL, "messages.modify", id=kept["id"], body={"addLabelIds": ["Receipts"]})
    api.fails(
        LABEL_ID_NOT_FOUND, "messages.modify", id=kept["id"], body={"addLabelIds": [NO_LABEL]}
    )
    many = {"addLabelIds": ["STARRED"] * (MODIFY_LABELS_MAX + 1)}
    api.fails(TOO_MANY_LABELS, "messages.modify", id=kept["id"], body=many)


def test_many_messages_change_at_once(api, kept):
    ids = [kept["id"], NOWHERE]
    api.ok("messages.batchModify", body={"ids": ids, "addLabelIds": ["STARRED"]})
    assert "STARRED" in api.ok("messages.get", id=kept["id"])["labelIds"]
    star = {"addLabelIds": ["STARRED"]}
    api.fails(NO_IDS, "messages.batchModify", body=star)
    api.fails(INVALID_ID, "messages.batchModify", body={"ids": ["no-id"], **star})
    many = ["1"] * (BATCH_MODIFY_MAX + 1)
    api.fails(TOO_MANY_IDS, "messages.batchModify", body={"ids": many, **star})
    api.fails(NO_LABEL_CHANGE, "messages.batchModify", body={"ids": ids})
    api.fails(INVALID_LABEL, "messages.batchModify", body={"ids": ids, "addLabelIds": ["Receipts"]})
    api.fails(
        LABEL_ID_NOT_FOUND, "messages.batchModify", body={"ids": ids, "addLabelIds": [NO_LABEL]}
    )
    labels = ["STARRED"] * (MODIFY_LABELS_MAX + 1)
    api.fails(TOO_MANY_LABELS, "messages.batchModify", body={"ids": ids, "addLabelIds": labels})


def test_the_trash_takes_and_gives_back(api, kept):
    assert api.ok("messages.trash", id=kept["id"])["labelIds"] == ["UNREAD", "TRASH"]
    assert api.ok("messages.list") == {"resultSizeEstimate": 0}
    assert api.ok("messages.untrash", id=kept["id"])["labelIds"] == ["UNREAD"]
    api.fails(INVALID_ID, "messages.trash", id="no-id")
    api.fails(NOT_FOUND, "messages.trash", id=NOWHERE)
    api.fails(INVALID_ID, "messages.untrash", id="no-id")
    api.fails(NOT_FOUND, "messages.untrash", id=NOWHERE)


def test_deleting_is_for_good(api, kept):
    api.ok("messages.delete", id=kept["id"])
    api.fails(NOT_FOUND, "messages.delete", id=kept["id"])
    api.fails(INVALID_ID, "messages.delete", id="no-id")
    other = api.ok("messages.insert", body={"raw": raw()})
    api.ok("messages.batchDelete", body={"ids": [other["id"], NOWHERE]})
    api.fails(NOT_FOUND, "messages.get", id=other["id"])
    api.fails(NO_IDS, "messages.batchDelete")
    api.fails(INVALID_ID, "messages.batchDelete", body={"ids": ["no-id"]})
    many = ["1"] * (BATCH_MODIFY_MAX + 1)
    api.fails(TOO_MANY_IDS, "messages.batchDelete", body={"ids": many})
