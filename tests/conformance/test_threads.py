"""users.threads.*, as clients see them."""

import pytest
from tests.conformance.mail import NO_LABEL, NOWHERE, raw

from penfold.base.limits import MODIFY_LABELS_MAX
from penfold.spec.problems import (
    INVALID_ID,
    INVALID_LABEL,
    INVALID_MAX_RESULTS,
    INVALID_PAGE_TOKEN,
    LABEL_ID_NOT_FOUND,
    NO_LABEL_CHANGE,
    NOT_FOUND,
    TOO_MANY_LABELS,
)


@pytest.fixture
def thread(api):
    """A question and its answer."""
    first = api.ok(
        "messages.insert",
        body={"raw": raw("Plan", Message_ID="<q@x.example>"), "labelIds": ["INBOX"]},
    )
    reply = raw("Re: Plan", In_Reply_To="<q@x.example>")
    second = api.ok("messages.insert", body={"raw": reply, "labelIds": ["INBOX"]})
    assert second["threadId"] == first["threadId"]
    return first["threadId"], [first["id"], second["id"]]


def test_a_thread_has_its_messages_in_order(api, thread):
    thread_id, ids = thread
    found = api.ok("threads.get", id=thread_id, format="minimal")
    assert [m["id"] for m in found["messages"]] == ids
    assert "snippet" not in found
    api.fails(INVALID_ID, "threads.get", id="no-id")
    api.fails(NOT_FOUND, "threads.get", id=NOWHERE)


def test_threads_are_listed_in_pages(api, thread):
    other = api.ok("messages.insert", body={"raw": raw("Other")})["threadId"]
    first = api.ok("threads.list", maxResults=1)
    second = api.ok("threads.list", maxResults=1, pageToken=first["nextPageToken"])
    listed = [t["id"] for t in first["threads"] + second["threads"]]
    assert sorted(listed) == sorted([thread[0], other])
    assert set(first["threads"][0]) == {"id", "snippet", "historyId"}
    api.fails(INVALID_MAX_RESULTS, "threads.list", maxResults=0)
    api.fails(INVALID_PAGE_TOKEN, "threads.list", pageToken="garbage")
    api.fails(INVALID_LABEL, "threads.list", labelIds=["Receipts"])
    api.fails(LABEL_ID_NOT_FOUND, "threads.list", labelIds=[NO_LABEL])


def test_a_thread_changes_as_one(api, thread):
    thread_id, ids = thread
    changed = api.ok("threads.modify", id=thread_id, body={"addLabelIds": ["STARRED"]})
    assert [m["id"] for m in changed["messages"]] == ids
    assert all("STARRED" in m["labelIds"] for m in changed["messages"])
    star = {"addLabelIds": ["STARRED"]}
    api.fails(INVALID_ID, "threads.modify", id="no-id", body=star)
    api.fails(NOT_FOUND, "threads.modify", id=NOWHERE, body=star)
    api.fails(NO_LABEL_CHANGE, "threads.modify", id=thread_id)
    api.fails(INVALID_LABEL, "threads.modify", id=thread_id, body={"addLabelIds": ["Receipts"]})
    api.fails(LABEL_ID_NOT_FOUND, "threads.modify", id=thread_id, body={"addLabelIds": [NO_LABEL]})
    many = {"addLabelIds": ["STARRED"] * (MODIFY_LABELS_MAX + 1)}
    api.fails(TOO_MANY_LABELS, "threads.modify", id=thread_id, body=many)


def test_the_trash_takes_a_thread_and_gives_it_back(api, thread):
    thread_id, _ = thread
    api.ok("threads.trash", id=thread_id)
    assert api.ok("threads.list") == {"resultSizeEstimate": 0}
    api.ok("threads.untrash", id=thread_id)
    assert [t["id"] for t in api.ok("threads.list")["threads"]] == [thread_id]
    api.fails(INVALID_ID, "threads.trash", id="no-id")
    api.fails(NOT_FOUND, "threads.trash", id=NOWHERE)
    api.fails(INVALID_ID, "threads.untrash", id="no-id")
    api.fails(NOT_FOUND, "threads.untrash", id=NOWHERE)


def test_deleting_a_thread_is_for_good(api, thread):
    thread_id, ids = thread
    api.ok("threads.delete", id=thread_id)
    api.fails(NOT_FOUND, "messages.get", id=ids[0])
    api.fails(NOT_FOUND, "threads.delete", id=thread_id)
    api.fails(INVALID_ID, "threads.delete", id="no-id")
