"""Emails that are due: who gets them, who does not, and that nobody gets one twice."""

import itertools
from contextlib import closing

import apsw
import pytest
from msgspec.structs import replace
from tests.unit.domain.sending.shop import BOB, KIM, NOBODY, Shop
from tests.unit.fragile import Crash, Fragile, Step

from penfold.base.errors import MailboxDamagedError
from penfold.base.limits import SENDING_AGAIN_MS, SENDING_LIFE_MS
from penfold.domain.sending.content import Content
from penfold.domain.sending.rendering import NotRenderedError
from penfold.ports.queue import SENDING, QueueState
from penfold.ports.sending.emails import EmailState
from penfold.ports.sending.suppressions import Reason, Scope, Suppression
from penfold.store.sqlite.sending.book import SqliteSending

DAY_MS = 86_400_000


def test_who_is_here_has_it_and_who_is_elsewhere_has_a_row():
    shop = Shop()
    number = shop.accept(KIM, BOB, NOBODY)
    assert shop.hand_over() == 1
    [row] = shop.queue.list_rows()
    assert (row.origin, row.number, row.recipient, row.state) == (
        SENDING, number, KIM, QueueState.QUEUED,
    )  # fmt: skip
    assert (row.sender, row.message_id, row.subject) == (
        "alice@penfold.test", f"e{number}@penfold.test", f"bill {number}",
    )  # fmt: skip
    assert shop.count_mail(shop.world.bob) == 1
    assert shop.events(recipient=KIM) == ["sent"]
    assert shop.events(recipient=BOB) == ["sent", "delivered"]
    assert shop.events(recipient=NOBODY) == ["sent", "bounced"]
    assert shop.suppressed() == [(NOBODY, "account", "", "bounce")]
    assert shop.state(number) is EmailState.HANDED
    people = shop.book.read(lambda b: b.list_recipients(number))
    assert [one.queue_row for one in people] == [row.id, 0, 0]


def test_in_local_mode_what_is_for_elsewhere_is_captured_and_counts_as_delivered():
    shop = Shop(captures=True)
    shop.accept(KIM)
    shop.hand_over()
    assert shop.queue.list_rows()[0].state is QueueState.CAPTURED
    assert shop.events() == ["sent", "delivered"]
    assert shop.event("delivered") == {"captured": True}


def test_what_is_scheduled_waits_for_its_time():
    shop = Shop()
    shop.accept(KIM, scheduled_ms=shop.clock.now_ms() + DAY_MS)
    assert shop.take() == []
    shop.clock.advance(ms=DAY_MS)
    assert shop.hand_over() == 1


def test_what_is_too_late_is_given_up_and_goes_nowhere():
    shop = Shop()
    number = shop.accept(KIM, BOB, expires_ms=shop.clock.now_ms() + 1_000)
    shop.clock.advance(ms=1_000)
    shop.hand_over()
    assert shop.events() == ["expired", "expired"]
    assert shop.state(number) is EmailState.EXPIRED
    assert (shop.queue.list_rows(), shop.count_mail(shop.world.bob)) == ([], 0)


def test_what_became_too_late_half_way_is_expired_only_where_it_is_not_yet():
    shop = Shop()
    expires_ms = shop.clock.now_ms() + 1_000
    shop.accept(KIM, BOB, "alice@penfold.test", expires_ms=expires_ms)
    step = Step(2, after=False)  # the second mailbox
    broken = shop.make_handing(mailboxes=Fragile(shop.world.mailboxes, step, {"change"}))
    with pytest.raises(Crash):
        shop.hand_over(broken)
    shop.clock.advance(ms=1_000)
    shop.release()
    shop.hand_over()
    assert sorted((shop.events(recipient=BOB)[-1], shop.events(recipient="alice@penfold.test")[-1])) == [
        "delivered", "expired",
    ]  # fmt: skip
    [row] = shop.queue.list_rows()
    assert row.options.until_ms == expires_ms


def test_who_was_suppressed_since_gets_nothing():
    shop = Shop()
    number = shop.accept(KIM, BOB)
    one = Suppression("s", "a", KIM, Scope.ACCOUNT, "", Reason.MANUAL, shop.clock.now_ms())
    shop.book.change(lambda writer: writer.put_suppression(one))
    shop.hand_over()
    assert shop.events(recipient=KIM) == ["suppressed"]
    assert shop.events(recipient=BOB) == ["sent", "delivered"]
    assert (shop.queue.list_rows(), shop.state(number)) == ([], EmailState.HANDED)


def test_what_makes_no_message_fails_and_holds_up_no_other():
    shop = Shop()
    bad = shop.accept(KIM, content=Content(text="a", headers={"X-A": "a\r\nBcc: x@x.example"}))
    good = shop.accept(KIM)
    assert shop.hand_over() == 2
    assert (shop.events(bad), shop.events(good)) == (["failed"], ["sent"])
    assert shop.state(bad) is EmailState.FAILED


