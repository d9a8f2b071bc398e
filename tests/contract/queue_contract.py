"""What every Queue must do, whatever it is made of."""

import pytest

from penfold.base.errors import ConflictError, NotFoundError
from penfold.base.limits import EXPIRE_ROWS_BYTES
from penfold.base.priority import PRIORITIES, Priority
from penfold.ports.queue import (
    SENDING,
    Attempt,
    Destination,
    Facts,
    NewQueueRow,
    QueueState,
    Settlement,
    Told,
    Tried,
    Untried,
)
from penfold.proto.smtp.parameters import NO_OPTIONS, NO_REQUEST, MailOptions, ReportRequest

NOW = 1_790_000_000_000
RAW = b"Subject: hello\r\n\r\nbody\r\n"


def letter(
    recipient="kim@elsewhere.example",
    *,
    sender="alice@penfold.test",
    origin="m1",
    number=1,
    raw=RAW,
    created_ms=NOW,
    **wishes,
):
    return NewQueueRow(
        origin=origin,
        number=number,
        sender=sender,
        recipient=recipient,
        subject="hello",
        raw=raw,
        created_ms=created_ms,
        **wishes,
    )


LEASE_MS = 1_000
ATTEMPT = Attempt(
    at_ms=NOW,
    outcome="250 ok",
    transcript="",
    kind="accepted",
    facts=Facts(
        dns=("MX elsewhere.example: 10 mx.elsewhere.example",),
        tried=(
            Tried("mx.elsewhere.example", "192.0.2.1", 25, "opportunistic", "no-policy-found",
                  "dot", "accepted", "reply", 250, "2.0.0", "ok", "TLSv1.3", ms=12),
        ),
        rule="code.2xx",
    ),
)  # fmt: skip


def settle(queue, lease, state, *, next_attempt_ms=0):
    [counted] = queue.settle([Settlement(lease, ATTEMPT, state, next_attempt_ms)])
    return counted


def take(queue, now_ms, *, limit=10, **more):
    return queue.take(now_ms=now_ms, lease_ms=LEASE_MS, limit=limit, **more)


def to(leases):
    return [each.row.recipient for each in leases]


