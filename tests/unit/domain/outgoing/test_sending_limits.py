"""How much an account may send in a day, by the API and by SMTP."""

import pytest
from tests.unit.world import World, mail

from penfold.domain.outgoing.sending_limits import SendingLimits
from penfold.front.smtp.refusals import find_refusal
from penfold.spec.problems import SENDING_LIMIT_RETRY_AFTER, ProblemError
from penfold.spec.schemas import Draft, Message


@pytest.fixture
def world():
    world = World(limits=SendingLimits(messages=2, recipients=4))
    yield world
    world.close()


def send(world, to="a@x.example"):
    return world.api("messages_send", body=Message(raw=mail(to=to, sender="alice@penfold.test")))


def refusal(call, *args):
    with pytest.raises(ProblemError) as caught:
        call(*args)
    assert caught.value.problem is SENDING_LIMIT_RETRY_AFTER
    return caught.value


def test_the_message_after_the_last_waits_until_the_first_is_a_day_old(world):
    send(world)
    world.clock.advance(s=60)
    send(world)
    text = refusal(send, world).text
    # FixedClock starts at 2026-09-21T14:13:20Z.
    assert text == "User-rate limit exceeded.  Retry after 2026-09-22T14:13:20.000Z (Mail sending)"
    world.clock.advance(days=1, s=-60)
    send(world)


def test_what_is_refused_is_not_stored_and_not_counted(world):
    refusal(send, world, ", ".join(f"p{n}@x.example" for n in range(5)))
    assert world.list_ids() == []
    send(world)
    send(world)
    assert len(world.list_ids()) == 2


def test_recipients_are_counted_each(world):
    send(world, "a@x.example, b@x.example, c@x.example")
    refusal(send, world, "a@x.example, b@x.example")
    send(world, "a@x.example")


def test_many_recipients_wait_until_enough_of_them_are_a_day_old(world):
    send(world)
    world.clock.advance(s=60)
    send(world, "a@x.example, b@x.example, c@x.example")
    three = "d@x.example, e@x.example, f@x.example"
    # The message of the first minute makes room for one recipient; that of the second, for three.
    assert "Retry after 2026-09-22T14:14:20.000Z (Mail" in refusal(send, world, three).text
    world.clock.advance(days=1, s=-1)
    refusal(send, world, three)
    world.clock.advance(s=1)
    send(world, three)


def test_what_no_day_has_room_for_is_told_a_day(world):
    send(world)
    world.clock.advance(s=60)
    five = ", ".join(f"p{n}@x.example" for n in range(5))
    assert "Retry after 2026-09-22T14:14:20.000Z (Mail" in refusal(send, world, five).text


def test_drafts_and_smtp_draw_on_the_same_day(world):
    body = Draft(message=Message(raw=mail(to="a@x.example")))
    draft = world.api("drafts_create", body=body)
    world.api("drafts_send", body=Draft(id=draft.id))
    world.submit(mail(to="a@x.example", message_id="1@x"), "a@x.example")
    error = refusal(world.submit, mail(to="a@x.example"), "a@x.example")
    assert find_refusal(error).wire == b"550 5.4.5 Daily user sending limit exceeded\r\n"
    refusal(send, world)


def test_mail_offered_again_is_counted_once(world):
    for _ in range(3):
        world.submit(mail(to="a@x.example", message_id="1@x"), "a@x.example")
    send(world)


def test_another_account_has_a_day_of_its_own(world):
    send(world)
    send(world)
    world.api("messages_send", account=world.bob, body=Message(raw=mail(to="a@x.example")))
