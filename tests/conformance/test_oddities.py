"""What trips people who write for Gmail: forty ways to be surprised, each one ours too.

The numbers are those of the catalogue of surprises that clients reported over the years; a client
that has learned to live with Gmail finds here what it expects. `wire` asks by plain HTTP
what the clients hide.
"""

import json
import re
import smtplib
import ssl
import uuid
from base64 import b64decode

import httpx
import pytest
from google.auth.transport.requests import Request
from google.oauth2 import service_account
from tests.conformance.mail import NOWHERE, WITH_ATTACHMENT, decode, encode, message, raw

from penfold.base.limits import FILTERS_MAX
from penfold.spec.problems import (
    DELEGATION_DENIED,
    INVALID_COLOR,
    INVALID_LABEL,
    INVALID_LABEL_NAME,
    INVALID_THREAD_ID,
    LABEL_EXISTS,
    METADATA_FORMAT,
    METADATA_Q,
    NOT_FOUND,
    ONE_WATCH_ONLY,
    THREAD_ID_NOT_ALLOWED,
    TOO_MANY_FILTERS,
    TOPIC_FORBIDDEN,
    TOPIC_NOT_FOUND,
    UNRECOGNIZED_FORWARDING,
)
from penfold.testing.server import serve

PROFILE = "/gmail/v1/users/me/profile"
LATIN_1 = b"Content-Type: text/plain; charset=iso-8859-1\r\n"


@pytest.fixture
def wire(api):
    """Plain HTTP with the person's token."""
    with httpx.Client(
        base_url=api.house.server.http,
        headers={"Authorization": f"Bearer {api.person.tokens['owner']}"},
    ) as http:
        yield http


def insert(api, octets, *labels, **params):
    body = {"raw": encode(octets), "labelIds": list(labels)}
    return api.ok("messages.insert", body=body, **params)


def history_of(api, start):
    """Yield every page of history, until one names no next."""
    token = {}
    while True:
        page = api.ok("history.list", startHistoryId=start, maxResults=1, **token)
        yield page
        if "nextPageToken" not in page:
            return
        token = {"pageToken": page["nextPageToken"]}


def test_01_a_metadata_scope_narrows_every_other_one(api):
    row = insert(api, message())
    api.fails(METADATA_Q, "messages.list", q="x", who="metadata")
    api.fails(METADATA_Q, "messages.list", q="", who="metadata")
    api.fails(METADATA_FORMAT, "messages.get", id=row["id"], format="full", who="metadata")
    api.fails(METADATA_FORMAT, "messages.get", id=row["id"], format="raw", who="metadata")


def test_02_pages_of_history_end_whether_or_not_the_last_one_is_empty(api):
    start = api.ok("getProfile")["historyId"]
    ids = [insert(api, message())["id"] for _ in range(3)]
    pages = list(history_of(api, start))
    records = [record for page in pages for record in page.get("history", [])]
    assert [r["messagesAdded"][0]["message"]["id"] for r in records] == ids
    assert all("historyId" in page for page in pages)


def test_03_nothing_changed_means_no_member_history(api):
    start = api.ok("getProfile")["historyId"]
    assert api.ok("history.list", startHistoryId=start) == {"historyId": start}


def test_04_a_record_has_one_kind_of_change_at_most(api):
    start = api.ok("getProfile")["historyId"]
    row = insert(api, message(), "INBOX")
    body = {"addLabelIds": ["STARRED", "IMPORTANT"], "removeLabelIds": ["INBOX"]}
    api.ok("messages.modify", id=row["id"], body=body)
    records = api.ok("history.list", startHistoryId=start)["history"]
    kinds = {"messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved"}
    assert len(records) == 4
    assert all({"id", "messages"} <= set(r) and len(kinds & set(r)) <= 1 for r in records)


def test_05_a_new_label_on_an_old_message_raises_its_history_id(api):
    row = insert(api, message())
    cursor = insert(api, message())
    cursor = api.ok("messages.get", id=cursor["id"], format="minimal")["historyId"]
    api.ok("messages.modify", id=row["id"], body={"addLabelIds": ["STARRED"]})
    raised = api.ok("messages.get", id=row["id"], format="minimal")["historyId"]
    assert int(raised) > int(cursor)


def test_06_history_of_the_past_and_of_the_future_is_not_found(api):
    future = str(int(api.ok("getProfile")["historyId"]) + 1000)
    api.fails(NOT_FOUND, "history.list", startHistoryId=future)
    api.fails(NOT_FOUND, "history.list", startHistoryId="1")


