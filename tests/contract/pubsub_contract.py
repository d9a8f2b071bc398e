"""What every PubsubBook must do, whatever it is made of."""

import pytest
from msgspec.structs import replace

from penfold.base.errors import BacklogFullError, ConflictError, NotFoundError
from penfold.ports.pubsub import (
    DELETED_TOPIC,
    Backoff,
    DeadLetters,
    NewMessage,
    PushTarget,
    Subscription,
    Telling,
    Topic,
    Watch,
)

NOW = 1_790_000_000_000
TOPIC = "projects/penfold-1/topics/mail"
OTHER = "projects/penfold-1/topics/other"
SUB = "projects/penfold-1/subscriptions/one"
SUB2 = "projects/penfold-1/subscriptions/two"
PUSH = PushTarget("https://push.example/x")


def watch(**changes):
    made = Watch(
        mailbox="m1",
        project="penfold-1",
        address="alice@penfold.test",
        topic=TOPIC,
        labels=(1, 2),
        exclude=True,
        seen=7,
        told_ms=NOW,
        expires_ms=NOW + 1000,
    )
    return replace(made, **changes)


class PubsubContract:
    """Subclasses give a fixture `make_book`, whose argument is how many octets may wait."""

    @pytest.fixture
    def book(self, make_book):
        book = make_book()
        book.add_topic(Topic(TOPIC))
        return book

    def add(self, book, name=SUB, **settings):
        subscription = Subscription(name, settings.pop("topic", TOPIC), **settings)
        book.add_subscription(subscription)
        return subscription

    def publish(self, book, *texts, topic=TOPIC, now_ms=NOW):
        return book.publish(topic, [NewMessage(text) for text in texts], now_ms=now_ms)

    def lease(self, book, name=SUB, *, now_ms=NOW, limit=100, for_ms=10_000):
        return book.lease(name, limit=limit, until_ms=now_ms + for_ms, now_ms=now_ms)

    def data(self, deliveries):
        return [delivery.message.data for delivery in deliveries]

    # --- topics and subscriptions

    def test_records_read_back_as_they_were(self, book):
        topic = Topic(OTHER, {"a": "b"}, (("roles/x", ("user:a", "user:b")),))
        book.add_topic(topic)
        assert book.find_topic(OTHER) == topic
        assert book.find_topic(TOPIC) == Topic(TOPIC)
        made = self.add(
            book,
            push=PushTarget("https://x.example/", "svc@x", "aud", {"x-goog-version": "v1"}),
            ack_s=20,
            retention_s=700,
            dead=DeadLetters(OTHER, 6),
            retry=Backoff(10, 20),
            labels={"k": "v"},
        )
        assert book.find_subscription(SUB) == made
        changed = replace(made, push=None, labels={})
        book.replace_subscription(changed)
        assert book.find_subscription(SUB) == changed
        book.replace_topic(Topic(OTHER, {}, ()))
        assert book.find_topic(OTHER).bindings == ()

    def test_a_name_is_taken_once(self, book):
        self.add(book)
        with pytest.raises(ConflictError):
            book.add_topic(Topic(TOPIC))
        with pytest.raises(ConflictError):
            self.add(book)

    @pytest.mark.parametrize(
        "call",
        [
            pytest.param(lambda b: b.delete_topic(OTHER), id="delete-topic"),
            pytest.param(lambda b: b.replace_topic(Topic(OTHER)), id="replace-topic"),
            pytest.param(lambda b: b.publish(OTHER, [NewMessage(b"x")], now_ms=NOW), id="publish"),
            pytest.param(lambda b: b.add_subscription(Subscription(SUB, OTHER)), id="subscribe"),
            pytest.param(lambda b: b.delete_subscription(SUB), id="delete-subscription"),
            pytest.param(lambda b: b.replace_subscription(Subscription(SUB, TOPIC)), id="replace"),
            pytest.param(lambda b: b.lease(SUB, limit=1, until_ms=2, now_ms=1), id="lease"),
            pytest.param(lambda b: b.settle(SUB, done=[1]), id="settle"),
            pytest.param(lambda b: b.put_watch(watch(topic=OTHER), b"{}", now_ms=NOW), id="watch"),
        ],
    )
    def test_what_is_not_there_is_not_found(self, book, call):
        with pytest.raises(NotFoundError):
            call(book)
        assert book.list_watches() == []

    def test_lists_are_by_name_and_page_by_the_last_one(self, book):
        book.add_topic(Topic(OTHER))
        book.add_topic(Topic("projects/penfold-2/topics/mail"))
        for name in (SUB2, SUB):
            self.add(book, name)
        self.add(book, "projects/penfold-1/subscriptions/three", topic=OTHER)

        def names(rows):
            return [row.name.rpartition("/")[2] for row in rows]

        assert names(book.list_topics("penfold-1", after="", limit=9)) == ["mail", "other"]
        assert names(book.list_topics("penfold-1", after=TOPIC, limit=9)) == ["other"]
        assert names(book.list_topics("penfold-1", after="", limit=1)) == ["mail"]
        found = book.list_subscriptions(project="penfold-1", after="", limit=9)
        assert names(found) == ["one", "three", "two"]
        assert names(book.list_subscriptions(topic=TOPIC, after=SUB, limit=9)) == ["two"]

    def test_a_deleted_topic_leaves_its_subscriptions_what_they_have(self, book):
        self.add(book)
        self.publish(book, b"x")
        book.delete_topic(TOPIC)
        assert book.find_subscription(SUB).topic == DELETED_TOPIC
        assert self.data(self.lease(book)) == [b"x"]
        book.add_topic(Topic(TOPIC))
        self.publish(book, b"y")
        assert self.lease(book) == []

    # --- messages

    def test_each_subscription_gets_each_message_of_its_time_once(self, book):
        self.publish(book, b"before")
        self.add(book)
        self.publish(book, b"one")
        self.add(book, SUB2)
        message = NewMessage(bytes(range(256)), {"k": "\u00e4"}, "key")
        [number] = book.publish(TOPIC, [message], now_ms=NOW + 5)
        assert self.data(self.lease(book, now_ms=NOW + 5)) == [b"one", message.data]
        [found] = self.lease(book, SUB2, now_ms=NOW + 5)
        assert (found.message, found.message_id) == (message, number)
        assert (found.attempt, found.published_ms) == (1, NOW + 5)
        assert self.lease(book, now_ms=NOW + 5) == []

    def test_ids_grow_whether_somebody_waits_or_not(self, book):
        ids = self.publish(book, b"a", b"b") + self.publish(book, b"c")
        self.add(book)
        ids += self.publish(book, b"d")
        assert ids == sorted(set(ids))

    def test_what_is_not_acknowledged_comes_again_in_order(self, book):
        self.add(book)
        first, second, third = self.publish(book, b"1", b"2", b"3")
        assert self.data(self.lease(book, limit=2)) == [b"1", b"2"]
        book.settle(SUB, done=[second, 999])
        assert self.data(self.lease(book)) == [b"3"]
        assert not book.has_due(SUB, now_ms=NOW + 9_999)
        again = self.lease(book, now_ms=NOW + 10_000)
        assert [(each.message_id, each.attempt) for each in again] == [(first, 2), (third, 2)]

    def test_a_delivery_is_given_back_or_kept_longer_by_its_last_attempt_only(self, book):
        self.add(book)
        [number] = self.publish(book, b"x")
        self.lease(book)
        book.settle(SUB, later={number: (1, NOW)})
        assert self.lease(book)[0].attempt == 2
        book.settle(SUB, later={number: (1, NOW)})
        assert self.lease(book) == []
        book.settle(SUB, later={number: (2, NOW + 60_000)})
        assert not book.has_due(SUB, now_ms=NOW + 59_999)
        assert book.has_due(SUB, now_ms=NOW + 60_000)

    def test_an_untried_delivery_loses_no_try(self, book):
        self.add(book)
        [number] = self.publish(book, b"x")
        self.lease(book)
        book.settle(SUB, untried={number: NOW + 5})
        assert self.lease(book) == []
        assert self.lease(book, now_ms=NOW + 5)[0].attempt == 1

    def test_a_lease_that_runs_out_waits_for_the_backoff_too(self, book):
        self.add(book, retry=Backoff(1_000, 3_000))
        self.publish(book, b"x")
        now_ms = NOW
        for wait_ms in (1_000, 2_000, 3_000, 3_000):
            assert len(self.lease(book, now_ms=now_ms)) == 1
            due_ms = now_ms + 10_000 + wait_ms
            assert not book.has_due(SUB, now_ms=due_ms - 1)
            now_ms = due_ms

    def test_what_had_all_its_tries_is_a_dead_letter(self, book):
        book.add_topic(Topic(OTHER))
        self.add(book, dead=DeadLetters(OTHER, 5))
        self.add(book, SUB2, topic=OTHER)
        message = NewMessage(b"x", {"k": "v"})
        book.publish(TOPIC, [message], now_ms=NOW)
        for attempt in range(1, 6):
            [found] = self.lease(book, for_ms=0)
            assert found.attempt == attempt
        assert self.lease(book, for_ms=0) == []
        [dead] = self.lease(book, SUB2)
        assert dead.message.data == b"x"
        assert dead.message.attributes == {
            "k": "v",
            "CloudPubSubDeadLetterSourceDeliveryCount": "5",
            "CloudPubSubDeadLetterSourceSubscription": "one",
            "CloudPubSubDeadLetterSourceSubscriptionProject": "penfold-1",
            "CloudPubSubDeadLetterSourceTopicPublishTime": "2026-09-21T14:13:20Z",
        }

    def test_dead_letters_move_on_even_if_nobody_asks(self, book):
        book.add_topic(Topic(OTHER))
        self.add(book, dead=DeadLetters(OTHER, 5))
        self.add(book, SUB2, topic=OTHER)
        self.publish(book, b"x")
        for _ in range(5):
            self.lease(book, for_ms=0)
        assert book.expire(now_ms=NOW, limit=10) == 1
        assert self.data(self.lease(book, SUB2)) == [b"x"]
        assert book.expire(now_ms=NOW, limit=10) == 0

    def test_without_its_dead_letter_topic_a_message_goes_on_coming(self, book):
        book.add_topic(Topic(OTHER))
        self.add(book, dead=DeadLetters(OTHER, 5))
        book.delete_topic(OTHER)
        self.publish(book, b"x")
        assert [self.lease(book, for_ms=0)[0].attempt for _ in range(7)] == list(range(1, 8))

    def test_messages_nobody_took_go_after_their_time(self, book):
        self.add(book, retention_s=600)
        self.add(book, SUB2, retention_s=601)
        self.publish(book, b"x", b"y", b"z")
        at_ms = NOW + 600_000
        assert book.expire(now_ms=at_ms - 1, limit=10) == 0
        assert [book.expire(now_ms=at_ms, limit=2) for _ in range(3)] == [2, 1, 0]
        assert self.lease(book, now_ms=at_ms) == []
        assert self.data(self.lease(book, SUB2, now_ms=at_ms)) == [b"x", b"y", b"z"]

    def test_only_push_targets_with_something_due_are_to_be_pushed(self, book):
        self.add(book)
        pushed = self.add(book, SUB2, push=PUSH)
        assert book.list_push_due(now_ms=NOW) == []
        self.publish(book, b"x")
        assert book.list_push_due(now_ms=NOW) == [SUB2]
        self.lease(book, SUB2, for_ms=200_000)
        assert book.list_push_due(now_ms=NOW + 100_000) == []
        book.release_pushes(now_ms=NOW + 100_000)
        assert book.list_push_due(now_ms=NOW + 100_000) == [SUB2]
        assert self.data(self.lease(book)) == [b"x"]
        book.replace_subscription(replace(pushed, push=None))
        assert book.list_push_due(now_ms=NOW + 100_000) == []

    def test_a_deleted_subscription_takes_what_waits_along(self, book):
        self.add(book)
        self.add(book, SUB2)
        self.publish(book, b"x")
        book.delete_subscription(SUB)
        self.add(book)
        assert self.lease(book) == []
        assert self.data(self.lease(book, SUB2)) == [b"x"]

    def test_when_too_much_waits_nothing_is_published(self, make_book):
        book = make_book(400_000)
        book.add_topic(Topic(TOPIC))
        self.add(book)
        book.put_watch(watch(), b"{}", now_ms=NOW)
        while True:
            try:
                self.publish(book, bytes(50_000))
            except BacklogFullError:
                break
        telling = Telling(watch(seen=9), b"{}")
        with pytest.raises(BacklogFullError):
            book.tell([telling], now_ms=NOW)
        assert book.find_watch("m1", "penfold-1").seen == 7
        book.delete_subscription(SUB)
        assert book.tell([telling], now_ms=NOW) == 1

    # --- watches

    def test_a_watch_is_stored_with_its_first_notification(self, book):
        self.add(book)
        mark = book.get_watch_mark()
        book.put_watch(watch(), b"first", now_ms=NOW)
        assert book.find_watch("m1", "penfold-1") == watch()
        assert book.list_watches() == [watch()]
        assert self.data(self.lease(book)) == [b"first"]
        assert book.get_watch_mark() != mark

    def test_telling_publishes_and_notes_how_far_it_came(self, book):
        self.add(book)
        book.put_watch(watch(), b"first", now_ms=NOW)
        mark = book.get_watch_mark()
        told = watch(seen=9, told_ms=NOW + 1)
        assert book.tell([Telling(told, b"second")], now_ms=NOW + 1) == 1
        assert book.find_watch("m1", "penfold-1") == told
        passed = replace(told, seen=11)
        assert book.tell([Telling(passed, None)], now_ms=NOW + 2) == 0
        assert book.find_watch("m1", "penfold-1").seen == 11
        assert self.data(self.lease(book, now_ms=NOW + 2)) == [b"first", b"second"]
        assert book.get_watch_mark() == mark

    def test_a_watch_that_ended_or_was_renewed_meanwhile_is_told_nothing(self, book):
        self.add(book)
        book.put_watch(watch(), b"first", now_ms=NOW)
        renewed = watch(expires_ms=NOW + 2000)
        book.put_watch(renewed, b"again", now_ms=NOW)
        assert book.tell([Telling(watch(seen=9), b"old")], now_ms=NOW) == 0
        assert book.find_watch("m1", "penfold-1") == renewed
        assert book.delete_watch("m1", "penfold-1")
        assert not book.delete_watch("m1", "penfold-1")
        assert book.tell([Telling(renewed, b"old")], now_ms=NOW) == 0
        assert self.data(self.lease(book)) == [b"first", b"again"]

    def test_a_watch_whose_topic_is_gone_goes_on_in_silence(self, book):
        book.put_watch(watch(), b"first", now_ms=NOW)
        book.delete_topic(TOPIC)
        assert book.tell([Telling(watch(seen=9), b"x")], now_ms=NOW) == 0
        assert book.find_watch("m1", "penfold-1").seen == 9

    def test_a_watch_ends_by_itself(self, book):
        book.put_watch(watch(), b"first", now_ms=NOW)
        mark = book.get_watch_mark()
        assert book.expire(now_ms=NOW + 999, limit=10) == 0
        assert book.expire(now_ms=NOW + 1000, limit=10) == 1
        assert book.find_watch("m1", "penfold-1") is None
        assert book.get_watch_mark() != mark
