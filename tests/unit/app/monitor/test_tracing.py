"""Spans: whose children they are, which traces are recorded, and what becomes of them."""

import os
import random
import threading
from types import SimpleNamespace

import pytest

from penfold.app.monitor.logs import LineLog
from penfold.app.monitor.metrics import Counters, load_totals, read_total
from penfold.app.monitor.observe_http import HttpObserver
from penfold.app.monitor.trace_export import SpanExporter
from penfold.app.monitor.tracing import Tracer, current, find_current, link_of
from penfold.app.process import http_process, process
from penfold.base.clock import FixedClock
from penfold.base.limits import SPANS_WAITING_MAX
from penfold.front.http.registration import find_handlers
from penfold.ports.http_out import NoAnswerError
from penfold.proto.otlp import Span, SpanKind
from penfold.proto.trace_context import TraceParent
from penfold.spec.metrics import SPANS
from penfold.spec.settings import Settings
from penfold.spec.traces import HANDLER, SPAN_TYPES


class Kept(list):
    add = list.append


def make_tracer(share=1.0):
    kept = Kept()
    return Tracer(kept, random.Random(7), share), kept


def test_a_span_under_another_is_its_child_and_outside_there_is_none():
    tracer, kept = make_tracer()
    root = tracer.begin("x", SpanKind.SERVER, None)
    with current(root), tracer.child(HANDLER, {"penfold.method": "batch"}):
        assert find_current().name == "handler"
    tracer.end(root)
    child, parent = kept
    assert (child.trace_id, child.parent_id) == (parent.trace_id, parent.span_id)
    assert child.attributes == {"penfold.method": "batch"}
    with tracer.child(HANDLER, {}) as nothing:
        assert nothing is None
    assert len(kept) == 2


def test_a_span_ends_when_what_it_is_about_fails():
    tracer, kept = make_tracer()
    root = tracer.begin("x", SpanKind.SERVER, None)
    with pytest.raises(KeyError), current(root), tracer.child(HANDLER, {}):
        raise KeyError
    assert [span.name for span in kept] == ["handler"]


def test_an_attribute_that_is_not_declared_is_refused():
    tracer, _ = make_tracer()
    span = tracer.begin("x", SpanKind.SERVER, None)
    with pytest.raises(ValueError, match="subject"):
        span.put(HANDLER, {"subject": "x"})


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_so_many_of_the_traces_that_begin_here_are_recorded(share):
    tracer, _ = make_tracer(share)
    begun = [tracer.begin("x", SpanKind.SERVER, None) for _ in range(4_000)]
    assert sum(span is not None for span in begun) / 4_000 == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("sampled", [True, False])
def test_a_caller_decides_for_its_own_traces(sampled):
    tracer, _ = make_tracer(0.0 if sampled else 1.0)
    span = tracer.begin("x", SpanKind.SERVER, TraceParent("a" * 32, "b" * 16, sampled))
    assert (span is not None) == sampled
    if sampled:
        assert (span.trace_id, span.parent_id) == ("a" * 32, "b" * 16)


def test_the_trace_of_an_outbox_row_is_the_same_in_every_process_and_another_for_each():
    assert link_of("m1", 7) == link_of("m1", 7)
    assert len({link_of(box, number).trace_id for box in ("m1", "m2") for number in range(9)}) == 18


def test_no_span_type_declares_what_may_hold_a_secret():
    names = {name for each in SPAN_TYPES for name in each.attributes}
    for word in (
        "url",
        "path",
        "query",
        "address",
        "sender",
        "recipient",
        "subject",
        "token",
        "user",
        "header",
    ):
        found = {n for n in names if word in n} - {"server.address", "penfold.recipients"}
        assert found == set(), "server.address is another mail server, recipients a number"


def test_without_a_collector_nothing_is_wrapped_around_requests():
    stores = object()
    core = SimpleNamespace(
        tracer=None, log=None, counters=SimpleNamespace(count_request=None), slow=None
    )
    observe, handlers, mailboxes = http_process._watch(core, stores)
    assert type(observe) is HttpObserver
    assert handlers == find_handlers()
    assert mailboxes is stores
    assert process.open_exporter(SimpleNamespace(settings=Settings()), None, None) is None


# --- sending -------------------------------------------------------------------------------


class Poster:
    def __init__(self):
        self.answer = 200
        self.taken = []
        self.asked = threading.Event()

    def send_post(self, url, headers, body):
        self.asked.set()
        if self.answer is None:
            raise NoAnswerError("nobody answers")
        self.taken.append((url, body))
        return self.answer


@pytest.fixture
def sending(tmp_path):
    reader, writer = os.pipe()
    counters = Counters(tmp_path / "x.metrics")
    log = LineLog(writer, form="json", process="x", clock=FixedClock())
    poster = Poster()
    exporter = SpanExporter("http://c.example", {}, poster=poster, log=log, counters=counters)

    def count(outcome):
        return read_total(load_totals(tmp_path), SPANS, outcome)

    yield exporter, poster, count
    exporter.close()
    counters.close()
    os.close(reader)
    os.close(writer)


def span():
    return Span(trace_id="a" * 32, span_id="b" * 16, name="x", start_ns=0, end_ns=1)


def test_what_waits_is_sent_when_the_process_stops(sending):
    exporter, poster, count = sending
    exporter.add(span())
    exporter.close()
    exporter.close()
    [(url, body)] = poster.taken
    assert url == "http://c.example/v1/traces"
    assert b'"traceId"' in body
    assert count("sent") == 1


@pytest.mark.parametrize("answer", [None, 400, 503])
def test_spans_that_nobody_takes_are_dropped_and_counted(sending, answer):
    exporter, poster, count = sending
    poster.answer = answer
    exporter.add(span())
    exporter.close()
    assert (count("sent"), count("dropped")) == (0, 1)


def test_no_more_than_so_many_wait(sending):
    exporter, poster, count = sending
    gate = threading.Event()
    send, poster.send_post = (
        poster.send_post,
        lambda *args: (poster.asked.set(), gate.wait(20), send(*args))[2],
    )
    exporter.add(span())
    exporter._awake.set()
    assert poster.asked.wait(20)
    for _ in range(SPANS_WAITING_MAX + 10):
        exporter.add(span())
    assert count("dropped") == 10
    gate.set()