def test_07_names_that_look_alike_are_one_label(api):
    api.ok("labels.create", body={"name": "Amazon"})
    api.ok("labels.create", body={"name": "Finance-Bill"})
    for name in ("amazon", "AMAZON", "Finance/Bill", "finance bill"):
        api.fails(LABEL_EXISTS, "labels.create", body={"name": name})
    api.ok("labels.create", body={"name": "Finance_Bill"})


def test_08_a_nested_label_makes_no_parents(api):
    api.ok("labels.create", body={"name": "A/B/C"})
    names = {label["name"] for label in api.ok("labels.list")["labels"]}
    assert "A/B/C" in names
    assert not {"A", "A/B"} & names


def test_09_reserved_words_are_no_labels_but_may_be_parents(api):
    for name in ("inbox", "Spam", "TRASH", "sent", "drafts", "starred", "unread", "chats"):
        api.fails(INVALID_LABEL_NAME, "labels.create", body={"name": name})
    api.ok("labels.create", body={"name": "Inbox/Receipts"})
    api.ok("labels.create", body={"name": "Social"})


def test_10_colours_are_lower_case_of_the_palette_and_come_in_pairs(api):
    for color in (
        {"backgroundColor": "#41236D", "textColor": "#ffffff"},
        {"backgroundColor": "#123456", "textColor": "#ffffff"},
        {"backgroundColor": "#41236d"},
    ):
        api.fails(INVALID_COLOR, "labels.create", body={"name": "Colour", "color": color})
    color = {"backgroundColor": "#41236d", "textColor": "#ffffff"}
    assert api.ok("labels.create", body={"name": "Colour", "color": color})["color"] == color


def test_11_the_list_of_filters_is_called_filter(api):
    body = {"criteria": {"from": "a@x.example"}, "action": {"addLabelIds": ["STARRED"]}}
    made = api.ok("settings.filters.create", body=body)
    assert api.ok("settings.filters.list") == {"filter": [made]}


def test_12_a_filter_forwards_to_known_addresses_only_and_nowhere_is_nowhere(api):
    criteria = {"from": "a@x.example"}
    body = {"criteria": criteria, "action": {"forward": "nobody@x.example"}}
    api.fails(UNRECOGNIZED_FORWARDING, "settings.filters.create", body=body)
    action = {"forward": "", "addLabelIds": ["STARRED"]}
    made = api.ok("settings.filters.create", body={"criteria": criteria, "action": action})
    assert made["action"] == {"addLabelIds": ["STARRED"]}


def test_13_a_filter_wants_the_id_of_a_label(api):
    label = api.ok("labels.create", body={"name": "Dianne"})
    criteria = {"from": "dianne@x.example"}
    body = {"criteria": criteria, "action": {"addLabelIds": ["Dianne"]}}
    error = api.fails(INVALID_LABEL, "settings.filters.create", body=body)
    assert error["message"] == "Invalid label: Dianne"
    body["action"]["addLabelIds"] = [label["id"]]
    api.ok("settings.filters.create", body=body)


def test_14_attachment_ids_are_fresh_and_old_ones_go_on_working(api):
    row = insert(api, WITH_ATTACHMENT)
    ids = set()
    for label in ("STARRED", "IMPORTANT"):
        # Asked again with nothing changed, the answer is the one from before.
        api.ok("messages.modify", id=row["id"], body={"addLabelIds": [label]})
        part = api.ok("messages.get", id=row["id"])["payload"]["parts"][1]
        ids.add(part["body"]["attachmentId"])
    assert len(ids) == 2
    for attachment in ids:
        assert api.ok("messages.attachments.get", messageId=row["id"], id=attachment)["data"]


def test_15_an_attachment_says_nothing_of_itself(api):
    row = insert(api, WITH_ATTACHMENT)
    part = api.ok("messages.get", id=row["id"])["payload"]["parts"][1]
    found = api.ok("messages.attachments.get", messageId=row["id"], id=part["body"]["attachmentId"])
    assert set(found) == {"size", "data"}


def test_16_the_api_gives_a_message_id_and_smtp_keeps_one(api):
    own = "<mine@x.example>"
    sent = api.ok("messages.send", body={"raw": raw("By API", Message_ID=own)})
    assert header(api, sent["id"], "Message-ID") != own
    submit(api, message("By SMTP", Message_ID=own))
    [found] = api.ok("messages.list", q="subject:smtp in:sent")["messages"]
    assert header(api, found["id"], "Message-ID") == own


