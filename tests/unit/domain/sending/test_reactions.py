"""Readers who want no more."""

import itertools

import pytest
from tests.unit.domain.sending.shop import BOB, KIM, Shop

from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    MACHINE_WITHIN_MS,
    TRACKED_EVENTS_MAX,
    TRACKED_MS,
    TRACKED_ONCE_MS,
)
from penfold.domain.sending.reactions import Visit
from penfold.ports.sending.records import Webhook
from penfold.ports.sending.suppressions import Reason, Scope, Suppression
from penfold.proto.mail_links import MailLink, Purpose, sign_link

MINE = (KIM, "stream", "broadcast", "unsubscribe")


@pytest.fixture
def shop():
    shop = Shop()
    hook = Webhook("w", "a", "https://shop.example/", 0, events=("unsubscribed",))
    shop.book.change(lambda writer: writer.add(hook))
    return shop


def test_who_unsubscribes_is_suppressed_for_the_stream_and_told_of_once(shop):
    number = shop.accept(KIM, BOB, stream="broadcast")
    token = shop.make_token(number)
    assert shop.reactions.find(token).recipient.address == KIM
    assert (shop.suppressed(), shop.events()) == ([], [])
    for _ in range(3):
        assert shop.reactions.unsubscribe(token).recipient.address == KIM
    assert shop.suppressed() == [MINE]
    assert shop.events(recipient=KIM) == ["unsubscribed"]
    assert len(shop.book.read(lambda b: b.list_deliveries("w", limit=9))) == 1
    [event] = shop.book.read(lambda b: b.list_events("a", limit=9))
    [found] = shop.book.read(lambda b: b.list_suppressions("a", limit=9))
    assert found.event == event.id


def test_another_mail_of_the_stream_tells_nothing_new_and_one_of_another_stream_does(shop):
    for stream in ("broadcast", "broadcast", "news"):
        shop.reactions.unsubscribe(shop.make_token(shop.accept(KIM, stream=stream)))
    assert sorted(shop.suppressed()) == [MINE, (KIM, "stream", "news", "unsubscribe")]
    assert shop.events() == ["unsubscribed", "unsubscribed"]


def test_who_was_let_in_again_may_leave_again(shop):
    token = shop.make_token(shop.accept(KIM, stream="broadcast"))
    shop.reactions.unsubscribe(token)
    [one] = shop.book.read(lambda b: b.list_suppressions("a", limit=9))
    shop.book.change(lambda writer: writer.delete_suppression(one.id, "a"))
    shop.clock.advance(ms=1)
    shop.reactions.unsubscribe(token)
    assert shop.suppressed() == [MINE]
    assert shop.events() == ["unsubscribed", "unsubscribed"]


def test_who_bounced_or_was_taken_off_for_a_while_is_suppressed_all_the_same(shop):
    number = shop.accept(KIM, stream="broadcast")
    for scope, value, expires_ms in ((Scope.ACCOUNT, "", 0), (Scope.STREAM, "broadcast", 1)):
        one = Suppression(scope, "a", KIM, scope, value, Reason.UNSUBSCRIBE, 0, expires_ms)
        shop.book.change(lambda writer, one=one: writer.put_suppression(one))
    shop.reactions.unsubscribe(shop.make_token(number))
    assert MINE in shop.suppressed()


def test_a_complaint_stays_a_complaint(shop):
    number = shop.accept(KIM, stream="broadcast")
    one = Suppression("s", "a", KIM, Scope.STREAM, "broadcast", Reason.COMPLAINT, 0)
    shop.book.change(lambda writer: writer.put_suppression(one))
    shop.reactions.unsubscribe(shop.make_token(number))
    assert shop.suppressed() == [(KIM, "stream", "broadcast", "complaint")]
    assert shop.events() == []


def test_the_link_of_a_test_mail_suppresses_nobody(shop):
    assert shop.reactions.unsubscribe(shop.make_token(shop.accept(KIM, test=True)))
    assert (shop.suppressed(), shop.events()) == ([], [])


def test_what_is_no_link_to_unsubscribe_by_does_nothing(shop):
    number = shop.accept(KIM, stream="broadcast")
    right = shop.make_token(number)
    other = Shop()
    other.chance.getrandbits(64)
    foreign = other.make_token(other.accept(KIM))
    wrong = [
        shop.make_token(number, purpose=Purpose.OPEN),
        shop.make_token(number, position=1),
        sign_link(
            MailLink("00000000-0000-0000-0000-0000000000ff", 0), "unsubscribe", shop.key.get()
        ),
        foreign,
        right[:-2] + "AA",
        "",
    ]
    assert [shop.reactions.unsubscribe(each) for each in wrong] == [None] * 6
    assert [shop.reactions.find(each) for each in wrong] == [None] * 6
    assert (shop.suppressed(), shop.events()) == ([], [])


def test_without_a_key_no_token_is_ours():
    shop = Shop()
    assert shop.reactions.find("A" * 46) is None


# --- opening and clicking

TARGET = "https://shop.example/7"
FIREFOX = Visit(
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "192.0.2.7"
)


@pytest.fixture
def read(shop):
    """Return the tokens of a mail that was delivered a while ago: to open and to click."""
    number = shop.accept(BOB)
    shop.hand_over()
    shop.clock.advance(ms=MACHINE_WITHIN_MS)
    return (
        shop.make_token(number, purpose=Purpose.OPEN),
        shop.make_token(number, purpose=Purpose.CLICK, target=TARGET),
    )


