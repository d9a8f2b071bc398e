"""Answers given again while the mailbox has not changed."""

import pytest

from penfold.base.limits import KEPT_ANSWER_MAX_BYTES, KEPT_ANSWERS_MAX
from penfold.front.http.kept import KeptAnswers
from penfold.spec.schemas import ListMessagesResponse, Message, MessagePart, MessagePartBody

MESSAGES = "/gmail/v1/users/me/messages"


def counting(answer):
    """A handler that tells how often it ran."""
    calls = []

    def handler(call, box):
        calls.append(call)
        return answer(len(calls))

    return handler, calls


@pytest.fixture
def listing(make_world):
    handler, calls = counting(lambda count: ListMessagesResponse(result_size_estimate=count))
    world = make_world({"gmail.users.messages.list": handler})
    world.boxes.version = 1
    return world, calls


def test_same_question_of_an_unchanged_mailbox_is_not_asked_again(listing):
    world, calls = listing
    first = world.get(MESSAGES)
    assert world.get(MESSAGES).body == first.body
    assert len(calls) == 1


def test_changed_mailbox_is_asked_again(listing):
    world, _ = listing
    world.get(MESSAGES)
    world.boxes.version = 2
    assert world.get(MESSAGES).json == {"resultSizeEstimate": 2}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("?maxResults=7", id="parameter"),
        pytest.param("?fields=nextPageToken", id="mask"),
        pytest.param("?prettyPrint=false", id="form"),
    ],
)
def test_question_that_differs_in_anything_is_another(listing, other):
    world, calls = listing
    world.get(MESSAGES)
    world.get(MESSAGES + other)
    assert len(calls) == 2


def test_search_is_always_asked_because_it_may_speak_of_today(listing):
    world, calls = listing
    for _ in range(2):
        world.get(f"{MESSAGES}?q=newer_than:1d")
    assert len(calls) == 2


def test_checks_come_before_what_is_kept(listing):
    world, _ = listing
    world.get(MESSAGES)
    assert world.get(MESSAGES, token=None).status == 401
    assert world.get("/gmail/v1/users/bob@penfold.test/messages").status == 403


def test_answer_with_attachment_ids_is_made_anew(make_world):
    part = MessagePart(body=MessagePartBody(attachment_id="ANGjdJ", size=1))
    handler, calls = counting(lambda count: Message(id=str(count), payload=part))
    world = make_world({"gmail.users.messages.get": handler})
    world.boxes.version = 1
    for _ in range(2):
        world.get(f"{MESSAGES}/1")
    assert len(calls) == 2


def test_number_and_size_are_bounded():
    kept = KeptAnswers()
    kept.keep("large", 1, b"x" * (KEPT_ANSWER_MAX_BYTES + 1))
    assert kept.find("large", 1) is None
    for number in range(KEPT_ANSWERS_MAX):
        kept.keep(number, 1, b"x")
    assert kept.find(0, 1) == b"x"  # asked for last, so the next one goes first
    kept.keep("more", 1, b"x")
    assert kept.find(0, 1) == b"x"
    assert kept.find(1, 1) is None
