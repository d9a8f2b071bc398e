"""users.watch and users.stop: what is refused, what is stored, what is told at once."""

import json

import pytest

from penfold.base.limits import WATCH_DAYS
from penfold.domain.push.pubsub import GMAIL_PUBLISHER
from penfold.ports.pubsub import Subscription, Topic
from penfold.spec.problems import (
    INVALID_LABEL,
    INVALID_TOPIC_NAME,
    LABEL_ID_NOT_FOUND,
    ONE_WATCH_ONLY,
    TOPIC_FORBIDDEN,
    TOPIC_NOT_FOUND,
    ProblemError,
)
from penfold.spec.schemas import WatchRequest

#: The project of the world's credentials is number 1.
TOPIC = "projects/penfold-1/topics/mail"
OTHER = "projects/penfold-1/topics/other"
SUB = "projects/penfold-1/subscriptions/sub"


@pytest.fixture(autouse=True)
def topics(world):
    world.pubsub.add_topic(Topic(TOPIC))
    world.pubsub.add_topic(Topic(OTHER))
    world.pubsub.add_subscription(Subscription(SUB, TOPIC))


def watch(world, topic=TOPIC, **members):
    return world.api("users_watch", body=WatchRequest(topic_name=topic, **members))


def refused(world, topic=TOPIC, **members):
    with pytest.raises(ProblemError) as raised:
        watch(world, topic, **members)
    return raised.value


def told(world):
    now_ms = world.clock.now_ms()
    found = world.pubsub.lease(SUB, limit=99, until_ms=now_ms + 10_000, now_ms=now_ms)
    return [json.loads(each.message.data) for each in found]


def test_a_watch_answers_where_it_begins_and_when_it_ends_and_is_told_at_once(world):
    answer = watch(world)
    history_id = world.api("users_get_profile").history_id
    assert answer.history_id == history_id
    assert int(answer.expiration) == world.clock.now_ms() + WATCH_DAYS * 86_400_000
    assert told(world) == [{"emailAddress": "alice@penfold.test", "historyId": int(history_id)}]


def test_oddity_3_the_notification_is_compact_json_with_a_number(world):
    watch(world)
    [found] = world.pubsub.lease(SUB, limit=9, until_ms=0, now_ms=world.clock.now_ms())
    assert found.message.data.startswith(b'{"emailAddress":"alice@penfold.test","historyId":')
    assert found.message.data[-2:-1].isdigit()


@pytest.mark.parametrize(
    "topic",
    ["", "mail", "projects/penfold-2/topics/mail", "projects/2/topics/mail",
     "projects/penfold-1/topics/", "projects/penfold-1/topics/a", "projects/penfold-1/topics/mail/x",
     "projects/penfold-1/subscriptions/mail", " projects/penfold-1/topics/mail"],
)  # fmt: skip
def test_a_topic_must_be_one_of_the_callers_project(world, topic):
    error = refused(world, topic)
    assert error.problem is INVALID_TOPIC_NAME
    assert error.text == "Invalid topicName does not match projects/penfold-1/topics/*"
    assert world.pubsub.list_watches() == []


def test_the_project_may_be_named_by_its_number(world):
    watch(world, "projects/1/topics/mail")
    assert world.pubsub.list_watches()[0].topic == TOPIC


def test_oddity_27_a_topic_that_is_not_there_is_named_in_the_error(world):
    error = refused(world, "projects/penfold-1/topics/absent")
    assert error.problem is TOPIC_NOT_FOUND
    assert error.text == (
        "Error sending test message to Cloud PubSub projects/penfold-1/topics/absent : "
        "Resource not found (resource=absent)."
    )


@pytest.mark.parametrize(
    ("bindings", "allowed"),
    [
        (None, True),
        ((), False),
        ((("roles/pubsub.publisher", (GMAIL_PUBLISHER,)),), True),
        ((("roles/pubsub.publisher", ("allUsers",)),), True),
        ((("roles/pubsub.subscriber", (GMAIL_PUBLISHER,)),), False),
        ((("roles/pubsub.publisher", ("user:alice@penfold.test",)),), False),
    ],
)
def test_oddity_27_a_topic_with_a_policy_must_let_gmail_publish(world, bindings, allowed):
    world.pubsub.replace_topic(Topic(TOPIC, {}, bindings))
    if allowed:
        watch(world)
        return
    error = refused(world)
    assert error.problem is TOPIC_FORBIDDEN
    assert error.text.endswith("/topics/mail : User not authorized to perform this action.")


def test_unknown_labels_are_refused_in_gmails_words(world):
    assert refused(world, label_ids=["INBOX", "Receipts"]).problem is INVALID_LABEL
    assert refused(world, label_ids=["Label_4711"]).problem is LABEL_ID_NOT_FOUND


def test_oddity_26_a_second_topic_is_refused_until_the_watch_is_stopped_or_ends(world):
    watch(world)
    assert refused(world, OTHER).problem is ONE_WATCH_ONLY
    world.api("users_stop")
    watch(world, OTHER)
    world.clock.advance(days=WATCH_DAYS)
    watch(world)


def test_the_same_topic_again_is_a_renewal(world):
    first = watch(world, label_ids=["INBOX"])
    world.clock.advance(days=1)
    second = watch(world)
    assert int(second.expiration) - int(first.expiration) == 86_400_000
    [row] = world.pubsub.list_watches()
    assert row.labels == ()
    assert len(told(world)) == 2


def test_watches_of_accounts_are_apart(world):
    watch(world)
    world.api("users_watch", account=world.bob, body=WatchRequest(topic_name=OTHER))
    assert len(world.pubsub.list_watches()) == 2
    world.api("users_stop")
    assert [row.address for row in world.pubsub.list_watches()] == ["bob@penfold.test"]


def test_stop_is_the_same_twice_and_without_a_watch(world):
    world.api("users_stop")
    watch(world)
    world.api("users_stop")
    world.api("users_stop")
    assert world.pubsub.list_watches() == []


@pytest.mark.parametrize(
    ("members", "exclude"),
    [
        ({}, False),
        ({"label_filter_behavior": "exclude"}, True),
        ({"label_filter_action": "exclude"}, True),
        ({"label_filter_behavior": "include", "label_filter_action": "exclude"}, False),
    ],
)
def test_the_older_word_for_the_filter_counts_only_alone(world, members, exclude):
    watch(world, label_ids=["INBOX"], **members)
    assert world.pubsub.list_watches()[0].exclude is exclude


def test_a_refused_watch_leaves_the_one_that_is_there(world):
    watch(world)
    before = world.pubsub.list_watches()
    refused(world, OTHER)
    refused(world, label_ids=["nonsense"])
    assert world.pubsub.list_watches() == before
