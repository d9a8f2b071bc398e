"""users.drafts.*, as clients see them."""

import pytest
from tests.conformance.mail import NO_DRAFT, NOWHERE, decode, message, raw

from penfold.base.limits import SEND_RECIPIENTS_MAX
from penfold.spec.problems import (
    INVALID_BCC,
    INVALID_CC,
    INVALID_DRAFT,
    INVALID_ID,
    INVALID_MAX_RESULTS,
    INVALID_PAGE_TOKEN,
    INVALID_THREAD_ID,
    INVALID_TO,
    MISSING_DRAFT,
    NOT_FOUND,
    RAW_REQUIRED,
    RECIPIENT_REQUIRED,
    TOO_MANY_RECIPIENTS,
)


def draft(*args, thread_id=None, **kwargs):
    """Return the body of a request with a message."""
    extra = {"threadId": thread_id} if thread_id else {}
    return {"message": {"raw": raw(*args, **kwargs), **extra}}


@pytest.fixture
def made(api):
    return api.ok("drafts.create", body=draft("Draft"))


def test_a_draft_is_made(api, made):
    assert made["message"]["labelIds"] == ["DRAFT"]
    assert api.ok("drafts.get", id=made["id"])["message"]["snippet"] == "Text."
    api.fails(MISSING_DRAFT, "drafts.create")
    api.fails(RAW_REQUIRED, "drafts.create", body={"message": {}})
    api.fails(INVALID_THREAD_ID, "drafts.create", body=draft(thread_id="x"))
    api.fails(NOT_FOUND, "drafts.create", body=draft(thread_id=NOWHERE))
    api.fails(INVALID_ID, "drafts.get", id="no-id")
    api.fails(NOT_FOUND, "drafts.get", id=NO_DRAFT)


def test_a_draft_comes_as_an_upload(api, made):
    octets = message("Uploaded")
    row = api.ok("drafts.create", media=octets)
    found = api.ok("drafts.get", id=row["id"], format="raw")
    assert decode(found["message"]["raw"]) == octets
    changed = api.ok("drafts.update", id=made["id"], media=octets)
    assert changed["id"] == made["id"]
    sent = api.ok("drafts.send", body={"id": made["id"]}, media=message("Sent instead"))
    assert sent["labelIds"] == ["SENT"]


def test_drafts_are_listed_in_pages(api, made):
    other = api.ok("drafts.create", body=draft("Other"))
    first = api.ok("drafts.list", maxResults=1)
    second = api.ok("drafts.list", maxResults=1, pageToken=first["nextPageToken"])
    listed = [d["id"] for d in first["drafts"] + second["drafts"]]
    assert sorted(listed) == sorted([made["id"], other["id"]])
    api.fails(INVALID_MAX_RESULTS, "drafts.list", maxResults=0)
    api.fails(INVALID_PAGE_TOKEN, "drafts.list", pageToken="garbage")


def test_an_update_is_a_new_message_of_the_same_draft(api, made):
    changed = api.ok("drafts.update", id=made["id"], body=draft("Better"))
    assert changed["id"] == made["id"]
    assert changed["message"]["id"] != made["message"]["id"]
    api.fails(NOT_FOUND, "messages.get", id=made["message"]["id"])
    api.fails(INVALID_ID, "drafts.update", id="no-id", body=draft())
    api.fails(NOT_FOUND, "drafts.update", id=NO_DRAFT, body=draft())
    api.fails(MISSING_DRAFT, "drafts.update", id=made["id"])
    api.fails(RAW_REQUIRED, "drafts.update", id=made["id"], body={"message": {}})
    api.fails(INVALID_THREAD_ID, "drafts.update", id=made["id"], body=draft(thread_id="x"))


def test_a_draft_is_sent(api, made):
    sent = api.ok("drafts.send", body={"id": made["id"]})
    assert sent["labelIds"] == ["SENT"]
    api.fails(NOT_FOUND, "drafts.send", body={"id": made["id"]})
    api.fails(INVALID_DRAFT, "drafts.send")


def test_sending_a_draft_says_what_is_wrong(api):
    def make(*args, **kwargs):
        return {"id": api.ok("drafts.create", body=draft(*args, **kwargs))["id"]}

    api.fails(RECIPIENT_REQUIRED, "drafts.send", body=make(to=""))
    api.fails(INVALID_TO, "drafts.send", body=make(to="no address"))
    api.fails(INVALID_CC, "drafts.send", body=make(Cc="no address"))
    api.fails(INVALID_BCC, "drafts.send", body=make(Bcc="no address"))
    many = ", ".join(f"p{n}@elsewhere.example" for n in range(SEND_RECIPIENTS_MAX + 1))
    api.fails(TOO_MANY_RECIPIENTS, "drafts.send", body=make(to=many))


def test_a_draft_is_deleted_for_good(api, made):
    api.ok("drafts.delete", id=made["id"])
    api.fails(NOT_FOUND, "drafts.delete", id=made["id"])
    api.fails(INVALID_ID, "drafts.delete", id="no-id")
    api.fails(NOT_FOUND, "messages.get", id=made["message"]["id"])
