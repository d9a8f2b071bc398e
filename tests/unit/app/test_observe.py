"""Facts of the doors become log lines and numbers, and nothing secret with them."""

import json
import os
import re

import pytest
from tests.contract.sending_contract import event, new

from penfold.app.monitor.logs import LineLog
from penfold.app.monitor.metrics import Counters, load_totals, render
from penfold.app.monitor.observe_http import HttpObserver
from penfold.app.monitor.observe_smtp import SmtpObserver
from penfold.app.monitor.observe_stores import StoreObserver
from penfold.app.throttling import RefusalObserver
from penfold.base.clock import FixedClock
from penfold.base.errors import StorageFullError
from penfold.base.limits import SLOW_REQUEST_S
from penfold.domain.incoming.suspicion import Reason
from penfold.front.http.request import RequestFacts
from penfold.front.smtp.facts import ArrivalFacts, GreylistFacts, SessionFacts, TransactionFacts
from penfold.ports.queue import NewQueueRow, QueueState
from penfold.spec.events import FATAL, STOPPED
from penfold.spec.rates import SIGN_IN_ACCOUNT, SIGN_IN_NETWORK
from penfold.store.sqlite.queue import SqliteQueue
from penfold.store.sqlite.sending.book import SqliteSending


class World:
    def __init__(self, folder):
        self._folder = folder
        self._reader, self._writer = os.pipe()
        self.log = LineLog(self._writer, form="json", process="x", clock=FixedClock())
        self.counters = Counters(folder / "x.metrics")

    def lines(self):
        return [json.loads(line) for line in os.read(self._reader, 65_536).splitlines()]

    def page(self):
        return render(load_totals(self._folder), {}).decode()

    def close(self):
        os.close(self._reader)
        os.close(self._writer)
        self.counters.close()


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def request(**changed):
    facts = {
        "request_id": "r1",
        "method_id": "gmail.users.messages.get",
        "verb": "GET",
        "path": "/gmail/v1/users/me/messages/1",
        "status": 200,
        "reason": "",
        "seconds": 0.00123,
        "account_id": "m1",
        "client": "127.0.0.1",
        "app": "app1",
        "received": 0,
        "sent": 10,
        "error": None,
    }
    return RequestFacts(**facts | changed)


def transaction(**changed):
    facts = {
        "listener": "smtp",
        "session": "s1",
        "client": "192.0.2.1",
        "account": "",
        "stage": "data",
        "sender": "a@x.example",
        "recipients": ("b@penfold.test",),
        "size": 100,
        "code": 250,
        "ids": ("1a",),
        "duration_s": 0.01,
        "error": None,
    }
    return TransactionFacts(**facts | changed)


def test_a_request_is_one_line_and_one_count(world):
    HttpObserver(world.log, world.counters)(request())
    [line] = world.lines()
    assert (line["event"], line["id"], line["method"]) == ("request", "r1", request().method_id)
    assert (line["status"], line["ms"], line["account"], line["app"]) == (200, 1.23, "m1", "app1")
    assert "reason" not in line
    assert (
        'penfold_http_requests_total{method="gmail.users.messages.get",status="200"} 1'
        in world.page()
    )


def test_what_nobody_expected_is_a_line_of_its_own_with_the_request_id(world):
    HttpObserver(world.log, world.counters)(
        request(status=500, reason="backendError", error=ZeroDivisionError("by zero"))
    )
    first, second = world.lines()
    assert first["reason"] == "backendError"
    assert (second["event"], second["id"], second["error"]) == (
        "request_failed",
        "r1",
        "ZeroDivisionError",
    )
    assert second["severity"] == "error"