class QueueContract:
    """Subclasses give a fixture `queue`, empty."""

    def test_added_rows_read_back_as_they_were(self, queue):
        [row_id] = queue.add([letter()], state=QueueState.CAPTURED)
        row = queue.get_row(row_id)
        assert (row.id, row.origin, row.number) == (row_id, "m1", 1)
        assert (row.sender, row.recipient) == ("alice@penfold.test", "kim@elsewhere.example")
        assert (row.state, row.size, row.subject) == (QueueState.CAPTURED, len(RAW), "hello")
        assert (row.created_ms, row.next_attempt_ms) == (NOW, NOW)
        assert queue.get_raw(row_id) == RAW

    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param(b"", id="empty"),
            pytest.param(bytes(range(256)) * 40, id="every-octet"),
            pytest.param(b"x" * 3_000_000, id="three-megabytes"),
        ],
    )
    def test_octets_are_kept_exactly(self, queue, raw):
        [row_id] = queue.add([letter(raw=raw)], state=QueueState.QUEUED)
        assert queue.get_raw(row_id) == raw

    def test_each_recipient_is_a_row_of_its_own(self, queue):
        ids = queue.add([letter("a@x.example"), letter("b@x.example")], state=QueueState.QUEUED)
        assert len(set(ids)) == 2
        assert [queue.get_row(row_id).recipient for row_id in ids] == ["a@x.example", "b@x.example"]
        assert {queue.get_raw(row_id) for row_id in ids} == {RAW}

    def test_adding_a_known_row_again_gives_its_first_id_and_changes_nothing(self, queue):
        [first] = queue.add([letter()], state=QueueState.QUEUED)
        queue.cancel(first)
        [again, new] = queue.add(
            [letter(raw=b"other"), letter("b@x.example", raw=b"other")], state=QueueState.QUEUED
        )
        assert again == first != new
        assert queue.get_row(first).state is QueueState.CANCELLED
        assert queue.get_raw(new) == RAW

    def test_the_same_number_of_another_mailbox_is_another_letter(self, queue):
        ids = queue.add([letter(), letter(origin="m2", raw=b"second")], state=QueueState.QUEUED)
        assert [queue.get_raw(row_id) for row_id in ids] == [RAW, b"second"]

    def test_adding_nothing_adds_nothing(self, queue):
        assert queue.add([], state=QueueState.QUEUED) == []
        assert queue.list_rows() == []

    def test_ids_grow(self, queue):
        ids = [queue.add([letter(number=n)], state=QueueState.QUEUED)[0] for n in range(1, 5)]
        assert ids == sorted(set(ids))

    def test_what_a_mailbox_sent_is_listed_by_message_with_all_its_rows(self, queue):
        for number in range(1, 4):
            letters = [letter(who, number=number) for who in ("a@x.example", "b@x.example")]
            queue.add([*letters, letter(origin="m2", number=number)], state=QueueState.QUEUED)
        queue.add([letter("c@x.example", number=2)], state=QueueState.CAPTURED)
        first = queue.list_by_origin("m1", limit=2)
        assert [(row.number, row.recipient[0]) for row in first] == [
            (3, "a"), (3, "b"), (2, "a"), (2, "b"), (2, "c"),
        ]  # fmt: skip
        second = queue.list_by_origin("m1", limit=2, before=2)
        assert [(row.number, row.recipient[0]) for row in second] == [(1, "a"), (1, "b")]
        assert {row.origin for row in (*first, *second)} == {"m1"}
        assert queue.list_by_origin("m1", limit=2, before=1) == []

    def test_what_was_done_before_a_time_goes_with_its_attempts_and_octets(self, queue):
        done = queue.add([letter("a@x.example"), letter("b@x.example")], state=QueueState.CAPTURED)
        [later] = queue.add([letter(number=2, created_ms=NOW + 1)], state=QueueState.CAPTURED)
        [sent] = queue.add([letter(number=3)], state=QueueState.QUEUED)
        queue.add_attempt(sent, ATTEMPT, state=QueueState.SENT)
        assert queue.expire(before_ms=NOW, limit=9) == 0
        assert [queue.expire(before_ms=NOW + 1, limit=2) for _ in range(3)] == [2, 1, 0]
        assert [row.id for row in queue.list_rows()] == [later]
        assert queue.list_attempts(sent) == []
        with pytest.raises(NotFoundError):
            queue.get_raw(done[0])
        assert queue.add([letter("a@x.example", raw=b"new")], state=QueueState.QUEUED) > [later]
        assert queue.get_raw(queue.list_rows()[0].id) == b"new"

    def test_a_letter_stays_while_one_of_its_rows_does(self, queue):
        ids = queue.add([letter("a@x.example"), letter("b@x.example")], state=QueueState.QUEUED)
        queue.cancel(ids[0])
        assert queue.expire(before_ms=NOW + 1, limit=9) == 1
        assert [row.id for row in queue.list_rows()] == ids[1:]
        assert queue.get_raw(ids[1]) == RAW

    def test_a_row_that_waits_stays_and_so_does_what_its_sender_is_still_to_be_told(self, queue):
        wishes = ReportRequest(("SUCCESS",))
        rows = [letter(number=number) for number in range(3)]
        waits, failed, sent = queue.add([*rows[:2], letter(number=2, report=wishes)], state=QueueState.QUEUED)  # fmt: skip
        queue.add_attempt(failed, ATTEMPT, state=QueueState.FAILED)
        queue.add_attempt(sent, ATTEMPT, state=QueueState.SENT)
        assert queue.expire(before_ms=NOW + 1, limit=9) == 0
        queue.mark_told(failed, Told.OUTCOME)
        queue.mark_told(sent, Told.OUTCOME)
        assert queue.expire(before_ms=NOW + 1, limit=9) == 2
        assert [row.id for row in queue.list_rows()] == [waits]

    def test_what_is_cancelled_while_it_is_tried_stays_until_that_ended(self, queue):
        [row] = queue.add([letter()], state=QueueState.QUEUED)
        [lease] = take(queue, NOW)
        queue.cancel(row)
        assert queue.expire(before_ms=NOW + 1, limit=9) == 0
        assert settle(queue, lease, QueueState.SENT)
        assert queue.expire(before_ms=NOW, limit=9) == 0, "the attempt was at that time"
        assert queue.expire(before_ms=NOW + 1, limit=9) == 1

    def test_a_note_makes_a_row_as_young_as_itself(self, queue):
        [row] = queue.add([letter()], state=QueueState.QUEUED)
        queue.add_attempt(row, ATTEMPT, state=QueueState.SENT)
        queue.add_attempt(row, Attempt(NOW + 5, "bounced", ""), state=QueueState.SENT)
        assert queue.expire(before_ms=NOW + 5, limit=9) == 0
        assert queue.expire(before_ms=NOW + 6, limit=9) == 1

    def test_large_messages_expire_a_few_at_a_time(self, queue):
        raw = b"x" * (EXPIRE_ROWS_BYTES // 2)
        queue.add([letter(number=number, raw=raw) for number in range(5)], state=QueueState.CAPTURED)  # fmt: skip
        steps = [queue.expire(before_ms=NOW + 1, limit=9) for _ in range(6)]
        assert sum(steps) == 5
        assert steps[-1] == 0

    def test_listing_is_newest_first_and_pages_by_the_last_id_seen(self, queue):
        ids = [queue.add([letter(number=n)], state=QueueState.QUEUED)[0] for n in range(1, 6)]
        first = queue.list_rows(limit=2)
        second = queue.list_rows(limit=2, before=first[-1].id)
        third = queue.list_rows(limit=2, before=second[-1].id)
        assert [row.id for row in (*first, *second, *third)] == ids[::-1]

    def test_listing_by_state_shows_only_that_state(self, queue):
        [captured] = queue.add([letter(number=1)], state=QueueState.CAPTURED)
        [queued] = queue.add([letter(number=2)], state=QueueState.QUEUED)
        assert [row.id for row in queue.list_rows(state=QueueState.CAPTURED)] == [captured]
        assert [row.id for row in queue.list_rows(state=QueueState.QUEUED)] == [queued]
        assert queue.list_rows(state=QueueState.SENT) == []

    def test_counts_name_every_state(self, queue):
        queue.add([letter("a@x.example"), letter("b@x.example")], state=QueueState.CAPTURED)
        counts = queue.count_by_state()
        assert counts == dict.fromkeys(QueueState, 0) | {QueueState.CAPTURED: 2}

    def test_the_oldest_of_a_state_is_the_one_that_was_added_first(self, queue):
        assert queue.find_oldest(QueueState.QUEUED) is None
        queue.add([letter(number=1)], state=QueueState.CAPTURED)
        first, _ = (queue.add([letter(number=n)], state=QueueState.QUEUED)[0] for n in (2, 3))
        assert queue.find_oldest(QueueState.QUEUED).id == first
        queue.cancel(first)
        assert queue.find_oldest(QueueState.QUEUED).id > first

    def test_attempts_are_kept_in_order_with_their_conversation(self, queue):
        [row_id] = queue.add([letter()], state=QueueState.QUEUED)
        tries = [
            Attempt(at_ms=NOW + n, outcome=f"try {n}", transcript=f"S: 220 {n}\nC: é\n")
            for n in range(3)
        ]
        queue.add_attempt(row_id, tries[0], state=QueueState.QUEUED)
        queue.add_attempt(row_id, tries[1], state=QueueState.QUEUED)
        queue.add_attempt(row_id, tries[2], state=QueueState.SENT)
        assert queue.list_attempts(row_id) == tries
        assert queue.get_row(row_id).state is QueueState.SENT

    def test_a_failed_row_is_due_again_after_retry(self, queue):
        [row_id] = queue.add([letter()], state=QueueState.QUEUED)
        attempt = Attempt(at_ms=NOW, outcome="550", transcript="")
        queue.add_attempt(row_id, attempt, state=QueueState.FAILED)
        queue.retry(row_id, now_ms=NOW + 5)
        row = queue.get_row(row_id)
        assert (row.state, row.next_attempt_ms) == (QueueState.QUEUED, NOW + 5)

    def test_a_row_that_is_being_tried_is_not_tried_beside_that(self, queue):
        queue.add([letter()], state=QueueState.QUEUED)
        [lease] = take(queue, NOW)
        with pytest.raises(ConflictError, match="being tried"):
            queue.retry(lease.row.id, now_ms=NOW)
        assert take(queue, NOW) == []
        settle(queue, lease, QueueState.QUEUED, next_attempt_ms=NOW + 500)
        queue.retry(lease.row.id, now_ms=NOW + 1)
        assert len(take(queue, NOW + 1)) == 1

    @pytest.mark.parametrize(
        "state",
        [QueueState.CAPTURED, QueueState.SENT, QueueState.CANCELLED],
        ids=lambda state: state.value,
    )
    def test_a_finished_row_is_neither_retried_nor_cancelled(self, queue, state):
        [row_id] = queue.add([letter()], state=state)
        with pytest.raises(ConflictError):
            queue.retry(row_id, now_ms=NOW)
        with pytest.raises(ConflictError):
            queue.cancel(row_id)
        assert queue.get_row(row_id).state is state

    def test_a_waiting_row_can_be_cancelled_once(self, queue):
        [row_id] = queue.add([letter()], state=QueueState.QUEUED)
        queue.cancel(row_id)
        assert queue.get_row(row_id).state is QueueState.CANCELLED
        with pytest.raises(ConflictError):
            queue.cancel(row_id)

    @pytest.mark.parametrize(
        "call",
        [
            pytest.param(lambda queue: queue.get_row(99), id="get_row"),
            pytest.param(lambda queue: queue.get_raw(99), id="get_raw"),
            pytest.param(lambda queue: queue.retry(99, now_ms=NOW), id="retry"),
            pytest.param(lambda queue: queue.cancel(99), id="cancel"),
            pytest.param(
                lambda queue: queue.add_attempt(
                    99, Attempt(at_ms=NOW, outcome="", transcript=""), state=QueueState.SENT
                ),
                id="add_attempt",
            ),
        ],
    )
    def test_an_unknown_row_is_not_found(self, queue, call):
        with pytest.raises(NotFoundError):
            call(queue)

    def test_an_unknown_row_has_no_attempts(self, queue):
        assert queue.list_attempts(99) == []

    # --- to deliver

    def test_a_row_is_taken_when_it_is_due_and_not_twice(self, queue):
        [row_id] = queue.add([letter()], state=QueueState.QUEUED)
        assert take(queue, NOW - 1) == []
        [lease] = take(queue, NOW)
        assert (lease.row.id, lease.row.recipient, lease.tries) == (
            row_id, "kim@elsewhere.example", 1,
        )  # fmt: skip
        assert take(queue, NOW) == []

    def test_a_lease_that_nobody_settles_ends_and_the_late_one_changes_nothing(self, queue):
        queue.add([letter()], state=QueueState.QUEUED)
        [first] = take(queue, NOW)
        [second] = take(queue, NOW + LEASE_MS)
        assert (second.row.id, second.tries) == (first.row.id, 2)
        assert not settle(queue, first, QueueState.SENT)
        assert queue.get_row(first.row.id).state is QueueState.QUEUED
        assert queue.list_attempts(first.row.id) == []
        assert settle(queue, second, QueueState.SENT)
        assert queue.get_row(first.row.id).state is QueueState.SENT
        assert queue.list_attempts(first.row.id) == [ATTEMPT]

    def test_a_lease_that_is_renewed_goes_on_and_one_that_ended_does_not(self, queue):
        queue.add([letter(number=n) for n in range(3)], state=QueueState.QUEUED)
        first, sent, put_off = take(queue, NOW)
        settle(queue, sent, QueueState.SENT)
        settle(queue, put_off, QueueState.QUEUED, next_attempt_ms=NOW + 500)
        queue.renew([first, sent, put_off], until_ms=NOW + 9 * LEASE_MS)
        assert queue.get_row(sent.row.id).state is QueueState.SENT
        [again] = take(queue, NOW + LEASE_MS)
        assert again.row.id == put_off.row.id
        queue.renew([put_off], until_ms=NOW)  # which is somebody else's by now
        assert queue.find_next_due() == NOW + 2 * LEASE_MS
        assert settle(queue, again, QueueState.SENT)
        assert queue.find_next_due() == NOW + 9 * LEASE_MS
        assert settle(queue, first, QueueState.SENT)

    def test_a_row_that_is_put_off_is_due_again_then(self, queue):
        queue.add([letter()], state=QueueState.QUEUED)
        [lease] = take(queue, NOW)
        settle(queue, lease, QueueState.QUEUED, next_attempt_ms=NOW + 500)
        assert queue.find_next_due() == NOW + 500
        assert take(queue, NOW + 499) == []
        assert [each.tries for each in take(queue, NOW + 500)] == [2]

    def test_several_leases_are_settled_at_once_each_by_itself(self, queue):
        queue.add([letter(number=n) for n in range(3)], state=QueueState.QUEUED)
        first, second, third = take(queue, NOW)
        settle(queue, second, QueueState.FAILED)
        take(queue, NOW + LEASE_MS)  # the third is somebody else's now, and the first
        [again] = queue.settle([Settlement(third, ATTEMPT, QueueState.SENT)])
        assert not again
        assert queue.settle(
            [
                Settlement(first, ATTEMPT, QueueState.SENT),
                Settlement(second, ATTEMPT, QueueState.SENT),
            ]
        ) == [False, True]
        assert queue.get_row(second.row.id).state is QueueState.SENT
        assert queue.settle([]) == []

    def test_a_row_that_was_not_tried_is_given_back_and_the_try_does_not_count(self, queue):
        [row_id] = queue.add([letter()], state=QueueState.QUEUED)
        [lease] = take(queue, NOW)
        assert queue.settle([Untried(lease, NOW + 500)]) == [True]
        assert queue.settle([Untried(lease, NOW + 900)]) == [False]
        assert queue.list_attempts(row_id) == []
        assert queue.find_next_due() == NOW + 500
        assert queue.release(now_ms=NOW) == 0
        [again] = take(queue, NOW + 500)
        assert again.tries == 1
        assert again.number != lease.number
        assert not settle(queue, lease, QueueState.SENT)

    def test_releasing_makes_what_was_taken_due_and_nothing_else(self, queue):
        queue.add([letter(number=n) for n in range(3)], state=QueueState.QUEUED)
        taken, put_off, sent = take(queue, NOW)
        settle(queue, put_off, QueueState.QUEUED, next_attempt_ms=NOW + 900)
        settle(queue, sent, QueueState.SENT)
        assert queue.find_next_due() == NOW + 900
        assert queue.release(now_ms=NOW + 1) == 1
        assert queue.find_next_due() == NOW + 1
        [again] = take(queue, NOW + 1)
        assert (again.row.id, again.tries) == (taken.row.id, 2)
        assert queue.release(now_ms=NOW + 2) == 1
        assert queue.release(now_ms=NOW + 2) == 0

    def test_the_domain_that_waits_longest_comes_first_and_alone(self, queue):
        queue.add([letter("a@one.example", number=1, created_ms=NOW + 2)], state=QueueState.QUEUED)
        queue.add([letter("b@TWO.example", number=2, created_ms=NOW + 1)], state=QueueState.QUEUED)
        queue.add([letter("c@one.example", number=3, created_ms=NOW)], state=QueueState.QUEUED)
        taken = [[each.row.recipient for each in take(queue, NOW + 9)] for _ in range(3)]
        assert taken == [["c@one.example", "a@one.example"], ["b@TWO.example"], []]

    def test_rows_that_are_passed_over_wait_and_others_of_the_same_domain_do_not(self, queue):
        def unless(sender, recipient):
            return sender.startswith("news@") or recipient.startswith("slow@")

        def list_taken(**how):
            return [each.row.recipient for each in take(queue, NOW, unless=unless, **how)]

        queue.add(
            [letter(f"a{n}@one.example", number=n, sender="news@penfold.test") for n in range(3)],
            state=QueueState.QUEUED,
        )
        assert list_taken() == []
        queue.add([letter("slow@two.example", number=4)], state=QueueState.QUEUED)
        queue.add(
            [letter(f"b{n}@two.example", number=5 + n) for n in range(3)], state=QueueState.QUEUED
        )
        queue.add([letter("c@one.example", number=9)], state=QueueState.QUEUED)
        assert list_taken(skip=["one.example"], limit=2) == ["b0@two.example", "b1@two.example"]
        assert list_taken() == ["c@one.example"]
        assert list_taken(skip=["two.example"]) == []
        assert list_taken() == ["b2@two.example"]
        assert list_taken() == []
        assert len(take(queue, NOW)) == 3

    def add_by_priority(self, queue):
        """Add rows of each priority to some domains, those of low ones long before."""
        some = [("low", "a.example", 0), ("low", "b.example", 1), ("normal", "c.example", 2),
                ("normal", "a.example", 3), ("high", "b.example", 4), ("high", "d.example", 5)]  # fmt: skip
        for number, (name, domain, at) in enumerate(some):
            row = letter(f"{name}@{domain}", number=number, created_ms=NOW + at,
                         priority=PRIORITIES[name])  # fmt: skip
            queue.add([row], state=QueueState.QUEUED)

    def test_rows_are_taken_by_their_priority_then_by_how_long_they_wait(self, queue):
        self.add_by_priority(queue)
        taken = [to(take(queue, NOW + 9)) for _ in range(4)]
        assert taken == [
            ["high@b.example", "low@b.example"], ["high@d.example"], ["normal@c.example"],
            ["normal@a.example", "low@a.example"],
        ]  # fmt: skip
        assert take(queue, NOW + 9) == []

    def test_what_waits_longest_has_its_turn_whatever_its_priority(self, queue):
        self.add_by_priority(queue)
        assert to(take(queue, NOW + 9, oldest=True, limit=1)) == ["low@a.example"]
        assert to(take(queue, NOW + 9, oldest=True)) == ["low@b.example", "high@b.example"]
        assert to(take(queue, NOW + 9, oldest=True)) == ["normal@c.example"]

    def test_priority_gets_nothing_of_a_domain_that_is_held_skipped_or_passed_over(self, queue):
        self.add_by_priority(queue)
        queue.hold("b.example", until_ms=NOW + 100, why="no answer")
        assert to(take(queue, NOW + 9, limit=1)) == ["high@d.example"]
        skip = ["c.example"]
        assert to(take(queue, NOW + 9, limit=1, skip=skip)) == ["normal@a.example"]
        queue.hold("b.example", until_ms=NOW, why="")

        def unless(_, recipient):
            return recipient.startswith("high")

        assert to(take(queue, NOW + 9, unless=unless)) == ["normal@c.example"]
        assert to(take(queue, NOW + 9, limit=1, unless=unless)) == ["low@a.example"]
        assert to(take(queue, NOW + 9)) == ["high@b.example", "low@b.example"]

    def test_a_row_that_is_put_off_keeps_its_priority(self, queue):
        self.add_by_priority(queue)
        [lease, _] = take(queue, NOW + 9)
        settle(queue, lease, QueueState.QUEUED, next_attempt_ms=NOW + 50)
        assert to(take(queue, NOW + 50, limit=1)) == ["high@d.example"]
        assert to(take(queue, NOW + 50, limit=1)) == ["high@b.example"]
        assert lease.row.priority is Priority.HIGH

    def test_no_more_than_asked_for_is_taken_and_skipped_domains_wait(self, queue):
        queue.add([letter(number=n) for n in range(5)], state=QueueState.QUEUED)
        queue.add([letter("a@one.example", number=9)], state=QueueState.QUEUED)
        assert len(take(queue, NOW, limit=2, skip=["one.example"])) == 2
        assert [each.row.recipient for each in take(queue, NOW, skip=["elsewhere.example"])] == [
            "a@one.example"
        ]
        assert len(take(queue, NOW)) == 3

    def test_nothing_is_taken_of_a_domain_that_is_held_new_mail_neither(self, queue):
        queue.add([letter(number=1)], state=QueueState.QUEUED)
        queue.hold("elsewhere.example", until_ms=NOW + 100, why="no answer")
        queue.add([letter(number=2)], state=QueueState.QUEUED)
        assert take(queue, NOW + 99) == []
        assert queue.list_destinations() == [
            Destination("elsewhere.example", NOW + 100, NOW + 100, "no answer")
        ]
        assert len(take(queue, NOW + 100)) == 2

    def test_a_hold_ends_early_when_it_is_taken_back_or_a_person_retries(self, queue):
        [row_id] = queue.add([letter()], state=QueueState.QUEUED)
        queue.hold("elsewhere.example", until_ms=NOW + 100, why="no answer")
        queue.hold("elsewhere.example", until_ms=0, why="")
        assert queue.find_next_due() == NOW
        queue.hold("elsewhere.example", until_ms=NOW + 100, why="no answer")
        queue.retry(row_id, now_ms=NOW)
        assert len(take(queue, NOW)) == 1

    def test_a_hold_without_mail_is_forgotten_when_it_ends(self, queue):
        queue.hold("elsewhere.example", until_ms=NOW + 100, why="no answer")
        assert queue.find_next_due() == NOW + 100
        assert take(queue, NOW + 100) == []
        assert queue.list_destinations() == []
        assert queue.find_next_due() is None

    @pytest.mark.parametrize(
        ("outcome", "expected"),
        [
            (QueueState.SENT, QueueState.SENT),
            (QueueState.QUEUED, QueueState.CANCELLED),
            (QueueState.FAILED, QueueState.CANCELLED),
        ],
    )
    def test_a_row_cancelled_while_it_is_delivered_stays_so_unless_it_arrived(
        self, queue, outcome, expected
    ):
        [row_id] = queue.add([letter()], state=QueueState.QUEUED)
        [lease] = take(queue, NOW)
        queue.cancel(row_id)
        settle(queue, lease, outcome, next_attempt_ms=NOW)
        assert queue.get_row(row_id).state is expected
        assert queue.list_destinations() == []

    @pytest.mark.parametrize(
        "state", [QueueState.CAPTURED, QueueState.SENT, QueueState.FAILED, QueueState.CANCELLED]
    )
    def test_only_rows_that_wait_are_taken(self, queue, state):
        queue.add([letter()], state=state)
        assert take(queue, NOW) == []
        assert queue.find_next_due() is None

    # --- what the sender wants, and is told

    def test_what_the_sender_wants_is_kept_with_the_row(self, queue):
        options = MailOptions(require_tls=True, ret="FULL", envid="QQ 314")
        report = ReportRequest(("SUCCESS", "FAILURE"), "utf-8", r"k\x{FC}m@old.example")
        wishes = {"options": options, "message_id": "one@penfold.test"}
        [wanted, other] = queue.add(
            [letter(**wishes, report=report), letter("b@x.example", **wishes)],
            state=QueueState.QUEUED,
        )
        row, plain = queue.get_row(wanted), queue.get_row(other)
        assert (row.options, row.report, row.message_id) == (options, report, "one@penfold.test")
        assert (plain.options, plain.report) == (options, NO_REQUEST)
        assert row.told is Told.NOTHING
        [lease] = take(queue, NOW, limit=1)
        assert lease.row.report == report

    def test_a_row_without_wishes_has_none(self, queue):
        [row_id] = queue.add([letter()], state=QueueState.QUEUED)
        row = queue.get_row(row_id)
        assert (row.options, row.report, row.message_id) == (NO_OPTIONS, NO_REQUEST, "")

    def test_failed_rows_and_sent_ones_with_a_wish_are_untold_until_they_are_marked(self, queue):
        success = ReportRequest(("SUCCESS",))
        ids = queue.add(
            [
                letter("failed@x.example"),
                letter("sent@x.example"),
                letter("asked@x.example", report=success),
                letter("waits@x.example", report=success),
            ],
            state=QueueState.QUEUED,
        )
        ends = [QueueState.FAILED, QueueState.SENT, QueueState.SENT, QueueState.QUEUED]
        for row_id, state in zip(ids, ends, strict=True):
            queue.add_attempt(row_id, ATTEMPT, state=state)
        assert [row.id for row in queue.list_untold()] == [ids[0], ids[2]]
        assert [row.id for row in queue.list_untold(after=ids[0])] == [ids[2]]
        assert [row.id for row in queue.list_untold(limit=1)] == [ids[0]]
        queue.mark_told(ids[2], Told.OUTCOME)
        queue.mark_told(ids[0], Told.DELAY)
        assert [(row.id, row.told) for row in queue.list_untold()] == [(ids[0], Told.DELAY)]
        assert queue.get_row(ids[2]).told is Told.OUTCOME

    def test_the_sending_api_wants_to_know_of_all_its_rows_and_of_no_others(self, queue):
        names = ("failed", "sent", "cancelled", "waits")
        rows = [letter(f"{name}@x.example", origin=SENDING) for name in names]
        ids = queue.add([*rows, letter("other@x.example")], state=QueueState.QUEUED)
        for row_id, state in zip(ids, (QueueState.FAILED, QueueState.SENT), strict=False):
            queue.add_attempt(row_id, ATTEMPT, state=state)
        queue.cancel(ids[2])
        queue.add_attempt(ids[4], ATTEMPT, state=QueueState.FAILED)
        assert [row.id for row in queue.list_untold(sending=True)] == ids[:3]
        assert [row.id for row in queue.list_untold(sending=True, after=ids[0], limit=1)] == [
            ids[1]
        ]
        assert [row.id for row in queue.list_untold()] == [ids[4]]
        queue.mark_all_told(ids[:2])
        assert [row.id for row in queue.list_untold(sending=True)] == [ids[2]]

    def test_how_a_row_ends_after_a_retry_is_told_anew(self, queue):
        [row_id] = queue.add([letter()], state=QueueState.FAILED)
        queue.mark_told(row_id, Told.OUTCOME)
        queue.retry(row_id, now_ms=NOW)
        queue.add_attempt(row_id, ATTEMPT, state=QueueState.FAILED)
        assert [row.id for row in queue.list_untold()] == [row_id]

    def test_rows_are_listed_by_state_domain_and_whether_they_are_due(self, queue):
        ids = queue.add(
            [letter("a@x.example"), letter("b@Y.example"), letter("c@y.example", number=2)],
            state=QueueState.QUEUED,
        )
        queue.add_attempt(ids[1], ATTEMPT, state=QueueState.FAILED)
        [lease] = take(queue, NOW, limit=1)  # the longest-waiting: of x.example

        def listed(**wanted):
            return [row.id for row in queue.list_rows(**wanted)]

        assert listed() == ids[::-1]
        assert listed(domain="y.example") == [ids[2], ids[1]]
        assert listed(domain="y.example", state=QueueState.FAILED) == [ids[1]]
        assert listed(due_ms=NOW) == [ids[2]]
        assert listed(due_ms=NOW + LEASE_MS) == [ids[2], ids[0]]
        assert listed(due_ms=NOW - 1) == []
        assert listed(domain="none.example") == []
        assert lease.row.id == ids[0]

    def test_rows_are_found_by_their_message_whatever_mailbox_sent_it(self, queue):
        one = {"message_id": "one@penfold.test"}
        ids = queue.add(
            [letter("a@x.example", **one), letter("b@x.example", **one), letter(number=2)],
            state=QueueState.QUEUED,
        )
        ids += queue.add([letter(origin="m2", **one)], state=QueueState.SENT)
        found = [row.id for row in queue.find_by_message_id("one@penfold.test", limit=10)]
        assert found == [ids[0], ids[1], ids[3]]
        assert len(queue.find_by_message_id("one@penfold.test", limit=2)) == 2
        assert queue.find_by_message_id("", limit=10) == []

    def test_rows_from_and_to_an_address_are_listed_newest_first_in_any_case(self, queue):
        ids = queue.add(
            [letter("Kim@x.example"), letter("lee@x.example"), letter("kim@x.example", number=2)],
            state=QueueState.QUEUED,
        )
        assert [row.id for row in queue.list_by_address("kim@X.example", limit=9)] == [
            ids[2],
            ids[0],
        ]
        everything = queue.list_by_address("ALICE@penfold.test", limit=9)
        assert [row.id for row in everything] == ids[::-1]
        assert len(queue.list_by_address("alice@penfold.test", limit=2)) == 2
        assert queue.list_by_address("other@x.example", limit=9) == []

    def test_a_destination_is_found_by_name_and_what_waits_is_counted(self, queue):
        queue.add(
            [letter("a@x.example"), letter("b@x.example"), letter("c@y.example")],
            state=QueueState.QUEUED,
        )
        queue.add([letter("d@z.example", number=2)], state=QueueState.SENT)
        queue.hold("x.example", until_ms=NOW + 100, why="no answer")
        assert queue.find_destination("x.example") == Destination(
            "x.example", NOW + 100, NOW + 100, "no answer"
        )
        assert queue.find_destination("z.example") is None
        assert queue.count_waiting() == {"x.example": 2, "y.example": 1}

    def test_marking_a_row_that_is_not_there_does_nothing(self, queue):
        queue.mark_told(7, Told.OUTCOME)
        assert queue.list_untold() == []

    def test_sent_rows_are_found_by_their_message_and_mailbox(self, queue):
        wishes = {"message_id": "one@penfold.test"}
        ids = queue.add(
            [letter("a@x.example", **wishes), letter("b@x.example", **wishes)],
            state=QueueState.SENT,
        )
        queue.add([letter(number=2, **wishes)], state=QueueState.QUEUED)
        queue.add([letter(origin="m2", **wishes), letter(number=3)], state=QueueState.SENT)
        assert [row.id for row in queue.find_sent("m1", "one@penfold.test")] == ids
        assert queue.find_sent("m1", "") == []
