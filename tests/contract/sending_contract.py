"""What every SendingBook must do, whatever it is made of."""

import pytest
from msgspec.structs import replace

from penfold.base.errors import ConflictError, NotFoundError
from penfold.base.limits import COUNTED_VALUES_MAX
from penfold.base.priority import Priority
from penfold.ports.sending.answers import KeptAnswer
from penfold.ports.sending.counts import name_bucket
from penfold.ports.sending.emails import Backlog, Email, EmailState, NewEmail
from penfold.ports.sending.events import NOBODY, NewEvent
from penfold.ports.sending.metering import Balance, Charge, UsageDay
from penfold.ports.sending.records import (
    INSTALLATION,
    ApiKey,
    ApiSecret,
    SendingDomain,
    Stream,
    Template,
    TemplateBody,
    TemplatePart,
    TemplateVersion,
    Webhook,
    version_id,
)
from penfold.ports.sending.suppressions import Reason, Scope, Suppression
from penfold.ports.sending.webhooks import DeliveryState, WebhookAttempt

NOW = 1_790_000_000_000
DAY = "2026-09-21"
LEASE_MS = 1_000

RECORDS = [
    ApiKey("k1", "a", "shop", NOW, test=True, scopes=("emails:send",), networks=("10.0.0.0/8",)),
    ApiSecret("ab" * 32, "a", "k1", "wxyz", NOW, expires_ms=NOW + 1),
    Webhook("w1", "a", "https://shop.example/hook", NOW, ("bounced",), ("sealed",)),
    Template("t1", "a", "welcome", "Welcome", NOW, weights=((1, 9), (2, 1))),
    TemplateVersion(version_id("t1", 1), "a", "t1", 1, NOW, schema={"type": "object"}),
    TemplateBody(version_id("t1", 1), "a", "t1", b"\x00source\xff", NOW),
    TemplatePart("p1", "a", "layout", "main", "<html>{{ content }}</html>", NOW),
    SendingDomain("d1", INSTALLATION, "shop.example", NOW, checks={"dkim": "ok"}),
    Stream("s1", "a", "otp", NOW, ttl_s=900),
]


def email(number="1", *, account="a", **more):
    usual = {"to": ("kim@elsewhere.example",), "tags": {"kind": "otp"}, "created_ms": NOW}
    names = {"id": f"e{number}", "account_id": account, "key_id": "k1"}
    values = names | usual | more
    return Email(0, sender="shop@shop.example", subject="Hello", **values)


def new(number="1", *, content=b"content", addresses=(("kim@elsewhere.example", "to"),), **more):
    return NewEmail(email(number, **more), content, addresses)


def event(email_number, kind, *, position=0, cause="", account="a", at_ms=NOW, **data):
    name = cause or f"{kind}:{email_number}:{position}"
    return NewEvent(f"ev-{name}", account, email_number, position, kind, at_ms, name, data)


def suppression(address="kim@elsewhere.example", **more):
    values = {"scope": Scope.ACCOUNT, "value": "", "reason": Reason.BOUNCE} | more
    name = f"{address} {values['scope']} {values['value']}"
    return Suppression(f"s-{name}", "a", address, created_ms=NOW, **values)