def test_17_a_reply_needs_the_thread_and_the_references(api):
    first = insert(api, message("Plan", Message_ID="<plan@x.example>"))
    stranger = {"raw": raw("Re: Plan")}
    alone = api.ok("drafts.create", body={"message": stranger})
    assert alone["message"]["threadId"] != first["threadId"]
    reply = raw("Re: Plan", In_Reply_To="<plan@x.example>", References="<plan@x.example>")
    body = {"message": {"raw": reply, "threadId": first["threadId"]}}
    assert api.ok("drafts.create", body=body)["message"]["threadId"] == first["threadId"]


def test_18_a_thread_id_that_is_none_is_refused(api):
    api.fails(INVALID_THREAD_ID, "messages.send", body={"raw": raw(), "threadId": "not-hex"})


def test_19_a_changed_draft_is_a_new_message(api):
    made = api.ok("drafts.create", body={"message": {"raw": raw()}})
    changed = api.ok("drafts.update", id=made["id"], body={"message": {"raw": raw("New")}})
    assert changed["message"]["id"] != made["message"]["id"]
    api.fails(NOT_FOUND, "messages.get", id=made["message"]["id"])


def test_20_who_asks_for_others_is_named_himself(api):
    other = api.house.add_person()
    error = api.fails(DELEGATION_DENIED, "messages.list", userId=other.address)
    assert error["message"] == f"Delegation denied for {api.address}"


def test_21_a_service_account_that_acts_for_nobody_has_no_mail(api, wire):
    document = api.house.server.load_document("service-account")
    credentials = service_account.Credentials.from_service_account_info(
        document, scopes=["https://www.googleapis.com/auth/gmail.readonly"]
    )
    credentials.refresh(Request())
    answer = wire.get(PROFILE, headers={"Authorization": f"Bearer {credentials.token}"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400, "Precondition check failed."
    )  # fmt: skip


def test_22_a_batch_of_more_than_a_hundred_is_refused_whole(wire):
    answer = batch(wire, [("GET", PROFILE, None)] * 250)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": {
                "code": 400,
                "message": "Inner request count exceeds the limit. Received: 250, Limit: 100",
                "status": "INVALID_ARGUMENT",
            }
        },
    )


def test_23_parts_of_a_batch_fail_alone(strict):
    labels = [("POST", "/gmail/v1/users/me/labels", {"name": f"L{n}"}) for n in range(20)]
    text = batch(strict("bob"), labels).text
    assert text.count("HTTP/1.1 200 OK") >= 3
    assert text.count("Too many concurrent requests for user") >= 2
    assert text.count("HTTP/1.1 429") + text.count("HTTP/1.1 200") == 20


def test_24_a_used_up_quota_is_403_and_no_lack_of_rights(strict):
    http = strict("alice")
    answers = [http.put("/gmail/v1/users/me/settings/pop", json={}) for _ in range(25)]
    error = next(each for each in answers if each.status_code == 403).json()["error"]
    assert error["errors"][0]["reason"] == "rateLimitExceeded"
    assert error["errors"][0]["domain"] == "usageLimits"
    assert error["message"].startswith("Quota exceeded for quota metric 'Total Query Cost'")


def test_25_who_sent_enough_is_told_when_to_go_on(strict):
    http = strict("bob")
    answers = [http.post("/gmail/v1/users/me/messages/send", json={"raw": raw()}) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 429]
    assert re.fullmatch(
        r"User-rate limit exceeded\.  Retry after \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
        r"\(Mail sending\)",
        answers[1].json()["error"]["message"],
    )


def test_26_another_topic_needs_a_stop_first(api):
    first, second = make_topic(api), make_topic(api)
    api.ok("watch", body={"topicName": first})
    api.fails(ONE_WATCH_ONLY, "watch", body={"topicName": second})
    api.ok("watch", body={"topicName": first})
    api.ok("stop")
    api.ok("watch", body={"topicName": second})


def test_27_a_watch_publishes_at_once_or_says_why_it_cannot(api, wire):
    topic = make_topic(api)
    subscription = topic.replace("/topics/", "/subscriptions/")
    pubsub = "/pubsub/v1/"
    assert wire.put(pubsub + subscription, json={"topic": topic}).status_code == 200
    watched = api.ok("watch", body={"topicName": topic})
    pulled = wire.post(f"{pubsub}{subscription}:pull", json={"maxMessages": 1}).json()
    told = json.loads(b64decode(pulled["receivedMessages"][0]["message"]["data"]))
    assert told == {"emailAddress": api.address, "historyId": int(watched["historyId"])}
    api.ok("stop")
    missing = f"{topic}-not"
    error = api.fails(TOPIC_NOT_FOUND, "watch", body={"topicName": missing})
    assert "Resource not found" in error["message"]
    policy = {"policy": {"bindings": [{"role": "roles/pubsub.viewer", "members": ["user:a@x"]}]}}
    assert wire.post(f"{pubsub}{topic}:setIamPolicy", json=policy).status_code == 200
    error = api.fails(TOPIC_FORBIDDEN, "watch", body={"topicName": topic})
    assert error["message"].endswith("User not authorized to perform this action.")


