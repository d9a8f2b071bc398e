"""Two people on one server: what belongs to one does not exist for the other, whatever is asked."""

import base64
from dataclasses import dataclass

import pytest
import requests

MAIL = (
    "From: c@penfold.test\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@c.test>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
    "--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n"
    "\r\n%PDF\r\n--b--\r\n"
)
DRAFT = {"message": {"raw": base64.urlsafe_b64encode(b"Subject: d\r\n\r\nx").decode()}}
STAR = {"addLabelIds": ["STARRED"]}


@dataclass
class Person:
    server: object
    name: str

    def ask(self, verb, path, body=None, *, user="me", **query):
        token = self.server.load_document(self.name)["token"]
        address = f"{self.server.http}/gmail/v1/users/{user}{path}"
        return requests.request(
            verb, address, json=body, params=query, timeout=10,
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip

    def insert(self, subject, *, way="/messages", head="", to="", **more):
        raw = head + MAIL.format(to=f"{to or self.name}@penfold.test", subject=subject)
        body = {"raw": base64.urlsafe_b64encode(raw.encode()).decode()} | more
        return self.ask("POST", way, body)


@pytest.fixture
def alice(server):
    return Person(server, "alice")


@pytest.fixture
def bob(server):
    return Person(server, "bob")


@pytest.fixture
def hers(alice):
    """What Alice has: the id of one thing of each kind."""
    message = alice.insert("hers", labelIds=["INBOX"]).json()
    full = alice.ask("GET", f"/messages/{message['id']}").json()
    draft = alice.ask("POST", "/drafts", DRAFT).json()
    labels = [alice.ask("POST", "/labels", {"name": f"hers-{n}"}).json()["id"] for n in range(3)]
    filtered = {"criteria": {"from": "nobody@c.test"}, "action": STAR}
    rule = alice.ask("POST", "/settings/filters", filtered).json()
    yield {
        "message": message["id"],
        "thread": message["threadId"],
        "attachment": full["payload"]["parts"][1]["body"]["attachmentId"],
        "draft": draft["id"],
        "label": labels[-1],
        "filter": rule["id"],
    }
    for label in labels:
        alice.ask("DELETE", f"/labels/{label}")
    alice.ask("DELETE", f"/settings/filters/{rule['id']}")
    alice.ask("DELETE", f"/drafts/{draft['id']}")


def other_than(found):
    """Return an id of the same form that nobody has."""
    if found.startswith("Label_"):
        return "Label_987654"
    turned = {"0": "7", "1": "8"}
    return found[:-3] + "".join(turned.get(letter, "1") for letter in found[-3:])


def calls(ids):
    """Yield every call that names something by its id."""
    message, thread, draft = ids["message"], ids["thread"], ids["draft"]
    for kind, name in (("messages", message), ("threads", thread)):
        yield "GET", f"/{kind}/{name}", None
        yield "POST", f"/{kind}/{name}/modify", STAR
        yield "POST", f"/{kind}/{name}/trash", None
        yield "POST", f"/{kind}/{name}/untrash", None
        yield "DELETE", f"/{kind}/{name}", None
    yield "GET", f"/messages/{message}/attachments/{ids['attachment']}", None
    yield "POST", "/messages/batchModify", {"ids": [message]} | STAR
    yield "POST", "/messages/batchDelete", {"ids": [message]}
    yield "GET", f"/drafts/{draft}", None
    yield "PUT", f"/drafts/{draft}", DRAFT
    yield "POST", "/drafts/send", {"id": draft}
    yield "DELETE", f"/drafts/{draft}", None
    yield "GET", f"/labels/{ids['label']}", None
    yield "PUT", f"/labels/{ids['label']}", {"name": "taken"}
    yield "PATCH", f"/labels/{ids['label']}", {"name": "taken"}
    yield "DELETE", f"/labels/{ids['label']}", None
    yield "GET", f"/settings/filters/{ids['filter']}", None
    yield "DELETE", f"/settings/filters/{ids['filter']}", None


def state_of(person, ids):
    """Return the mailbox's version, and how the things are but for attachments' ids: those are
    made anew for each answer.
    """
    profile = person.ask("GET", "/profile").json()
    paths = (
        *(f"/{kind}s/{ids[kind]}?format=minimal" for kind in ("message", "thread", "draft")),
        f"/labels/{ids['label']}", f"/settings/filters/{ids['filter']}",
    )  # fmt: skip
    return profile, [person.ask("GET", path).json() for path in paths]


def test_the_id_of_somebody_elses_thing_is_answered_as_one_that_nobody_has(alice, bob, hers):
    before = state_of(alice, hers)
    nobodys = {kind: other_than(found) for kind, found in hers.items()}
    for known, unknown in zip(calls(hers), calls(nobodys), strict=True):
        taken, made_up = bob.ask(*known), bob.ask(*unknown)
        assert taken.status_code == made_up.status_code, known
        assert taken.status_code >= 400 or "batch" in known[1], known
        plain = taken.text
        for kind, found in hers.items():
            plain = plain.replace(found, nobodys[kind])
        assert plain == made_up.text, known
    assert state_of(alice, hers) == before


@pytest.mark.parametrize(
    "user",
    [
        "Me", "ME", "me%00", "me%20", "%6d%65", "alice@penfold.test", "ALICE@Penfold.Test",
        "alice+bob@penfold.test", "alice@penfold.test%00bob@penfold.test", "bob@penfold.test",
        "%D0%B0lice@penfold.test", "alice@penfold.test.", "me/../bob@penfold.test", "%2e%2e",
        "me%2fbob@penfold.test", "alice@penfold.test,bob@penfold.test", "*", "%25",
    ],
)  # fmt: skip
def test_no_spelling_of_a_user_leads_to_another_mailbox(alice, user):
    answer = alice.ask("GET", "/profile", user=user)
    if answer.status_code == 200:
        assert answer.json()["emailAddress"] == "alice@penfold.test"
    else:
        assert answer.status_code in (400, 403, 404)


@pytest.mark.parametrize("way", ["/messages", "/messages/import", "/messages/send"])
def test_no_message_joins_a_thread_of_another_mailbox(alice, bob, hers, way):
    before = alice.ask("GET", f"/threads/{hers['thread']}", format="minimal").json()
    answers = [
        bob.insert("re-hers", way=way, threadId=hers["thread"]),
        bob.insert("re-hers-2", way=way, head="References: <hers@c.test>\r\n"),
    ]
    for answer in answers:
        assert answer.status_code in (200, 400, 404), answer.text
        assert answer.json().get("threadId") != hers["thread"]
    assert answers[1].status_code == 200
    if way != "/messages/send":
        assert alice.ask("GET", f"/threads/{hers['thread']}", format="minimal").json() == before


def test_nobody_learns_from_an_answer_that_somebody_else_has_the_same_octets(server, alice, bob):
    def facts(answer):
        names = ("date", "content-length", "x-guploader-uploadid", "x-request-id")
        headers = {name: v for name, v in answer.headers.items() if name.lower() not in names}
        return answer.status_code, headers, sorted(answer.json()), len(answer.content)

    def blobs():
        return set((server.data / "blobs").glob("??/*.zst"))

    head, before = ("X-Pad: " + "x" * 60 + "\r\n") * 6_000, blobs()
    hers = alice.insert("shared", head=head, to="kim")
    same, other = (bob.insert(subject, head=head, to="kim") for subject in ("shared", "bobs-0"))
    assert facts(same) == facts(other) == facts(hers)
    assert len(blobs() - before) == 2  # kept once for both, all the same
    assert alice.ask("DELETE", f"/messages/{hers.json()['id']}").status_code == 204
    kept = bob.ask("GET", f"/messages/{same.json()['id']}", format="raw").json()["raw"]
    text = head + MAIL.format(to="kim@penfold.test", subject="shared")
    assert base64.urlsafe_b64decode(kept) == text.encode()


def test_what_only_the_server_says_of_a_message_is_not_taken_from_a_client(bob):
    said = {
        "id": "1", "historyId": "1", "sizeEstimate": 1, "snippet": "forged",
        "payload": {"headers": [{"name": "Subject", "value": "forged"}]},
    }  # fmt: skip
    made = bob.insert("assigned", labelIds=["INBOX"], **said).json()
    kept = bob.ask("GET", f"/messages/{made['id']}").json()
    assert {name for name in said if kept[name] == said[name]} == set()
    headers = {each["name"]: each["value"] for each in kept["payload"]["headers"]}
    assert headers["Subject"] == "assigned"


def test_nobody_makes_a_label_of_the_system_or_says_that_an_address_agreed(bob):
    label = bob.ask("POST", "/labels", {"name": "mine", "type": "system", "id": "INBOX"})
    made = label.json()["id"]
    assert made.startswith("Label_")
    assert bob.ask("GET", f"/labels/{made}").json()["type"] == "user"
    bob.ask("DELETE", f"/labels/{made}")
    sent_as = {"sendAsEmail": "me@elsewhere.test", "verificationStatus": "accepted"}
    forward = {"forwardingEmail": "me@elsewhere.test", "verificationStatus": "accepted"}
    for path, body in (("sendAs", sent_as), ("forwardingAddresses", forward)):
        answer = bob.ask("POST", f"/settings/{path}", body)
        if answer.status_code == 200:
            assert answer.json()["verificationStatus"] == "pending"
            bob.ask("DELETE", f"/settings/{path}/me@elsewhere.test")
        else:
            assert answer.status_code in (400, 403)
    rule = {"criteria": {"from": "x@c.test"}, "action": {"forward": "me@elsewhere.test"}}
    assert bob.ask("POST", "/settings/filters", rule).status_code == 400


@pytest.mark.parametrize("label", ["SENT", "DRAFT", "CHAT", "Label_987654", "inbox", ""])
def test_labels_that_are_not_for_clients_or_not_there_are_refused(bob, label):
    message = bob.insert("labelled", labelIds=["INBOX"]).json()["id"]
    for change in ({"addLabelIds": [label]}, {"removeLabelIds": [label]}):
        answer = bob.ask("POST", f"/messages/{message}/modify", change)
        assert answer.status_code == 400, change
    assert bob.ask("GET", f"/messages/{message}").json()["labelIds"] == ["INBOX"]


def test_the_page_token_of_another_mailbox_or_a_changed_one_shows_nothing_of_it(alice, bob):
    for person in (alice, bob):
        for number in range(3):
            person.insert(f"page-{number}", labelIds=["INBOX"])
    token = alice.ask("GET", "/messages", maxResults=1).json()["nextPageToken"]
    own = {one["id"] for one in bob.ask("GET", "/messages", maxResults=500).json()["messages"]}
    for changed in (
        token, token + "1", token[:-1], "-1", "0", "9" * 30, "1e18", "x" * 6000, "' OR 1=1 --",
    ):  # fmt: skip
        answer = bob.ask("GET", "/messages", maxResults=500, pageToken=changed)
        assert answer.status_code in (200, 400)
        assert {one["id"] for one in answer.json().get("messages", [])} <= own
