"""Readers who want no more."""

import pytest
from tests.unit.domain.sending.shop import BOB, KIM, Shop

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
        one = Suppression(scope, "a", KIM, scope, value, Reason.MANUAL, 0, expires_ms)
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