@pytest.mark.parametrize(
    ("code", "outcome"), [(250, "accepted"), (452, "deferred"), (554, "refused"), (0, "refused")]
)
def test_a_message_is_one_line_and_one_count(world, code, outcome):
    SmtpObserver(world.log, world.counters)(transaction(code=code))
    [line] = world.lines()
    assert (line["event"], line["status"], line["messages"]) == ("smtp_transaction", code, ["1a"])
    counted = f'penfold_smtp_messages_total{{listener="smtp",outcome="{outcome}"}} 1'
    assert counted in world.page()
    nothing = 'penfold_smtp_bytes_total{listener="smtp"} 0'
    assert (nothing in world.page()) == (outcome != "accepted")


def test_an_expected_error_of_smtp_is_a_reason_and_no_trace(world):
    SmtpObserver(world.log, world.counters)(transaction(code=452, error=StorageFullError()))
    [line] = world.lines()
    assert line["reason"] == StorageFullError.public


def test_an_unexpected_error_of_smtp_has_its_trace(world):
    SmtpObserver(world.log, world.counters)(transaction(code=451, error=KeyError("x")))
    assert [line["event"] for line in world.lines()] == ["smtp_transaction", "smtp_failed"]


def test_a_question_that_failed_is_no_message(world):
    SmtpObserver(world.log, world.counters)(transaction(stage="RCPT", code=451))
    assert not re.search(r"penfold_smtp_messages_total{.*} [1-9]", world.page())


class Noted(list):
    def note(self, *facts):
        self.append(facts)


def test_requests_and_messages_that_take_long_are_noted_and_others_are_not(world):
    noted = Noted()
    for seconds in (SLOW_REQUEST_S / 2, SLOW_REQUEST_S):
        HttpObserver(world.log, world.counters, noted)(request(seconds=seconds))
        SmtpObserver(world.log, world.counters, noted)(transaction(code=250, duration_s=seconds))
    http, smtp = noted
    assert http == (request().method_id, 200, SLOW_REQUEST_S, "r1", "m1")
    assert smtp[:3] == ("smtp", 250, SLOW_REQUEST_S)


def test_a_session_is_one_line(world):
    facts = SessionFacts(
        listener="submission",
        session="s1",
        client="192.0.2.1",
        helo="x\r\ny",
        tls="TLSv1.3",
        account="a@penfold.test",
        messages=2,
        errors=0,
        login_failures=1,
        bytes_in=5,
        refusal="",
        duration_s=1.0,
    )
    SmtpObserver(world.log, world.counters)(facts)
    [line] = world.lines()
    assert (line["event"], line["helo"], line["tls"]) == ("smtp_session", "x\r\ny", "TLSv1.3")
    assert (line["messages"], line["logins_failed"]) == (2, 1)
    for outcome in ("accepted", "refused"):
        counted = f'penfold_sign_ins_total{{door="submission",outcome="{outcome}"}} 1'
        assert counted in world.page()
    assert 'penfold_smtp_turned_away_total{listener="submission"} 0' in world.page()


def test_a_session_that_was_ended_counts_as_turned_away(world):
    facts = SessionFacts("smtp", "s1", "192.0.2.1", "", "", "", 0, 0, 0, 0, "421 4.7.0 no", 0.1)
    SmtpObserver(world.log, world.counters)(facts)
    assert 'penfold_smtp_turned_away_total{listener="smtp"} 1' in world.page()


def test_warnings_and_errors_are_counted_by_event_and_other_lines_are_not(world):
    told = []
    world.log.count_troubles(told.append)
    world.log.emit(STOPPED, ms=1)
    world.log.emit(FATAL, error="E", detail="x")
    assert told == [FATAL]


def test_a_message_for_the_queue_is_one_line_and_one_count(world, tmp_path):
    SqliteQueue(tmp_path / "queue.db", create=True).close()
    observer = StoreObserver(world.log, world.counters)
    queue = observer.open_queue(tmp_path / "queue.db", [].append)
    row = NewQueueRow(
        origin="m1",
        number=1,
        sender="a@x",
        recipient="b@y",
        subject="private",
        raw=b"private",
        created_ms=0,
    )
    queue.add([row], state=QueueState.CAPTURED)
    queue.close()
    observer.committed(3, 0.002)
    observer.damaged("m1", "CorruptError: disk image is malformed")
    delivery, damaged = world.lines()
    assert (delivery["event"], delivery["outcome"]) == ("delivery", "captured")
    assert "private" not in json.dumps(delivery)
    assert (damaged["event"], damaged["mailbox"]) == ("mailbox_damaged", "m1")
    assert "penfold_store_changes_per_commit_sum 3" in world.page()
    assert "penfold_store_commit_seconds_sum 0.002" in world.page()