def test_who_opens_and_clicks_is_told_of_without_address_and_program(shop, read):
    opening, clicking = read
    assert shop.reactions.note_opened(opening, FIREFOX)
    assert shop.reactions.note_clicked(clicking, FIREFOX) == TARGET
    assert shop.events(recipient=BOB) == ["sent", "delivered", "opened", "clicked"]
    assert shop.event("opened") == {"machine": False}
    assert shop.event("clicked") == {"machine": False, "link": TARGET}


def test_address_and_program_are_kept_where_a_setting_says_so(shop, read):
    shop.make_reactions(keeps_details=True).note_opened(read[0], FIREFOX)
    assert shop.event("opened") == {
        "machine": False, "ip": "192.0.2.7", "user_agent": FIREFOX.agent,
    }  # fmt: skip


def test_the_same_is_told_once_an_hour(shop, read):
    for _ in range(3):
        shop.reactions.note_clicked(read[1], FIREFOX)
    shop.clock.advance(ms=TRACKED_ONCE_MS)
    shop.reactions.note_clicked(read[1], FIREFOX)
    assert shop.events().count("clicked") == 2


def test_once_the_events_of_a_mail_are_gone_nobody_is_told_or_taken_for_a_machine(shop, read):
    shop.clock.advance(ms=TRACKED_ONCE_MS)
    shop.book.change(lambda b: b.expire_events(before_ms=shop.clock.now_ms(), limit=99))
    assert shop.reactions.note_clicked(read[1], FIREFOX) == TARGET
    assert shop.events() == []


def test_neither_a_token_that_is_not_ours_nor_what_was_told_takes_the_writer(shop, read):
    shop.reactions.note_clicked(read[1], FIREFOX)

    def change(_):
        raise AssertionError("the book's only writer is taken")

    shop.book.change = change
    assert shop.reactions.note_clicked(read[1], FIREFOX) == TARGET
    assert shop.reactions.unsubscribe("garbage") is None


def test_of_one_mail_so_much_is_told_and_no_more(shop, read):
    number = 1
    for at in range(TRACKED_EVENTS_MAX + 5):
        target = f"https://shop.example/{at}"
        token = shop.make_token(number, purpose=Purpose.CLICK, target=target)
        assert shop.reactions.note_clicked(token, FIREFOX) == target
    assert shop.events().count("clicked") == TRACKED_EVENTS_MAX - 1


def test_a_mail_of_long_ago_leads_where_it_led_and_nobody_is_told(shop, read):
    shop.clock.advance(ms=TRACKED_MS)
    assert shop.reactions.note_clicked(read[1], FIREFOX) == TARGET
    assert "clicked" not in shop.events()


@pytest.mark.parametrize(
    "agent",
    [
        "", "Mozilla/5.0", "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "curl/8.5.0", "python-requests/2.32", "Mozilla/5.0 (compatible; Barracuda Sentinel (EE))",
    ],
)  # fmt: skip
def test_what_fetches_for_readers_or_before_them_is_a_machine(shop, read, agent):
    shop.reactions.note_opened(read[0], Visit(agent, ""))
    assert shop.event("opened") == {"machine": True}


def test_what_comes_ahead_before_the_delivery_or_just_after_it_is_a_machine(shop, read):
    shop.reactions.note_opened(read[0], Visit(FIREFOX.agent, "", ahead=True))
    assert shop.event("opened") == {"machine": True}
    waiting = shop.accept(KIM)
    shop.reactions.note_opened(shop.make_token(waiting, purpose=Purpose.OPEN), FIREFOX)
    fresh = shop.accept(BOB)
    shop.hand_over()
    shop.clock.advance(ms=MACHINE_WITHIN_MS - 1)
    shop.reactions.note_opened(shop.make_token(fresh, purpose=Purpose.OPEN), FIREFOX)
    found = shop.book.read(lambda b: b.list_events("a", kinds=["opened"], limit=9))
    assert [one.data for one in found] == [{"machine": True}] * 3


def test_the_link_of_another_purpose_or_mail_leads_nowhere(shop, read):
    opening, clicking = read
    assert shop.reactions.note_clicked(opening, FIREFOX) is None
    assert shop.reactions.note_opened(clicking, FIREFOX) is None
    other = shop.make_token(shop.accept(KIM), purpose=Purpose.CLICK, target="https://evil.example")
    for at, to in itertools.product(range(0, len(clicking), 7), range(0, len(other), 7)):
        spliced = clicking[:at] + other[to:]
        assert spliced in (clicking, other) or shop.reactions.note_clicked(spliced, None) is None
    assert "clicked" not in shop.events()


def test_a_reader_goes_on_though_the_disk_is_full(shop, read):
    class Full:
        def __getattr__(self, name):
            return getattr(shop.book, name)

        def change(self, _):
            raise UnavailableError("the disk is full")

    reactions = type(shop.reactions)(Full(), shop.key, shop.clock, shop.chance)
    assert reactions.note_clicked(read[1], FIREFOX) == TARGET


def test_looking_where_a_link_leads_and_test_mail_tell_nothing(shop, read):
    test = shop.make_token(shop.accept(BOB, test=True), purpose=Purpose.CLICK, target=TARGET)
    assert shop.reactions.note_clicked(read[1], None) == TARGET
    assert shop.reactions.note_clicked(test, FIREFOX) == TARGET
    assert "clicked" not in shop.events()
