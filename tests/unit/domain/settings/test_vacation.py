"""The vacation reply: who gets one, how often, and what is in it."""

import email
import email.policy
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain.mailbox.test_filtering import labels_of
from tests.unit.world import mail

from penfold.base.errors import UnavailableError
from penfold.base.labels import SPAM, UNREAD
from penfold.base.limits import VACATION_ANSWERS_MAX, VACATION_DAYS
from penfold.domain.mailbox.arrival import Arrival
from penfold.domain.mailbox.messages import read_letter
from penfold.domain.settings.vacation import answer, compose_reply, is_contact
from penfold.ports.settings import VacationAnswer
from penfold.spec.schemas import SendAs, VacationSettings

WRITER = "writer@elsewhere.example"
ALICE, BOB = "alice@penfold.test", "bob@penfold.test"


def go_away(world, account=None, **members):
    members.setdefault("response_subject", "Away")
    body = VacationSettings(enable_auto_reply=True, **members)
    world.api("settings_update_vacation", account=account, body=body)


def replies(world):
    """Return the replies so far: (envelope, message)."""
    world.settle()
    rows = sorted(world.queue.list_rows(), key=lambda row: row.id)
    return [
        (
            (row.sender, row.recipient),
            email.message_from_bytes(world.queue.get_raw(row.id), policy=email.policy.default),
        )
        for row in rows
    ]


def test_reply_is_an_answer_nothing_answers(world):
    go_away(world, response_body_plain_text="Back on Monday: é.")
    world.receive(mail("Hello", message_id="b@x.example", References="<a@x.example>"))
    [(envelope, reply)] = replies(world)
    assert envelope == ("", WRITER)
    assert reply["From"] == "Alice Example <alice@penfold.test>"
    assert reply["To"] == WRITER
    assert reply["Subject"] == "Away Re: Hello"
    assert reply["Auto-Submitted"] == "auto-replied"
    assert reply["In-Reply-To"] == "<b@x.example>"
    assert reply["References"] == "<a@x.example> <b@x.example>"
    assert reply["Message-ID"]
    assert reply["Date"]
    assert reply.get_content_type() == "text/plain"
    assert reply.get_content().strip() == "Back on Monday: é."


def test_reply_has_the_name_the_account_sends_mail_with(world):
    body = SendAs(display_name="Alice Elsewhere")
    world.api("send_as_patch", send_as_email=ALICE, body=body)
    go_away(world)
    world.receive(mail("Hello"))
    [(_, reply)] = replies(world)
    assert reply["From"] == "Alice Elsewhere <alice@penfold.test>"


def test_html_wins_and_brings_its_text_along(world):
    go_away(
        world,
        response_subject="",
        response_body_html="<p>Back on <b>Monday</b></p>",
        response_body_plain_text="unused",
    )
    world.receive(mail("Re: Hello"))
    [(_, reply)] = replies(world)
    assert reply["Subject"] == "Re: Hello"
    assert reply.get_content_type() == "multipart/alternative"
    plain, html = reply.iter_parts()
    assert plain.get_content().strip() == "Back on Monday"
    assert html.get_content().strip() == "<p>Back on <b>Monday</b></p>"


def test_sender_is_answered_once_in_four_days(world):
    go_away(world)
    for sender in (WRITER, WRITER.upper(), "other@elsewhere.example"):
        world.receive(mail(), sender=sender)
    assert len(replies(world)) == 2
    world.clock.advance(days=VACATION_DAYS, ms=-1)
    world.receive(mail())
    assert len(replies(world)) == 2
    world.clock.advance(ms=1)
    world.receive(mail())
    assert len(replies(world)) == 3


def test_sender_is_answered_anew_after_an_edit_only(world):
    go_away(world)
    world.receive(mail())
    go_away(world)
    world.receive(mail())
    assert len(replies(world)) == 1
    go_away(world, response_body_plain_text="Back later than I thought.")
    world.receive(mail())
    assert len(replies(world)) == 2


def test_same_bytes_again_are_not_answered_again(world):
    go_away(world, response_body_plain_text="One")
    raw = mail(message_id="a@x.example")
    world.receive(raw)
    go_away(world, response_body_plain_text="Two")
    world.receive(raw)
    assert len(replies(world)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Precedence": "bulk"},
        {"Precedence": "List"},
        {"Precedence": "junk"},
        {"List_Id": "<talk.elsewhere.example>"},
        {"List_Unsubscribe": "<https://elsewhere.example/u>"},
        {"Auto_Submitted": "auto-generated"},
        {"Auto_Submitted": "auto-replied; x=y"},
        {"X_Auto_Response_Suppress": "DR, OOF"},
        {"Content_Type": "multipart/report; boundary=b"},
        {"to": "friends@elsewhere.example"},
    ],
    ids=str,
)
def test_programs_lists_and_copies_get_no_reply(world, headers):
    go_away(world)
    world.receive(mail(**headers))
    assert replies(world) == []