def test_a_judged_message_becomes_a_line_with_its_reasons_and_numbers(world):
    observer = SmtpObserver(world.log, world.counters)
    observer(
        ArrivalFacts(
            session="s1",
            client="192.0.2.1",
            sender="a@x.example",
            author="x.example",
            outcome="spam",
            score=5,
            reasons=(Reason("spf_fail", detail="x.example"), Reason("spf_fail", 3, "x.example")),
            spf="fail",
            dkim=("temperror", "fail"),
            arc="none",
            dmarc="none",
            iprev="pass",
            scan="failed",
            scan_problem="no answer within 10 s",
            duration_s=0.0123,
        )
    )
    observer(GreylistFacts("s1", "192.0.2.1", "a@x.example", "b@penfold.test", "new"))
    arrival, greylisted = world.lines()
    assert arrival["reasons"] == ["spf_fail (x.example)", "spf_fail +3 (x.example)"]
    assert (arrival["outcome"], arrival["problem"]) == ("spam", "no answer within 10 s")
    assert greylisted["outcome"] == "new"
    page = world.page()
    for line in (
        'penfold_arrivals_total{outcome="spam"} 1',
        'penfold_arrival_reasons_total{reason="spf_fail"} 1',
        'penfold_arrival_results_total{method="dkim",result="fail"} 1',
        'penfold_arrival_scans_total{outcome="failed"} 1',
        'penfold_greylist_total{outcome="new"} 1',
        "penfold_arrival_seconds_count 1",
    ):
        assert line in page


def test_refusals_are_counted_each_and_told_once_in_ten_seconds_without_what_was_typed(world):
    clock = FixedClock()
    observe = RefusalObserver(world.log, world.counters, clock)
    for _ in range(3):
        observe(SIGN_IN_ACCOUNT, "my-password-in-the-wrong-field", 90)
    observe(SIGN_IN_NETWORK, "192.0.2.1", 18)
    clock.advance(s=10)
    observe(SIGN_IN_ACCOUNT, "alice@penfold.test", 80)
    told = [{k: line.get(k) for k in ("limit", "client", "count")} for line in world.lines()]
    assert told == [
        {"limit": "sign-in-account", "client": None, "count": 1},
        {"limit": "sign-in-network", "client": "192.0.2.1", "count": 1},
        {"limit": "sign-in-account", "client": None, "count": 3},
    ]
    assert 'penfold_rate_limit_refusals_total{limit="sign-in-account"} 4' in world.page()


def test_recipients_are_counted_once_they_are_durable_and_those_of_test_mail_are_not(
    world, tmp_path
):
    watch = StoreObserver(world.log, world.counters)
    book = SqliteSending(tmp_path / "sending.db", create=True, told=watch.counted)
    streams = (("otp", False), ("news", False), ("otp", True))

    def change(writer, fails):
        for n, (stream, test) in enumerate(streams):
            writer.add_email(new(n, stream=stream, test=test))
            writer.add_event(event(n + 1, "sent"))
        if fails:
            raise StorageFullError("full")

    with pytest.raises(StorageFullError):
        book.change(lambda writer: change(writer, fails=True))
    book.change(lambda writer: change(writer, fails=False))
    book.close()
    found = re.findall(r'recipients_total\{stream="(\w+)",event="(\w+)"\} 1', world.page())
    assert sorted(found) == [(s, e) for s in ("other", "otp") for e in ("accepted", "sent")]
