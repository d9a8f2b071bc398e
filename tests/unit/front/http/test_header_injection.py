"""Line ends in every text that reaches a header of ours: refused, or no field comes of them.

What leaves is read by two readers, and has the fields it is meant to have and no other.
"""

import email
import re

import pytest
from tests.unit.front.http.sending.desk import EMAIL, Desk
from tests.unit.world import World, mail

from penfold.domain.sending.composing import Unsubscribe, compose
from penfold.domain.sending.content import unpack_content
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import Draft, Label, Message, SendAs, VacationSettings

ALICE, KIM = "alice@penfold.test", "kim@elsewhere.example"
#: What would begin a field if it reached a header as it is.
BREAKS = (
    "\r\n", "\n", "\r", "\n\r", "\r\n\t\r\n", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029",
    "%0d%0a", "\\r\\n", "\x00\r\n",
)  # fmt: skip
WORDS = [f"a{gap}Bcc: thief@evil.example" for gap in BREAKS]
WORDS += [
    "a\r\n\r\n<script>",
    *(f"=?utf-8?q?a={o}Bcc:_thief=40evil?=" for o in ("0D=0A", "0B", "E2=80=A8")),
]
OURS = {
    "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding", "In-Reply-To", "References", "Auto-Submitted", "Precedence",
    "List-Unsubscribe", "List-Unsubscribe-Post", "X-Order", "Received", "X-Forwarded-To",
    "X-Forwarded-For", "X-Autoreply", "X-Auto-Response-Suppress",
}  # fmt: skip
WAY = Unsubscribe("https://penfold.test/u/1")
PARTS = {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID"}


def check(raw):
    """Both readers see fields of the list, each once, and nobody else's name."""
    head = raw.partition(b"\r\n\r\n")[0]
    lines = re.split(rb"\r\n|[\r\n\x0b\x0c\x1c-\x1e]", head)
    ours = [line.partition(b":")[0].decode() for line in lines if line[:1] not in b" \t"]
    message = email.message_from_bytes(raw)
    for names in (ours, message.keys()):
        assert set(names) <= OURS
        assert len(set(names) - {"Received"}) == len([name for name in names if name != "Received"])
    for part in message.walk():
        assert part is message or set(part.keys()) <= PARTS
        assert not [d for d in part.defects if "Boundary" not in type(d).__name__], part.defects


@pytest.fixture
def world():
    world = World(captures=False)
    yield world
    world.close()


@pytest.fixture
def desk():
    return Desk()


def attempt(world, name, **given):
    """Ask; what is refused is fine."""
    try:
        return world.api(name, **given)
    except ProblemError:
        return None


@pytest.mark.parametrize("word", WORDS, ids=ascii)
def test_no_setting_of_an_account_begins_a_field_of_what_it_sends(world, word):
    for field in ("display_name", "signature", "reply_to_address"):
        attempt(world, "send_as_patch", send_as_email=ALICE, body=SendAs(**{field: word}))
    for address in (f"x@elsewhere.example{word}", f"{word}@elsewhere.example", KIM):
        body = SendAs(send_as_email=address, display_name=word)
        attempt(world, "send_as_create", body=body, service=True)
    attempt(world, "labels_create", body=Label(name=word))
    for field in ("response_subject", "response_body_plain_text", "response_body_html"):
        away = {"response_subject": "Away", field: word}
        body = VacationSettings(enable_auto_reply=True, **away)
        attempt(world, "settings_update_vacation", body=body)
        world.receive(mail("=?utf-8?q?a=0D=0ABcc:_x?="), sender=f"{field}@elsewhere.example")
    written = f"To: {KIM}\r\nSubject: plain\r\n\r\nx".encode()
    world.api("messages_send", body=Message(raw=written))
    draft = world.api("drafts_create", body=Draft(message=Message(raw=written)))
    world.api("drafts_send", body=Draft(id=draft.id))
    world.settle()
    rows = world.queue.list_rows()
    assert len(rows) >= 3
    for row in rows:
        check(world.queue.get_raw(row.id))
        assert "evil" not in row.recipient
        assert "evil" not in row.sender


@pytest.mark.parametrize("word", WORDS, ids=ascii)
def test_no_word_in_a_field_of_a_message_begins_another_when_it_leaves(world, word):
    """Line ends of a client's own message are its own: it may write any field."""
    plain = re.sub(r"[\r\n\x00]+", " ", word)
    for name in ("Subject", "Reply-To", "References", "In-Reply-To", "X-Order", "List-Unsubscribe"):
        raw = f"From: {plain} <{ALICE}>\r\nTo: {plain} <{KIM}>\r\n{name}: {plain}\r\n\r\nx"
        attempt(world, "messages_send", body=Message(raw=raw.encode()))
    world.settle()
    for row in world.queue.list_rows():
        check(world.queue.get_raw(row.id))
        assert "evil" not in row.recipient


FIELDS = (
    "from", "from.name", "to", "to.name", "cc", "bcc", "reply_to", "reply_to.name", "subject", "html",
    "text", "headers", "headers.name", "headers.unsubscribe", "attachment.filename",
    "attachment.content_type", "attachment.content_id", "metadata", "tags",
)  # fmt: skip


#: What is no address and no name of a field is refused whatever it is.
REFUSED = {"from", "to", "cc", "bcc", "reply_to", "headers.name"}


def make_body(field, word):
    """Return an email with the word in this field."""
    base, _, part = field.partition(".")
    if base == "attachment":
        word = f"text/x; {word}" if part == "content_type" else word
        file = {"filename": "a.txt", "content": "YQ==", part: word}
        return EMAIL | {"attachments": [file]}
    if base == "headers":
        headers = {"": {"X-Order": word}, "name": {f"X-Order: {word}": "x"}}
        headers = headers.get(part, {"List-Unsubscribe": word})
        return EMAIL | {"headers": headers}
    if base == "tags":
        return EMAIL | {"tags": [{"name": word, "value": word}]}
    if base == "metadata":
        return EMAIL | {"metadata": {word: word}}
    value = f"{word} <{'shop@penfold.test' if base == 'from' else KIM}>" if part else word
    return EMAIL | {base: value}


def made_of(desk, email_id):
    """Return the octets that an accepted email becomes, and its recipients."""

    def read(book):
        sent = book.find_email(email_id, desk.alice.id)
        content = unpack_content(book.find_content(sent.number))
        return compose(sent, content, unsubscribe=WAY), book.list_recipients(sent.number)

    return desk.book.read(read)


@pytest.mark.parametrize("field", FIELDS)
def test_no_text_of_an_email_of_the_sending_api_begins_a_field(desk, field):
    taken = 0
    for word in (*WORDS, "plain"):
        reply = desk.ask("POST", "/emails", make_body(field, word))
        assert reply.status in (200, 400, 422), reply.body
        if reply.status == 200:
            taken += 1
            raw, people = made_of(desk, reply.json["id"])
            check(raw)
            assert not [one.address for one in people if "evil" in one.address]
    assert bool(taken) != (field in REFUSED)


def test_a_field_that_would_be_two_is_seen():
    with pytest.raises(AssertionError):
        check(b"From: a\r\nSubject: a\nBcc: thief@evil.example\r\n\r\nx")