def test_content_that_does_not_unpack_fails_and_holds_up_no_other(tmp_path):
    path = tmp_path / "sending.db"
    with (
        closing(SqliteSending(path, create=True)) as book,
        closing(apsw.Connection(str(path))) as db,
    ):
        shop = Shop(book=book)
        bad, good = shop.accept(KIM), shop.accept(KIM)
        db.execute("UPDATE body SET octets = zeroblob(9) WHERE email = ?", (bad,))
        assert shop.hand_over() == 2
        assert (shop.events(bad), shop.events(good)) == (["failed"], ["sent"])
        assert shop.event("failed") == {"response": "its content is gone"}
        assert shop.state(bad) is EmailState.FAILED


def test_templates_are_rendered_together_and_what_cannot_be_fails():
    asked = []

    def render(wanted):
        asked.append(len(wanted))
        return [
            NotRenderedError("line 1: no `name`") if content.variables == {} else
            Content(text=f"Hello {content.variables['name']}", template_id="t")
            for _, content in wanted
        ]  # fmt: skip

    shop = Shop(render=render)
    good = shop.accept(KIM, content=Content(template_id="t", variables={"name": "Kim"}))
    bad = shop.accept(KIM, content=Content(template_id="t"))
    shop.accept(KIM)
    shop.hand_over()
    assert asked == [2]
    assert shop.event("failed") == {"response": "line 1: no `name`"}
    assert shop.events(bad) == ["failed"]
    row = next(row for row in shop.queue.list_rows() if row.number == good)
    assert b"Hello Kim" in shop.queue.get_raw(row.id)


def test_a_mailbox_that_takes_nothing_now_is_tried_again_and_no_other_waits_for_it():
    shop = Shop()
    number = shop.accept(KIM, BOB)
    shop.world.mailboxes.damaged.add(shop.world.bob.id)
    shop.hand_over()
    assert (shop.events(), shop.state(number)) == (["sent"], EmailState.QUEUED)
    shop.world.mailboxes.damaged.clear()
    shop.clock.advance(ms=SENDING_AGAIN_MS)
    shop.hand_over()
    assert shop.events(recipient=BOB) == ["sent", "delivered"]
    assert shop.events(recipient=KIM) == ["sent"]
    assert len(shop.queue.list_rows()) == 1


def test_a_mailbox_that_takes_nothing_for_days_is_given_up():
    shop = Shop()
    shop.accept(BOB)
    shop.world.mailboxes.damaged.add(shop.world.bob.id)
    shop.clock.advance(ms=SENDING_LIFE_MS)
    shop.hand_over()
    assert shop.events() == ["expired"]


def test_mail_of_a_test_key_touches_neither_queue_nor_mailbox_and_suppresses_nobody():
    shop = Shop()
    shop.accept("bounced@simulator.test", BOB, test=True)
    shop.hand_over()
    assert shop.events(recipient=BOB) == ["sent", "delivered"]
    assert shop.events(recipient="bounced@simulator.test") == ["sent", "bounced"]
    assert (shop.queue.list_rows(), shop.count_mail(shop.world.bob)) == ([], 0)
    assert shop.suppressed() == []


def test_whoever_lost_the_lease_changes_nothing():
    shop = Shop()
    number = shop.accept(BOB)
    [lost] = shop.take()
    shop.release()
    shop.hand_over()
    assert shop.handing.hand_over([replace(lost)]) == 0
    assert shop.events(number) == ["sent", "delivered"]
    assert shop.count_mail(shop.world.bob) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_every_step_and_a_repeat_give_everybody_exactly_one(after):
    for last in itertools.count(1):
        shop = Shop()
        numbers = [shop.accept(KIM, BOB), shop.accept(f"lee{last}@x.example", NOBODY)]
        step = Step(last, after=after)
        fragile = shop.make_handing(
            book=Fragile(shop.book, step, {"change"}),
            queue=Fragile(shop.queue, step, {"add"}),
            mailboxes=Fragile(shop.world.mailboxes, step, {"change"}),
        )
        crashed = False
        try:
            shop.hand_over(fragile)
        except Crash:
            crashed = True
            shop.release()
            shop.hand_over()
        assert [row.recipient for row in shop.queue.list_rows()][::-1] == [
            KIM,
            f"lee{last}@x.example",
        ]
        assert shop.count_mail(shop.world.bob) == 1
        assert [shop.events(number) for number in numbers] == [
            ["sent", "delivered", "sent"], ["sent", "bounced", "sent"],
        ]  # fmt: skip
        if not crashed:
            assert last == 4
            return


def test_a_damaged_error_is_what_the_twin_raises():
    shop = Shop()
    shop.world.mailboxes.damaged.add(shop.world.bob.id)
    with pytest.raises(MailboxDamagedError):
        shop.world.mailboxes.change(shop.world.bob.id, lambda _: None)