@pytest.mark.parametrize("header", [{"Auto_Submitted": "no"}, {"Precedence": "first-class"}])
def test_fields_that_say_nothing_do_not_matter(world, header):
    go_away(world)
    world.receive(mail(**header))
    assert len(replies(world)) == 1


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "MAILER-DAEMON@elsewhere.example",
        "noreply@elsewhere.example",
        "no-reply+17@elsewhere.example",
        "shop-do-not-reply@elsewhere.example",
        "owner-talk@elsewhere.example",
        "talk-request@elsewhere.example",
        "talk-bounces+alice=penfold.test@elsewhere.example",
        ALICE,
        "Alice+shop@penfold.test",
    ],
)
def test_senders_that_get_no_reply(world, sender):
    go_away(world)
    world.receive(mail(), sender=sender)
    assert replies(world) == []


@pytest.mark.parametrize("recipients", [{"Cc": "Alice+x@penfold.test"}, {"Bcc": ALICE}], ids=str)
def test_account_may_be_named_anywhere(world, recipients):
    go_away(world)
    world.receive(mail(to=BOB, **recipients))
    assert len(replies(world)) == 1


def test_dates_bound_the_replies(world):
    now_ms = world.clock.now_ms()
    go_away(world, start_time=str(now_ms + 10), end_time=str(now_ms + 20))
    world.receive(mail())
    world.clock.advance(ms=20)
    world.receive(mail())
    assert replies(world) == []
    world.clock.advance(ms=-1)
    world.receive(mail())
    assert len(replies(world)) == 1


def test_only_contacts_when_so_set(world):
    go_away(world, restrict_to_contacts=True)
    world.receive(mail())
    world.submit(mail(to="re.writer@elsewhere.example"), "re.writer@elsewhere.example")
    world.receive(mail())
    assert [row.sender for row in world.queue.list_rows()] == [ALICE]
    world.submit(mail(to=f"x@y.example, The Writer <{WRITER}>"), WRITER)
    world.receive(mail())
    world.settle()
    assert [row.recipient for row in world.queue.list_rows() if not row.sender] == [WRITER]


def test_search_that_takes_too_long_keeps_no_mail_out():
    class Slow:
        def list_messages(self, query):
            raise UnavailableError("a listing took too long")

    assert not is_contact(Slow(), WRITER)


def test_only_the_same_domain_when_so_set(world):
    go_away(world, account=world.bob, restrict_to_domain=True)
    world.receive(mail(to=BOB), BOB)
    world.submit(mail("Hello", to=BOB), BOB)
    world.settle(world.bob)
    [reply] = world.list_ids()[:1]
    assert labels_of(world, reply) == {"INBOX", "UNREAD"}
    assert world.queue.list_rows() == []
    assert len(world.list_ids(world.bob)) == 2


def test_two_that_are_away_answer_each_other_once(world):
    go_away(world)
    go_away(world, account=world.bob)
    world.submit(mail("Hello", to=BOB), BOB)
    world.settle(world.bob)
    world.settle()
    assert len(world.list_ids()) == 2  # what was sent, and Bob's reply
    assert len(world.list_ids(world.bob)) == 1


def arrival_of(raw, *, sender=WRITER, labels=(UNREAD,), now_ms=10**12):
    return Arrival(
        letter=read_letter(raw), sender=sender, labels=frozenset(labels), own=(ALICE,),
        name="Alice", now_ms=now_ms,
    )  # fmt: skip


def test_spam_gets_no_reply(world):
    away = VacationSettings(enable_auto_reply=True, response_subject="Away")

    def ask(box, labels):
        arrival = arrival_of(mail())
        return answer(box, away, arrival, labels=frozenset(labels), chance=world.chance)

    assert not world.change(lambda box: ask(box, {SPAM}))
    assert world.change(lambda box: ask(box, {UNREAD}))


def test_memory_of_who_was_answered_is_bounded_and_forgets(world):
    go_away(world)

    def fill(box):
        for number in range(VACATION_ANSWERS_MAX):
            box.put_setting(VacationAnswer(f"{number}", world.clock.now_ms()), f"{number}")

    world.change(fill)
    world.receive(mail())
    assert replies(world) == []
    world.clock.advance(days=VACATION_DAYS)
    world.receive(mail())
    assert len(replies(world)) == 1
    assert len(world.read(lambda box: box.list_settings(VacationAnswer))) == 1


@settings(max_examples=50)
@given(
    subject=st.text(max_size=40),
    name=st.text(max_size=20),
    own_subject=st.text(max_size=40),
    html=st.text(max_size=60),
    ids=st.text(max_size=60),
)
def test_whatever_a_message_says_the_reply_is_well_formed(subject, name, own_subject, html, ids):
    raw = (
        f"Subject: {subject}\r\nMessage-ID: <{ids}>\r\nReferences: <{ids[::-1]}> <ok@x.example>\r\n"
        "\r\nText.\r\n"
    ).encode("utf-8", "surrogatepass")
    arrival = Arrival(
        letter=read_letter(raw), sender=WRITER, labels=frozenset(), own=(ALICE,), name=name,
        now_ms=10**12,
    )  # fmt: skip
    away = VacationSettings(response_subject=own_subject, response_body_html=html)
    reply = read_letter(compose_reply(away, arrival, chance=random.Random(1)))
    names = [field for field, _ in reply.root.headers]
    assert len(names) == len(set(names))
    assert [each.address for each in reply.summary.to] == [WRITER]
    assert [each.address for each in reply.summary.sender] == [ALICE]
    assert "Auto-Submitted" in names
