"""Spans in the JSON of the OpenTelemetry protocol."""

import json

from penfold.proto.otlp import Link, Span, SpanKind, encode_spans


def test_a_span_is_printed_as_the_protocol_wants_it():
    span = Span(
        trace_id="a" * 32,
        span_id="b" * 16,
        parent_id="c" * 16,
        name="batch",
        kind=SpanKind.SERVER,
        start_ns=1_790_000_000_000_000_001,
        end_ns=1_790_000_000_000_000_002,
        attributes={"text": "é", "count": 7, "share": 0.5, "yes": True},
        links=(Link("d" * 32, "e" * 16),),
        failed=True,
    )
    [batch] = json.loads(encode_spans([span], {"service.name": "x"}, version="1"))["resourceSpans"]
    assert batch["resource"]["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "x"}}
    ]
    [scope] = batch["scopeSpans"]
    assert scope["scope"] == {"name": "penfold", "version": "1"}
    assert scope["spans"] == [
        {
            "traceId": "a" * 32,
            "spanId": "b" * 16,
            "parentSpanId": "c" * 16,
            "name": "batch",
            "kind": 2,
            "startTimeUnixNano": "1790000000000000001",
            "endTimeUnixNano": "1790000000000000002",
            "attributes": [
                {"key": "text", "value": {"stringValue": "é"}},
                {"key": "count", "value": {"intValue": "7"}},
                {"key": "share", "value": {"doubleValue": 0.5}},
                {"key": "yes", "value": {"boolValue": True}},
            ],
            "links": [{"traceId": "d" * 32, "spanId": "e" * 16}],
            "status": {"code": 2},
        }
    ]


def test_a_root_that_went_well_says_no_more_and_ends_no_earlier_than_it_began():
    span = Span(trace_id="a" * 32, span_id="b" * 16, name="x", start_ns=5, end_ns=3)
    text = encode_spans([span], {}, version="1")
    [found] = json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert not {"parentSpanId", "links", "status"} & found.keys()
    assert (found["kind"], found["endTimeUnixNano"]) == (1, "5")