def test_28_text_is_utf_8_whatever_its_header_says(api):
    octets = b"Subject: x\r\n" + LATIN_1 + b"\r\n" + "schön\r\n".encode("latin-1")
    row = insert(api, octets)
    payload = api.ok("messages.get", id=row["id"])["payload"]
    assert decode(payload["body"]["data"]).decode() == "schön\r\n"
    assert payload["body"]["size"] == len("schön\r\n".encode("latin-1"))
    assert payload["headers"][1]["value"] == "text/plain; charset=iso-8859-1"


def test_29_headers_are_decoded_but_not_in_raw(api):
    octets = b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nTo: a@x.example\r\n\r\nx\r\n"
    row = insert(api, octets)
    assert header(api, row["id"], "Subject") == "Grüße"
    assert decode(api.ok("messages.get", id=row["id"], format="raw")["raw"]) == octets


def test_30_an_import_takes_no_thread(api):
    row = api.ok("messages.import", body={"raw": raw()})
    assert {"id", "threadId"} <= set(row)
    body = {"raw": raw(), "threadId": row["threadId"]}
    api.fails(THREAD_ID_NOT_ALLOWED, "messages.import", body=body)


def test_31_an_old_import_lies_in_the_past(api):
    new = insert(api, message("New"))
    old = message("Old", Date="Mon, 2 Feb 2015 10:00:00 +0000")
    row = api.ok("messages.import", body={"raw": encode(old)})
    listed = api.ok("messages.list")["messages"]
    assert [m["id"] for m in listed] == [new["id"], row["id"]]
    assert int(row["id"], 16) >> 20 == 1422871200000


def test_32_a_list_without_members_has_no_member(api):
    assert api.ok("messages.list") == {"resultSizeEstimate": 0}
    assert api.ok("threads.list") == {"resultSizeEstimate": 0}
    assert api.ok("drafts.list") == {"resultSizeEstimate": 0}
    assert api.ok("settings.filters.list") == {}
    assert api.ok("settings.delegates.list", who="service") == {}
    assert api.ok("settings.forwardingAddresses.list") == {}


def test_33_a_long_question_may_come_as_a_form(api):
    names = [f"X-Header-{n:03}-{'x' * 40}" for n in range(60)]
    row = insert(api, message(X_Header_007="seven"))
    found = api.ok("messages.get", id=row["id"], format="metadata", metadataHeaders=["To", *names])
    assert [h["name"] for h in found["payload"]["headers"]] == ["To"]
    many = " OR ".join(f"word{n}" for n in range(300))
    assert api.ok("messages.list", q=many) == {"resultSizeEstimate": 0}


def test_34_what_is_deleted_is_not_found_and_never_invalid(api):
    row = insert(api, message())
    api.ok("messages.delete", id=row["id"])
    api.fails(NOT_FOUND, "messages.get", id=row["id"])
    api.fails(NOT_FOUND, "messages.get", id=NOWHERE)


@pytest.mark.parametrize(
    ("address", "members"),
    [
        pytest.param("labels?fields=labels(name,id,%20type)", {"labels"}, id="labels"),
        pytest.param("profile?fields=historyId", {"historyId"}, id="one"),
        pytest.param("labels?fields=", {"labels"}, id="empty-is-everything"),
    ],
)
def test_35_backup_programs_ask_for_parts(api, wire, address, members):
    answer = wire.get(f"/gmail/v1/users/me/{address}").json()
    assert set(answer) == members
    if "labels(" in address:
        assert all(set(label) == {"name", "id", "type"} for label in answer["labels"])


def test_36_a_whole_message_may_come_as_one_chunk(api, wire):
    octets = message(body="x" * 1_200_000 + "\r\n")
    start = wire.post(
        "/upload/gmail/v1/users/me/messages/import",
        params={"uploadType": "resumable", "neverMarkSpam": "true", "deleted": "false"},
        headers={"X-Upload-Content-Type": "message/rfc822"},
        json={"labelIds": ["INBOX"]},
    )
    assert start.status_code == 200
    chunk = {"Content-Range": f"bytes 0-{len(octets) - 1}/{len(octets)}"}
    done = wire.put(start.headers["location"], content=octets, headers=chunk)
    row = done.json()
    assert row["labelIds"] == ["INBOX"]
    assert decode(api.ok("messages.get", id=row["id"], format="raw")["raw"]) == octets


