"""users.getProfile and users.history.list, as clients see them."""

from tests.conformance.mail import NO_LABEL, raw

from penfold.spec.problems import (
    INVALID_LABEL,
    INVALID_MAX_RESULTS,
    INVALID_PAGE_TOKEN,
    LABEL_ID_NOT_FOUND,
    MISSING_START_HISTORY_ID,
    NOT_FOUND,
)


def test_the_profile_counts_the_mailbox(api):
    assert api.ok("getProfile") == {
        "emailAddress": api.address,
        "messagesTotal": 0,
        "threadsTotal": 0,
        "historyId": api.ok("getProfile")["historyId"],
    }


def test_history_tells_what_happened(api):
    start = api.ok("getProfile")["historyId"]
    row = api.ok("messages.insert", body={"raw": raw(), "labelIds": ["INBOX"]})
    api.ok("messages.modify", id=row["id"], body={"addLabelIds": ["STARRED"]})
    found = api.ok("history.list", startHistoryId=start)
    added, starred = found["history"]
    assert added["messagesAdded"][0]["message"]["id"] == row["id"]
    assert starred["labelsAdded"][0]["labelIds"] == ["STARRED"]
    assert "history" not in api.ok("history.list", startHistoryId=found["historyId"])
    api.fails(MISSING_START_HISTORY_ID, "history.list")
    api.fails(NOT_FOUND, "history.list", startHistoryId="1")
    api.fails(INVALID_MAX_RESULTS, "history.list", startHistoryId=start, maxResults=0)
    api.fails(INVALID_PAGE_TOKEN, "history.list", startHistoryId=start, pageToken="garbage")
    api.fails(INVALID_LABEL, "history.list", startHistoryId=start, labelId="Receipts")
    api.fails(LABEL_ID_NOT_FOUND, "history.list", startHistoryId=start, labelId=NO_LABEL)
