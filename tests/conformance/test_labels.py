"""users.labels.*, as clients see them."""

import pytest
from tests.conformance.mail import NO_LABEL

from penfold.spec.problems import (
    INVALID_COLOR,
    INVALID_DELETE,
    INVALID_LABEL_NAME,
    INVALID_UPDATE,
    LABEL_EXISTS,
    NOT_FOUND,
)

COLOR = {"backgroundColor": "#16a766", "textColor": "#ffffff"}
BAD_COLOR = {"backgroundColor": "#16A766", "textColor": "#ffffff"}


@pytest.fixture
def receipts(api):
    return api.ok("labels.create", body={"name": "Receipts"})


def test_a_label_is_made_with_its_defaults(api, receipts):
    assert receipts == {
        "id": receipts["id"],
        "name": "Receipts",
        "messageListVisibility": "show",
        "labelListVisibility": "labelShow",
    }
    api.fails(LABEL_EXISTS, "labels.create", body={"name": "receipts"})
    api.fails(INVALID_LABEL_NAME, "labels.create", body={"name": "Inbox"})
    api.fails(INVALID_COLOR, "labels.create", body={"name": "Green", "color": BAD_COLOR})


def test_a_label_counts_its_messages(api, receipts):
    found = api.ok("labels.get", id=receipts["id"])
    assert found == {**receipts, "type": "user"} | {
        "messagesTotal": 0, "messagesUnread": 0, "threadsTotal": 0, "threadsUnread": 0
    }  # fmt: skip
    api.fails(NOT_FOUND, "labels.get", id=NO_LABEL)


def test_the_list_has_system_labels_first(api, receipts):
    listed = api.ok("labels.list")["labels"]
    assert len(listed) == 16
    assert listed[-1] == {**receipts, "type": "user"}


def test_patch_changes_what_it_names(api, receipts):
    changed = api.ok("labels.patch", id=receipts["id"], body={"color": COLOR})
    assert (changed["name"], changed["color"]) == ("Receipts", COLOR)
    api.ok("labels.create", body={"name": "Other"})
    api.fails(LABEL_EXISTS, "labels.patch", id=receipts["id"], body={"name": "other"})
    api.fails(INVALID_COLOR, "labels.patch", id=receipts["id"], body={"color": BAD_COLOR})
    api.fails(INVALID_LABEL_NAME, "labels.patch", id=receipts["id"], body={"name": "Spam"})
    api.fails(INVALID_UPDATE, "labels.patch", id="INBOX", body={"name": "Mine"})
    api.fails(NOT_FOUND, "labels.patch", id=NO_LABEL, body={"name": "Mine"})


def test_put_replaces(api, receipts):
    api.ok("labels.patch", id=receipts["id"], body={"color": COLOR})
    changed = api.ok("labels.update", id=receipts["id"], body={"name": "Bills"})
    assert changed["name"] == "Bills"
    assert "color" not in changed
    api.ok("labels.create", body={"name": "Other"})
    api.fails(LABEL_EXISTS, "labels.update", id=receipts["id"], body={"name": "other"})
    body = {"name": "Bills", "color": BAD_COLOR}
    api.fails(INVALID_COLOR, "labels.update", id=receipts["id"], body=body)
    api.fails(INVALID_LABEL_NAME, "labels.update", id=receipts["id"], body={"name": " "})
    api.fails(INVALID_UPDATE, "labels.update", id="INBOX", body={"name": "Mine"})
    api.fails(NOT_FOUND, "labels.update", id=NO_LABEL, body={"name": "Mine"})


def test_a_label_is_deleted(api, receipts):
    api.ok("labels.delete", id=receipts["id"])
    api.fails(NOT_FOUND, "labels.delete", id=receipts["id"])
    api.fails(INVALID_DELETE, "labels.delete", id="INBOX")