def test_37_renaming_into_another_label_is_a_conflict_by_either_verb(api):
    api.ok("labels.create", body={"name": "One"})
    other = api.ok("labels.create", body={"name": "Two"})
    api.fails(LABEL_EXISTS, "labels.patch", id=other["id"], body={"name": "one"})
    api.fails(LABEL_EXISTS, "labels.update", id=other["id"], body={"name": "ONE"})


def test_38_archived_mail_stays_archived(api):
    row = insert(api, message(), "INBOX")
    api.ok("messages.modify", id=row["id"], body={"removeLabelIds": ["INBOX"]})
    assert api.ok("messages.list", labelIds=["INBOX"]) == {"resultSizeEstimate": 0}
    assert "labelIds" not in api.ok("messages.get", id=row["id"], format="minimal")


def test_39_more_filters_than_there_may_be_is_said_so(api, wire):
    path = "/gmail/v1/users/me/settings/filters"
    action = {"addLabelIds": ["STARRED"]}
    for start in range(0, FILTERS_MAX, 100):
        bodies = [{"criteria": {"from": f"p{start + n}@x.example"}, "action": action}
                  for n in range(100)]  # fmt: skip
        text = batch(wire, [("POST", path, body) for body in bodies]).text
        assert text.count("HTTP/1.1 200 OK") == 100
    one_more = {"criteria": {"from": "more@x.example"}, "action": action}
    api.fails(TOO_MANY_FILTERS, "settings.filters.create", body=one_more)


def test_40_the_label_of_chats_is_listed_and_takes_no_mail(api):
    ids = [label["id"] for label in api.ok("labels.list")["labels"]]
    assert "CHAT" in ids
    row = insert(api, message())
    api.fails(INVALID_LABEL, "messages.modify", id=row["id"], body={"addLabelIds": ["CHAT"]})


# --- what these tests need


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """Return who asks a server with Google's limits, made small, by plain HTTP."""
    limits = {
        "PENFOLD_QUOTA_USER_UNITS": "1000",
        "PENFOLD_QUOTA_IN_FLIGHT": "3",
        "PENFOLD_SEND_MESSAGES_PER_DAY": "1",
    }
    with serve(
        tmp_path_factory.mktemp("strict") / "data", env=limits, quota="google-2026"
    ) as server:
        clients = {
            name: httpx.Client(
                base_url=server.http,
                headers={"Authorization": f"Bearer {server.load_document(name)['token']}"},
            )
            for name in ("alice", "bob")
        }
        yield clients.__getitem__
        for each in clients.values():
            each.close()


def batch(http, calls):
    """Send (verb, path, body) as one batch."""
    parts = []
    for number, (verb, path, body) in enumerate(calls):
        text = "" if body is None else json.dumps(body)
        parts.append(
            f"--b\r\nContent-Type: application/http\r\nContent-ID: <{number}>\r\n\r\n"
            f"{verb} {path} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{text}\r\n"
        )
    return http.post(
        "/batch/gmail/v1",
        content="".join(parts) + "--b--\r\n",
        headers={"Content-Type": "multipart/mixed; boundary=b"},
    )


def make_topic(api):
    """Make a topic of the house's project and return its name."""
    project = api.house.server.load_document("client_secret")["installed"]["project_id"]
    name = f"projects/{project}/topics/t{uuid.uuid4().hex}"
    made = httpx.put(f"{api.house.server.http}/pubsub/v1/{name}", json={})
    assert made.status_code == 200
    return name


def header(api, message_id, name):
    found = api.ok("messages.get", id=message_id, format="metadata", metadataHeaders=[name])
    [value] = [h["value"] for h in found["payload"]["headers"]]
    return value


def submit(api, octets):
    """Send by SMTP as the person, and come back when it is stored."""
    password = api.house.add_app_password(api.address)
    host, _, port = api.house.server.submissions.rpartition(":")
    trust = ssl.create_default_context(cafile=str(api.house.server.data / "tls" / "ca.pem"))
    with smtplib.SMTP_SSL(host, int(port), context=trust) as smtp:
        smtp.login(api.address, password)
        smtp.sendmail(api.address, ["friend@elsewhere.example"], octets)
