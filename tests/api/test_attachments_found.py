"""A word that stands only inside an attachment finds its message."""

import base64
import threading
from email.message import EmailMessage

import pytest
from tests.files import KINDS, xlsx

SECONDS = 60


def letter(*files, subject="files"):
    """Return a message with these files: (name, media type, octets)."""
    message = EmailMessage()
    message["To"], message["From"] = "alice@penfold.test", "pat@elsewhere.example"
    message["Subject"] = subject
    message.set_content("see inside\n")
    for name, media_type, data in files:
        main, sub = media_type.split("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def insert(user, raw):
    body = {"raw": base64.urlsafe_b64encode(raw).decode(), "labelIds": ["INBOX"]}
    return user.messages().insert(userId="me", body=body).execute()


def found(user, query):
    return [
        entry["id"]
        for entry in user.messages().list(userId="me", q=query).execute().get("messages", ())
    ]


def wait_for(user, query):
    """Ask until something is found; how long a search may lag behind."""
    pause = threading.Event()
    for _ in range(SECONDS * 10):
        if ids := found(user, query):
            return ids
        pause.wait(0.1)
    raise AssertionError(f"{query} finds nothing")


def word_for(name):
    return "quokka" + "".join(filter(str.isalpha, name))


@pytest.fixture(scope="module")
def stored(alice):
    """One message per kind, and its id by file name."""
    return {
        name: insert(alice, letter((name, media_type, make(word_for(name)))))["id"]
        for name, (media_type, make) in KINDS.items()
    }


@pytest.mark.parametrize("name", KINDS)
def test_a_word_inside_a_file_finds_its_message(alice, stored, name):
    assert wait_for(alice, word_for(name)) == [stored[name]]


def test_the_text_of_files_counts_as_free_text_only(alice, stored):
    word = word_for("paper.pdf")
    wait_for(alice, word)
    for name in ("subject", "from", "to", "filename", "list"):
        assert found(alice, f"{name}:{word}") == []
    assert found(alice, f"{word} subject:files") == [stored["paper.pdf"]]
    assert found(alice, f"-{word} filename:paper.pdf") == []


def test_reading_attachments_changes_nothing_that_a_client_sees(alice):
    before = insert(alice, letter(("a.txt", "text/plain", b"wombatinside"), subject="still"))
    shown = alice.messages().get(userId="me", id=before["id"], format="full").execute()
    history = alice.getProfile(userId="me").execute()["historyId"]
    wait_for(alice, "wombatinside")
    again = alice.messages().get(userId="me", id=before["id"], format="full").execute()
    for answer in (shown, again):  # ids of attachments are made anew
        answer["payload"]["parts"][1]["body"].pop("attachmentId")
    assert shown == again
    assert alice.getProfile(userId="me").execute()["historyId"] == history
    assert "history" not in alice.history().list(userId="me", startHistoryId=history).execute()


def test_several_files_of_a_message_are_all_found(alice):
    files = [(f"part{n}.txt", "text/plain", f"dingo{n}word".encode()) for n in range(5)]
    [message_id] = {insert(alice, letter(*files))["id"]}
    for n in range(5):
        assert wait_for(alice, f"dingo{n}word") == [message_id]


def test_words_of_body_and_attachment_together_find_the_message(alice):
    message_id = insert(alice, letter(("b.txt", "text/plain", b"echidnaonly"), subject="mixed"))
    assert wait_for(alice, "echidnaonly subject:mixed inside") == [message_id["id"]]


def test_whole_numbers_of_a_sheet_are_found_and_fractions_are_not(alice):
    raw = letter(("n.xlsx", "application/octet-stream", xlsx("numbatsheet", 4711008)))
    message_id = insert(alice, raw)["id"]
    assert wait_for(alice, "numbatsheet 4711008") == [message_id]
    assert found(alice, 'numbatsheet "0.5"') == []


def test_an_attached_message_is_found_by_the_files_attached_to_it(alice):
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("hello\n")
    inner.add_attachment(b"bilbyinside", maintype="text", subtype="plain", filename="c.txt")
    outer = EmailMessage()
    outer["Subject"] = "outer"
    outer.set_content("forwarded\n")
    outer.add_attachment(inner)
    message_id = insert(alice, outer.as_bytes())["id"]
    assert wait_for(alice, "bilbyinside") == [message_id]


def test_a_draft_and_a_sent_message_are_read_as_well(alice):
    raw = letter(("d.txt", "text/plain", b"potoroodraft"))
    body = {"message": {"raw": base64.urlsafe_b64encode(raw).decode()}}
    draft = alice.drafts().create(userId="me", body=body).execute()
    assert wait_for(alice, "potoroodraft") == [draft["message"]["id"]]
    alice.drafts().delete(userId="me", id=draft["id"]).execute()
    assert found(alice, "potoroodraft") == []