class SendingContract:
    """Subclasses give a fixture `book`, empty."""

    # --- records

    @pytest.mark.parametrize("record", RECORDS, ids=lambda one: type(one).__name__)
    def test_record_reads_back_as_it_was(self, book, record):
        book.change(lambda writer: writer.add(record))
        assert book.read(lambda b: b.find(type(record), record.id, record.account_id)) == record
        assert book.read(lambda b: b.find_unowned(type(record), record.id)) == record
        assert book.read(lambda b: b.list_records(type(record), record.account_id, limit=9)) == [
            record
        ]

    @pytest.mark.parametrize("record", RECORDS, ids=lambda one: type(one).__name__)
    def test_record_of_somebody_else_is_neither_found_nor_changed_nor_removed(self, book, record):
        kind, stranger = type(record), replace(record, account_id="stranger")
        book.change(lambda writer: writer.add(record))
        assert book.read(lambda b: b.find(kind, record.id, "stranger")) is None
        assert book.read(lambda b: b.list_records(kind, "stranger", limit=9)) == []
        assert not book.change(lambda writer: writer.delete(kind, record.id, "stranger"))
        with pytest.raises(NotFoundError):
            book.change(lambda writer: writer.replace(stranger))
        assert book.read(lambda b: b.find_unowned(kind, record.id)) == record

    def test_id_that_is_taken_is_a_conflict_whoever_has_it(self, book):
        book.change(lambda writer: writer.add(RECORDS[0]))
        with pytest.raises(ConflictError):
            book.change(lambda writer: writer.add(replace(RECORDS[0], account_id="b")))

    def test_alias_is_unique_for_an_account_and_free_for_another(self, book):
        one, two = RECORDS[3], replace(RECORDS[3], id="t2")
        book.change(lambda writer: writer.add(one))
        with pytest.raises(ConflictError):
            book.change(lambda writer: writer.add(two))
        book.change(lambda writer: writer.add(replace(two, account_id="b")))
        assert book.read(lambda b: b.find_word(Template, "welcome", "a")) == one
        other = replace(one, id="t3", alias="other")
        renamed = replace(other, alias="welcome")
        with pytest.raises(ConflictError):
            book.change(lambda writer: (writer.add(other), writer.replace(renamed)))
        assert book.read(lambda b: b.find_word(Template, "other", "a")) is None

    def test_removing_a_template_removes_its_versions_and_no_others(self, book):
        version = RECORDS[4]
        other = replace(version, id=version_id("t2", 1), template_id="t2")
        book.change(lambda w: [w.add(one) for one in (RECORDS[3], version, other, RECORDS[5])])
        found = book.read(lambda b: b.list_records(TemplateVersion, "a", parent="t1", limit=9))
        assert found == [version]
        assert book.change(lambda writer: writer.delete(Template, "t1", "a"))
        assert book.read(lambda b: b.list_records(TemplateVersion, "a", limit=9)) == [other]
        assert not book.change(lambda writer: writer.delete(Template, "t1", "a"))

    def test_records_are_listed_by_age_and_no_more_than_asked_for(self, book):
        streams = [Stream(f"s{n}", "a", f"n{n}", NOW - n) for n in range(4)]
        book.change(lambda writer: [writer.add(one) for one in streams])
        found = book.read(lambda b: b.list_records(Stream, "a", limit=3))
        assert [one.id for one in found] == ["s3", "s2", "s1"]

    def test_change_that_raises_changes_nothing(self, book):
        def change(writer):
            writer.add(RECORDS[0])
            writer.add_email(new())
            raise ValueError

        with pytest.raises(ValueError, match=r"^$"):
            book.change(change)
        assert book.read(lambda b: b.find_unowned(ApiKey, "k1")) is None
        assert book.read(lambda b: b.find_email("e1", "a")) is None

    # --- emails

    def test_email_reads_back_as_it_was_with_its_number(self, book):
        number = book.change(lambda writer: writer.add_email(new(metadata={"order": "7"})))
        wanted = replace(email(metadata={"order": "7"}), number=number)
        assert book.read(lambda b: b.find_email("e1", "a")) == wanted
        assert book.read(lambda b: b.get_email(number)) == wanted
        assert book.read(lambda b: b.find_content(number)) == b"content"
        assert book.read(lambda b: b.find_email("e1", "b")) is None
        assert book.read(lambda b: b.find_unowned_email("e1")) == wanted
        assert book.read(lambda b: b.find_unowned_email("e2")) is None
        with pytest.raises(NotFoundError):
            book.read(lambda b: b.get_email(number + 1))

    @pytest.mark.parametrize("content", [b"", bytes(range(256)) * 9_000], ids=["none", "2 MB"])
    def test_content_reads_back_octet_by_octet(self, book, content):
        number = book.change(lambda writer: writer.add_email(new(content=content)))
        assert book.read(lambda b: b.find_content(number)) == content

    def test_recipients_stand_in_their_order(self, book):
        addresses = (("z@x.example", "to"), ("a@x.example", "cc"), ("z@x.example", "bcc"))
        number = book.change(lambda writer: writer.add_email(new(addresses=addresses)))
        found = book.read(lambda b: b.list_recipients(number))
        assert [(one.position, one.address, one.kind) for one in found] == [
            (at, *each) for at, each in enumerate(addresses)
        ]
        book.change(lambda writer: writer.set_queue_rows(number, [(1, 77)]))
        found = book.read(lambda b: b.list_recipients(number))
        assert [one.queue_row for one in found] == [0, 77, 0]

    def test_emails_are_listed_newest_first_from_either_end(self, book):
        numbers = [book.change(lambda w, n=n: w.add_email(new(n))) for n in range(5)]
        book.change(lambda writer: writer.add_email(new(9, account="b")))

        def ids(**where):
            return [one.id for one in book.read(lambda b: b.list_emails("a", limit=2, **where))]

        assert ids() == ["e4", "e3"]
        assert ids(older=numbers[3]) == ["e2", "e1"]
        assert ids(newer=numbers[0]) == ["e2", "e1"]
        assert ids(newer=numbers[3]) == ["e4"]
        assert ids(older=numbers[0]) == []

    # --- the way out

    def test_due_emails_are_taken_once_and_again_when_the_lease_is_over(self, book):
        first = book.change(lambda writer: writer.add_email(new(1)))
        later = new(2, state=EmailState.SCHEDULED, scheduled_ms=NOW + 5)
        book.change(lambda writer: writer.add_email(later))
        assert take(book, NOW - 1) == []
        [lease] = take(book, NOW)
        assert (lease.email.number, lease.number) == (first, 1)
        assert take(book, NOW) == []
        assert book.read(lambda b: b.find_next_due()) == NOW + 5
        again = take(book, NOW + LEASE_MS)
        assert [each.email.id for each in again] == ["e2", "e1"]
        assert not book.change(lambda w: w.settle_email(lease, EmailState.HANDED))
        assert book.change(lambda w: w.settle_email(again[1], EmailState.HANDED))
        assert book.read(lambda b: b.get_email(first)).state is EmailState.HANDED
        assert len(book.read(lambda b: b.list_backlog(now_ms=NOW + 5))) == 1
        assert not book.change(lambda w: w.settle_email(again[1], EmailState.HANDED))

    def test_emails_are_taken_by_their_priority_and_lower_ones_have_a_share(self, book):
        low, normal, high = ([new(f"{each.name}{n}", priority=each) for n in range(9)]
                             for each in (Priority.LOW, Priority.NORMAL, Priority.HIGH))  # fmt: skip
        book.change(lambda w: [w.add_email(each) for each in (*low, *normal, *high)])

        def names():
            return [each.email.id for each in take(book, NOW, limit=8)]

        assert names() == [
            *("eHIGH0", "eHIGH1", "eHIGH2", "eHIGH3"), *("eNORMAL0", "eNORMAL1", "eLOW0", "eLOW1")
        ]  # fmt: skip
        assert names()[:4] == ["eHIGH4", "eHIGH5", "eHIGH6", "eHIGH7"]
        assert names()[:2] == ["eHIGH8", "eNORMAL4"]
        assert book.read(lambda b: b.find_next_due()) == NOW
        assert len(names()) == 3
        assert book.read(lambda b: b.find_next_due()) == NOW + LEASE_MS

    def test_backlog_is_what_is_due_by_stream(self, book):
        later = {"state": EmailState.SCHEDULED, "scheduled_ms": NOW + 5}
        for n, more in enumerate(({}, {"stream": "otp"}, {"stream": "otp", **later}, later)):
            book.change(lambda w, n=n, more=more: w.add_email(new(n, **more)))
        [first] = take(book, NOW, limit=1)
        book.change(lambda w: w.settle_email(first, EmailState.HANDED))

        def look(now_ms):
            return book.read(lambda b: b.list_backlog(now_ms=now_ms))

        assert look(NOW) == [Backlog("otp", 1, NOW)]
        assert look(NOW + 5) == [Backlog("otp", 2, NOW), Backlog("transactional", 1, NOW + 5)]

    def test_email_that_waits_again_is_due_when_said(self, book):
        book.change(lambda writer: writer.add_email(new()))
        [lease] = take(book, NOW)
        assert book.change(lambda w: w.settle_email(lease, EmailState.QUEUED, due_ms=NOW + 50))
        assert take(book, NOW + 49) == []
        assert take(book, NOW + 50)[0].number == 2

    def test_email_that_is_put_off_was_never_taken_and_is_paced_until_it_is_moved(self, book):
        wanted = new(state=EmailState.SCHEDULED, scheduled_ms=NOW)
        number = book.change(lambda writer: writer.add_email(wanted))
        [lease] = take(book, NOW)
        book.change(lambda writer: writer.put_off(lease, NOW + 50))

        def shown():
            found = book.read(lambda b: b.get_email(number))
            return found.state, found.scheduled_ms, found.paced

        assert shown() == (EmailState.SCHEDULED, NOW + 50, True)
        assert take(book, NOW + 49) == []
        assert book.change(lambda writer: writer.reschedule(number, NOW + 60))
        assert shown() == (EmailState.SCHEDULED, NOW + 60, False)
        [again] = take(book, NOW + 60)
        assert (again.number, again.email.state) == (1, EmailState.SCHEDULED)
        book.change(lambda writer: writer.put_off(again, NOW + 70))
        assert book.change(lambda writer: writer.cancel(number))

    def test_email_that_has_its_room_when_it_is_accepted_is_paced(self, book):
        wanted = new(state=EmailState.SCHEDULED, scheduled_ms=NOW, paced=True)
        book.change(lambda writer: writer.add_email(wanted))
        [lease] = take(book, NOW)
        assert lease.email.paced

    def test_leases_of_a_process_that_ended_are_due_at_once(self, book):
        book.change(lambda writer: [writer.add_email(new(n)) for n in range(3)])
        take(book, NOW, limit=2)
        assert book.change(lambda writer: writer.release_emails(now_ms=NOW + 1)) == 2
        assert len(take(book, NOW + 1)) == 3

    def test_scheduled_email_moves_and_ends_until_somebody_takes_it(self, book):
        number = book.change(
            lambda w: w.add_email(new(state=EmailState.SCHEDULED, scheduled_ms=NOW + 100))
        )
        other = book.change(
            lambda w: w.add_email(new(2, state=EmailState.SCHEDULED, scheduled_ms=NOW + 10))
        )
        assert book.change(lambda w: w.reschedule(number, NOW + 10))
        assert book.read(lambda b: b.get_email(number)).scheduled_ms == NOW + 10
        assert book.change(lambda w: w.cancel(other))
        assert book.read(lambda b: b.get_email(other)).state is EmailState.CANCELLED
        [lease] = take(book, NOW + 10)
        assert (lease.email.number, lease.number) == (number, 1)
        assert not book.change(lambda w: w.reschedule(number, NOW + 99))
        assert not book.change(lambda w: w.cancel(number))

    @pytest.mark.parametrize("state", [EmailState.SCHEDULED, EmailState.QUEUED])
    def test_email_somebody_had_who_died_is_neither_moved_nor_cancelled(self, book, state):
        number = book.change(lambda w: w.add_email(new(state=state, scheduled_ms=NOW)))
        take(book, NOW)
        book.change(lambda w: w.release_emails(now_ms=NOW + 1))
        assert not book.change(lambda w: w.reschedule(number, NOW + 99))
        assert not book.change(lambda w: w.cancel(number))
        assert take(book, NOW + 1)[0].number == 2

    def test_octets_of_what_was_asked_for_are_known_without_reading_them(self, book):
        number = book.change(lambda writer: writer.add_email(new()))
        assert book.read(lambda b: b.measure_content(number)) == len(b"content")
        assert book.read(lambda b: b.measure_content(number + 1)) == 0

    def test_what_was_heard_of_an_address_is_found_whatever_its_case(self, book):
        first = book.change(lambda w: w.add_email(new()))
        second = book.change(lambda w: w.add_email(new(2)))
        address = book.read(lambda b: b.list_recipients(first))[0].address
        for number, at_ms in ((first, NOW), (second, NOW + 5)):
            told = replace(event(number, "bounced"), at_ms=at_ms)
            book.change(lambda w, told=told: w.add_event(told))
        account = book.read(lambda b: b.get_email(first)).account_id

        def hear(whose=account, kind="bounced", since_ms=NOW, limit=9):
            return [
                one.email
                for one in book.read(
                    lambda b: b.list_heard(
                        whose, address.upper(), kind=kind, since_ms=since_ms, limit=limit
                    )
                )
            ]

        assert hear() == [second, first]
        assert hear(limit=1) == hear(since_ms=NOW + 1) == [second]
        assert hear(kind="delivered") == hear(whose="other") == []

    def test_only_queued_email_cannot_be_rescheduled(self, book):
        number = book.change(lambda writer: writer.add_email(new()))
        assert not book.change(lambda w: w.reschedule(number, NOW + 9))

    def test_bodies_of_old_emails_that_wait_no_more_are_dropped(self, book):
        numbers = [book.change(lambda w, n=n: w.add_email(new(n))) for n in range(2)]
        [lease] = take(book, NOW, limit=1)
        book.change(lambda w: w.settle_email(lease, EmailState.HANDED))
        assert book.change(lambda w: w.drop_bodies(before_ms=NOW, limit=9)) == 0
        assert book.change(lambda w: w.drop_bodies(before_ms=NOW + 1, limit=9)) == 1
        assert [book.read(lambda b, n=n: b.find_content(n)) for n in numbers] == [None, b"content"]

    # --- events

    def test_event_tells_of_its_email_and_recipient(self, book):
        number = book.change(lambda writer: writer.add_email(new()))
        found = book.change(lambda w: w.add_event(event(number, "deferred", code=421)))
        got = book.read(lambda b: b.get_event(found))
        assert (got.email_id, got.address, got.kind) == ("e1", "kim@elsewhere.example", "deferred")
        assert (got.data, got.final, got.at_ms) == ({"code": 421}, False, NOW)
        assert book.read(lambda b: b.find_event(got.id, "a")) == got
        assert book.read(lambda b: b.find_event(got.id, "b")) is None
        assert book.read(lambda b: b.get_email(number)).last_event == "deferred"
        [recipient] = book.read(lambda b: b.list_recipients(number))
        assert (recipient.last_event, recipient.final) == ("deferred", False)

    def test_same_cause_is_one_event(self, book):
        number = book.change(lambda writer: writer.add_email(new()))
        assert book.change(lambda w: w.add_event(event(number, "sent", cause="queue:1:2")))
        again = replace(event(number, "sent", cause="queue:1:2"), id="other")
        assert book.change(lambda w: w.add_event(again)) is None
        assert len(book.read(lambda b: b.list_events("a", limit=9))) == 1

    def test_recipient_has_one_final_event_and_what_is_heard_later_is_not_final(self, book):
        addresses = (("kim@x.example", "to"), ("lee@x.example", "to"))
        number = book.change(lambda writer: writer.add_email(new(addresses=addresses)))
        book.change(lambda w: w.add_event(event(number, "delivered")))
        assert book.change(lambda w: w.add_event(event(number, "expired"))) is None
        assert book.change(lambda w: w.add_event(event(number, "sent"))) is None
        assert book.change(lambda w: w.add_event(event(number, "bounced"))) is not None
        assert book.change(lambda w: w.add_event(event(number, "complained"))) is not None
        assert book.change(lambda w: w.add_event(event(number, "failed", position=1)))
        found = book.read(lambda b: b.list_events("a", email=number, limit=9))
        assert [(one.kind, one.position, one.final) for one in found] == [
            ("failed", 1, True),
            ("complained", 0, False),
            ("bounced", 0, False),
            ("delivered", 0, True),
        ]
        kim, lee = book.read(lambda b: b.list_recipients(number))
        assert (kim.last_event, kim.final, lee.final) == ("complained", True, True)

    def test_events_are_listed_by_email_and_kind_newest_first(self, book):
        numbers = [book.change(lambda w, n=n: w.add_email(new(n))) for n in range(2)]
        made = [
            book.change(lambda w, n=n, kind=kind: w.add_event(event(n, kind)))
            for n in numbers
            for kind in ("queued", "sent", "delivered")
        ]

        def found(**where):
            return [one.number for one in book.read(lambda b: b.list_events("a", **where))]

        assert found(limit=2) == made[:-3:-1]
        assert found(email=numbers[0], limit=9) == made[2::-1]
        assert found(kinds=("sent", "queued"), limit=9) == [made[4], made[3], made[1], made[0]]
        assert found(older=made[2], limit=9) == [made[1], made[0]]
        assert found(newer=made[2], limit=2) == [made[4], made[3]]
        assert book.read(lambda b: b.list_events("b", limit=9)) == []

    def test_event_about_no_email_is_told_and_ends_nothing(self, book):
        gone = event(0, "domain.dns_error", position=NOBODY, domain="shop.example")
        found = book.change(lambda writer: writer.add_event(gone))
        got = book.read(lambda b: b.get_event(found))
        assert (got.email_id, got.address, got.final) == ("", "", False)

    def test_event_its_owner_is_to_be_told_of_is_listed_until_that_was_done(self, book):
        made = event(0, "budget.soft_limit", position=NOBODY, limit="40.00")
        number = book.change(lambda w: w.add_event(made, notice=True))
        assert book.change(lambda w: w.add_event(made, notice=True)) is None
        book.change(lambda w: w.add_event(event(0, "template.published", position=NOBODY)))
        [listed] = book.read(lambda b: b.list_notices(limit=9))
        assert (listed.number, listed.data) == (number, {"limit": "40.00"})
        assert book.read(lambda b: b.list_notices(limit=0)) == []
        book.change(lambda writer: writer.end_notice(number))
        assert book.read(lambda b: b.list_notices(limit=9)) == []

    def test_recipient_counts_once_for_each_kind_on_the_day_its_mail_was_accepted(self, book):
        addresses = (("kim@x.example", "to"), ("lee@Y.example", "to"))
        one = book.change(lambda w: w.add_email(new(1, stream="otp", addresses=addresses)))
        two = book.change(lambda w: w.add_email(new(2, test=True)))
        for number in (one, two):
            book.change(lambda w, n=number: w.add_event(event(n, "queued")))
        book.change(lambda w: w.add_event(event(one, "suppressed", position=1)))
        late = NOW + 3 * 86_400_000
        for kind, cause in (("deferred", "1"), ("deferred", "2"), ("delivered", "3"),
                            ("opened", "4"), ("bounced", "5")):  # fmt: skip
            made = event(one, kind, cause=cause, at_ms=late)
            book.change(lambda w, made=made: w.add_event(made))
        book.change(lambda w: w.add_event(event(one, "clicked", cause="6", machine=True)))
        bucket = name_bucket(late - NOW)
        assert count(book) == {
            ((), "accepted"): 2, ((), "queued"): 1, ((), "suppressed"): 1, ((), "deferred"): 1,
            ((), "delivered"): 1, ((), bucket): 1, ((), "opened"): 1, ((), "bounced"): 1,
        }  # fmt: skip
        assert count(book, test=True) == {((), "accepted"): 1, ((), "queued"): 1}
        assert count(book, first="2026-09-22", last="2026-12-31") == {}
        assert count(book, "b") == {}

    def test_counts_are_grouped_by_tag_and_by_who_runs_the_servers_of_a_domain(self, book):
        addresses = (("kim@x.example", "to"), ("lee@X.example", "to"), ("pat@y.example", "to"))
        made = new(1, addresses=addresses, tags={"kind": "otp", "shop": "1"}, domain="shop.example")
        number = book.change(lambda writer: writer.add_email(made))
        for at in range(3):
            sent = event(number, "sent", position=at)
            book.change(lambda w, sent=sent: w.add_event(sent))
        keys = [key for key, kind in count(book, by=("day", "tag", "domain")) if kind == "sent"]
        assert keys == [(DAY, "kind=otp", "shop.example"), (DAY, "shop=1", "shop.example")]
        named = {("x.example",): 2, ("y.example",): 1}
        for name, wanted in (("", named), ("google", {("google",): 2, ("y.example",): 1}),
                             ("", named)):  # fmt: skip
            book.change(lambda w, name=name: w.note_provider("x.example", name))
            found = count(book, by=("provider",))
            assert {key: n for (key, kind), n in found.items() if kind == "sent"} == wanted

    def test_what_is_one_value_too_many_is_counted_with_all_others(self, book):
        def fill(writer):
            for n in range(COUNTED_VALUES_MAX + 3):
                number = writer.add_email(new(n, tags={"order": str(n)}))
                writer.add_event(event(number, "queued"))
            writer.add_event(event(1, "sent"))

        book.change(fill)
        found = count(book, by=("tag",))
        assert len({key for key, _ in found}) == COUNTED_VALUES_MAX + 1
        assert found[("other",), "queued"] == 3
        asked = {"by": ("tag",), "first": DAY, "last": DAY, "limit": 5}
        assert len(book.read(lambda b: b.list_counts("a", **asked))) == 5
        assert found[("order=0",), "sent"] == 1
        assert count(book)[(), "queued"] == COUNTED_VALUES_MAX + 3

    # --- webhooks

    def test_event_is_delivered_to_the_webhooks_that_want_it(self, book):
        hooks = [
            Webhook("all", "a", "https://x.example/", NOW),
            Webhook("some", "a", "https://x.example/", NOW + 1, events=("sent",)),
            Webhook("off", "a", "https://x.example/", NOW + 2, disabled_ms=NOW),
            Webhook("other", "b", "https://x.example/", NOW + 3),
        ]
        number = book.change(lambda w: ([w.add(hook) for hook in hooks], w.add_email(new()))[1])
        for kind in ("queued", "sent"):
            book.change(lambda w, kind=kind: w.add_event(event(number, kind)))
        found = {
            hook.id: [
                book.read(lambda b, one=one: b.get_event(one.event)).kind
                for one in book.read(lambda b, hook=hook: b.list_deliveries(hook.id, limit=9))
            ]
            for hook in hooks
        }
        assert found == {"all": ["sent", "queued"], "some": ["sent"], "off": [], "other": []}

    def test_delivery_is_taken_tried_and_settled_with_every_attempt_kept(self, book):
        [number] = deliver(book, 1)
        [lease] = take_deliveries(book, NOW)
        assert (lease.delivery.number, lease.delivery.tries) == (number, 1)
        assert take_deliveries(book, NOW) == []
        tried = WebhookAttempt(0, NOW, 503, "refused", 12)
        waits = DeliveryState.WAITING
        assert book.change(lambda w: w.settle_delivery(lease, tried, waits, due_ms=NOW + 5))
        assert book.read(lambda b: b.list_webhooks_due(now_ms=NOW + 4)) == []
        assert book.read(lambda b: b.list_webhooks_due(now_ms=NOW + 5)) == ["w1"]
        [second] = take_deliveries(book, NOW + 5)
        assert not book.change(lambda w: w.settle_delivery(lease, tried, waits))
        good, done = replace(tried, status=200), DeliveryState.DELIVERED
        assert book.change(lambda w: w.settle_delivery(second, good, done))
        assert book.read(lambda b: b.list_webhook_attempts(number)) == [
            replace(tried, number=1),
            replace(good, number=2),
        ]
        assert book.read(lambda b: b.list_webhooks_due(now_ms=NOW + LEASE_MS)) == []
        [shown] = book.read(lambda b: b.list_deliveries("w1", limit=9))
        assert (shown.state, shown.tries) == (done, 2)

    def test_webhooks_are_found_by_what_is_due_and_leases_end_with_their_process(self, book):
        deliver(book, 1, 2)
        book.change(lambda w: w.add_deliveries("w0", [1], now_ms=NOW + 1, replay=False))
        due = [
            book.read(lambda b, at=NOW + at: b.list_webhooks_due(now_ms=at)) for at in (-1, 0, 1)
        ]
        assert due == [[], ["w1"], ["w1", "w0"]]
        assert take_deliveries(book, NOW, webhook="w0") == []
        assert [book.read(lambda b, most=most: b.count_deliveries_waiting("w1", limit=most))
                for most in (1, 9)] == [1, 2]  # fmt: skip
        assert book.read(lambda b: b.count_all_waiting()) == 3
        assert len(take_deliveries(book, NOW, limit=1)) == 1
        assert book.change(lambda w: w.release_deliveries(now_ms=NOW)) == 1
        assert [each.delivery.event for each in take_deliveries(book, NOW)] == [1, 2]

    def test_replay_is_a_delivery_of_its_own_and_goes_with_the_webhook(self, book):
        deliver(book, 1)
        book.change(lambda w: w.add_deliveries("w1", [1], now_ms=NOW + 1, replay=True))
        again, first = book.read(lambda b: b.list_deliveries("w1", limit=9))
        assert (again.replay, first.replay) == (True, False)
        older = book.read(lambda b: b.list_deliveries("w1", older=again.number, limit=9))
        assert older == [first]
        book.change(lambda writer: writer.drop_deliveries("w1"))
        assert book.read(lambda b: b.list_deliveries("w1", limit=9)) == []
        assert take_deliveries(book, NOW + 1) == []

    def test_delivery_that_was_not_tried_waits_again_without_an_attempt(self, book):
        [number] = deliver(book, 1)
        [lease] = take_deliveries(book, NOW)
        assert book.change(
            lambda w: w.settle_delivery(lease, None, DeliveryState.WAITING, due_ms=NOW + 9)
        )
        assert book.read(lambda b: b.list_webhook_attempts(number)) == []
        assert [one.delivery.tries for one in take_deliveries(book, NOW + 9)] == [2]

    def test_deliveries_of_a_webhook_that_is_turned_off_end_and_late_answers_count_no_more(
        self, book
    ):
        deliver(book, 1, 2)
        [lease] = take_deliveries(book, NOW, limit=1)
        assert book.change(lambda w: w.end_deliveries("w1")) == 2
        assert book.change(lambda w: w.end_deliveries("w1")) == 0
        attempt = WebhookAttempt(0, NOW, 200, "", 1)
        assert not book.change(lambda w: w.settle_delivery(lease, attempt, DeliveryState.DELIVERED))
        shown = book.read(lambda b: b.list_deliveries("w1", limit=9))
        assert {one.state for one in shown} == {DeliveryState.FAILED}

    def test_old_deliveries_are_forgotten_unless_they_wait(self, book):
        first, _, _ = deliver(book, 1, 2, 3)
        leases = take_deliveries(book, NOW, limit=2)
        for lease in leases:
            attempt = WebhookAttempt(0, NOW, 200, "", 1)
            book.change(
                lambda w, lease=lease, attempt=attempt: w.settle_delivery(
                    lease, attempt, DeliveryState.DELIVERED
                )
            )

        def expire(before_ms, limit):
            return book.change(lambda w: w.expire_deliveries(before_ms=before_ms, limit=limit))

        assert [expire(NOW, 9), expire(NOW + 1, 1), expire(NOW + 1, 9)] == [0, 1, 1]
        assert book.read(lambda b: b.list_webhook_attempts(first)) == []
        [left] = book.read(lambda b: b.list_deliveries("w1", limit=9))
        assert left.state is DeliveryState.WAITING

    def test_deliveries_that_wait_keep_no_other_from_being_forgotten(self, book):
        deliver(book, 1, 2)
        deliver(book, 3, webhook="w2")
        [lease] = take_deliveries(book, NOW, webhook="w2")
        book.change(lambda w: w.settle_delivery(lease, None, DeliveryState.DELIVERED))
        assert book.change(lambda w: w.expire_deliveries(before_ms=NOW + 1, limit=1)) == 1
        assert book.read(lambda b: b.list_deliveries("w2", limit=9)) == []
        assert len(book.read(lambda b: b.list_deliveries("w1", limit=9))) == 2

    def test_event_for_one_webhook_is_told_to_no_other(self, book):
        for name in ("w1", "w2"):
            book.change(lambda w, name=name: w.add(Webhook(name, "a", "https://x.example", NOW)))
        only = NewEvent("ev", "a", 0, NOBODY, "webhook.test", NOW, "test:1", webhook="w2")
        book.change(lambda w: w.add_event(only))
        assert book.read(lambda b: b.list_webhooks_due(now_ms=NOW)) == ["w2"]

    def test_events_of_a_time_are_listed_in_order_whoever_else_has_some(self, book):
        # The last one was noted a million seconds late.
        for at, who in [*enumerate("abaabab"), (-1_000, "a")]:
            new_event = NewEvent(f"ev{at}", who, 0, NOBODY, "x.y", NOW + 1_000_000 * at, f"c{at}")
            book.change(lambda w, new_event=new_event: w.add_event(new_event))

        def between(first, last, **more):
            more = {"limit": 9} | more
            found = book.read(
                lambda b: b.list_events_between(
                    "a", first_ms=NOW + 1_000_000 * first, last_ms=NOW + 1_000_000 * last, **more
                )
            )
            return [one.id for one in found]

        assert between(0, 9) == ["ev0", "ev2", "ev3", "ev5"]
        assert between(-2_000, 0) == ["ev-1000", "ev0"]
        assert between(2, 3) == ["ev2", "ev3"]
        assert between(4, 4) == []
        assert between(0, 9, limit=2) == ["ev0", "ev2"]
        after = book.read(lambda b: b.find_event("ev2", "a"))
        assert between(0, 9, after=after) == ["ev3", "ev5"]
        last = book.read(lambda b: b.find_event("ev5", "a"))
        late = NewEvent("same", "a", 0, NOBODY, "x.y", last.at_ms, "same")
        book.change(lambda w: w.add_event(late))
        assert between(5, 9, after=last) == ["same"]

    def test_events_are_forgotten_a_few_at_a_time_and_what_they_changed_stays(self, book):
        number = book.change(lambda writer: writer.add_email(new()))
        for at, kind in enumerate(("sent", "bounced", "complained")):
            one = event(number, kind, at_ms=NOW + at)
            book.change(lambda w, one=one: w.add_event(one))
        counted = count(book)

        def expire(at, limit):
            return book.change(lambda w: w.expire_events(before_ms=NOW + at, limit=limit))

        assert [expire(2, 1), expire(2, 9), expire(2, 9)] == [1, 1, 0]
        left = book.read(lambda b: b.list_events("a", limit=9))
        assert [one.kind for one in left] == ["complained"]
        [recipient] = book.read(lambda b: b.list_recipients(number))
        assert (recipient.final, recipient.last_event) == (True, "complained")
        assert count(book) == counted
        assert book.change(lambda w: w.add_event(event(number, "expired"))) is None

    def test_records_of_all_accounts_come_by_their_ids(self, book):
        for name, who in (("w2", "a"), ("w1", "b"), ("w3", "a")):
            hook = Webhook(name, who, "https://x.example", NOW)
            book.change(lambda w, hook=hook: w.add(hook))

        def names(**more):
            found = book.read(lambda b: b.list_everywhere(Webhook, **more))
            return [one.id for one in found]

        assert names(limit=9) == ["w1", "w2", "w3"]
        assert names(after="w1", limit=1) == ["w2"]

    # --- suppressions

    def test_suppression_holds_for_its_scope_alone(self, book):
        scopes = [
            suppression("all@x.example"),
            suppression("dom@x.example", scope=Scope.DOMAIN, value="shop.example"),
            suppression("str@x.example", scope=Scope.STREAM, value="news"),
            suppression("old@x.example", expires_ms=NOW + 10),
        ]
        book.change(lambda w: [w.put_suppression(one) for one in scopes])
        everybody = [one.address for one in scopes] + ["free@x.example"]

        def found(domain, stream, now_ms=NOW, account="a"):
            return set(
                book.read(
                    lambda b: b.find_suppressed(
                        account, everybody, domain=domain, stream=stream, now_ms=now_ms
                    )
                )
            )

        assert found("shop.example", "otp") == {"all@x.example", "dom@x.example", "old@x.example"}
        assert found("b.example", "news", NOW + 10) == {"all@x.example", "str@x.example"}
        assert found("shop.example", "news", account="b") == set()

    def test_putting_one_again_keeps_its_id_and_never_lifts_a_complaint(self, book):
        first = book.change(lambda w: w.put_suppression(suppression(reason=Reason.COMPLAINT)))
        manual = replace(suppression(), id="other", reason=Reason.MANUAL, expires_ms=NOW + 1)
        assert book.change(lambda w: w.put_suppression(manual)) == first
        plain = suppression("lee@x.example")
        there = book.change(lambda w: w.put_suppression(plain))
        again = replace(plain, id="other", reason=Reason.MANUAL, note="asked us")
        now = book.change(lambda w: w.put_suppression(again))
        assert now == replace(again, id=there.id, number=there.number)

    def test_suppressions_are_listed_newest_first_found_and_deleted_by_their_owner(self, book):
        three = [suppression(f"{n}@x.example") for n in range(3)]
        three[1] = replace(three[1], reason=Reason.MANUAL)
        kept = [book.change(lambda w, one=one: w.put_suppression(one)) for one in three]

        def listed(**where):
            return book.read(lambda b: b.list_suppressions("a", limit=2, **where))

        assert listed() == kept[:0:-1]
        assert listed(older=kept[1].number) == [kept[0]]
        assert listed(reason="manual") == [kept[1]]
        assert listed(address="2@x.example") == [kept[2]]
        assert book.read(lambda b: b.find_suppression(kept[0].id, "b")) is None
        assert not book.change(lambda w: w.delete_suppression(kept[0].id, "b"))
        assert book.change(lambda w: w.delete_suppression(kept[0].id, "a"))
        assert book.read(lambda b: b.find_suppression(kept[0].id, "a")) is None

    def test_expired_suppressions_go_a_few_at_a_time(self, book):
        some = [suppression(f"{n}@x.example", expires_ms=NOW + n) for n in range(1, 5)]
        book.change(lambda w: [w.put_suppression(one) for one in some])
        assert book.change(lambda w: w.expire_suppressions(now_ms=NOW + 3, limit=2)) == 2
        assert book.change(lambda w: w.expire_suppressions(now_ms=NOW + 3, limit=9)) == 1

    # --- the ledger

    def test_recipient_is_charged_once_and_sums_follow(self, book):
        one = Charge("a", 1, 0, NOW, DAY, "otp", 280)
        two = replace(one, position=1, micros=300)
        other = replace(one, account_id="b", email=2)
        book.change(lambda writer: writer.charge([one, two, other]))
        book.change(lambda writer: writer.charge([one]))
        assert book.read(lambda b: b.list_usage("a", first=DAY, last=DAY)) == [
            UsageDay(DAY, "otp", 2, 580)
        ]
        assert book.read(lambda b: b.list_usage("a", first="2026-09-22", last="2099-01-01")) == []
        assert book.read(lambda b: b.get_balance("a")) == Balance("a", spent_micros=580)

    def test_setting_a_balance_leaves_what_was_spent(self, book):
        book.change(lambda writer: writer.charge([Charge("a", 1, 0, NOW, DAY, "otp", 280)]))
        balance = Balance("a", True, 5_000, 1, 2, spent_micros=9, low_micros=3)
        book.change(lambda writer: writer.put_balance(balance))
        assert book.read(lambda b: b.get_balance("a")) == replace(balance, spent_micros=280)

    # --- answers

    def test_answer_is_found_by_key_route_and_word_until_it_expires(self, book):
        answer = KeptAnswer("k1", "POST /emails", "order-7", b"\x01" * 32, 200, b"{}", NOW)
        book.change(lambda writer: writer.put_answer(answer))
        assert book.read(lambda b: b.find_answer("k1", "POST /emails", "order-7")) == answer
        for where in (("k2", "POST /emails", "order-7"), ("k1", "POST /x", "order-7")):
            assert book.read(lambda b, where=where: b.find_answer(*where)) is None
        newer = replace(answer, body=b"[]", created_ms=NOW + 1)
        book.change(lambda writer: writer.put_answer(newer))
        assert book.change(lambda w: w.expire_answers(before_ms=NOW + 1, limit=9)) == 0
        assert book.read(lambda b: b.find_answer("k1", "POST /emails", "order-7")) == newer
        assert book.change(lambda w: w.expire_answers(before_ms=NOW + 2, limit=9)) == 1

    # --- erasing

    def test_erasing_an_account_leaves_nothing_but_its_ledger(self, book):
        def fill(writer, account):
            writer.add(ApiKey(f"k{account}", account, "x", NOW))
            writer.add(Webhook(f"w{account}", account, "https://x.example/", NOW))
            number = writer.add_email(new(account, account=account))
            writer.add_event(event(number, "queued", account=account), notice=True)
            one = replace(suppression(), id=f"s{account}", account_id=account)
            writer.put_suppression(one)
            writer.charge([Charge(account, number, 0, NOW, DAY, "otp", 280)])
            writer.put_answer(KeptAnswer(f"k{account}", "r", "w", b"", 200, b"", NOW))
            return number

        numbers = {who: book.change(lambda w, who=who: fill(w, who)) for who in "ab"}
        assert book.change(lambda writer: writer.erase_account("a")) == 2

        def left(b, who):
            return [
                bool(b.find(ApiKey, f"k{who}", who)),
                bool(b.find_email(f"e{who}", who)),
                bool(b.list_recipients(numbers[who])),
                bool(b.find_content(numbers[who])),
                bool(b.list_events(who, limit=9)),
                who in {one.account_id for one in b.list_notices(limit=9)},
                bool(b.list_counts(who, by=(), first=DAY, last=DAY)),
                bool(b.list_suppressions(who, limit=9)),
                bool(b.find_answer(f"k{who}", "r", "w")),
                bool(b.list_deliveries(f"w{who}", limit=9)),
            ]

        assert book.read(lambda b: left(b, "a")) == [False] * 10
        assert book.read(lambda b: left(b, "b")) == [True] * 10
        assert book.read(lambda b: b.list_usage("a", first=DAY, last=DAY)) != []


def take(book, now_ms, *, limit=10):
    return book.change(lambda w: w.take_emails(now_ms=now_ms, lease_ms=LEASE_MS, limit=limit))


def count(book, account="a", *, by=(), first=DAY, last=DAY, test=False):
    found = book.read(lambda b: b.list_counts(account, by=by, first=first, last=last, test=test))
    return {(one.key, one.kind): one.count for one in found}


def deliver(book, *events, webhook="w1"):
    return book.change(lambda w: w.add_deliveries(webhook, events, now_ms=NOW, replay=False))


def take_deliveries(book, now_ms, *, limit=10, webhook="w1"):
    return book.change(
        lambda w: w.take_deliveries(webhook, now_ms=now_ms, lease_ms=LEASE_MS, limit=limit)
    )
