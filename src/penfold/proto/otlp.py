"""Spans as the OpenTelemetry protocol sends them: JSON of opentelemetry.proto.trace.v1.

OTLP 1.x, JSON Protobuf encoding (documented): ids are hex strings, 64-bit integers are decimal
strings, enums are numbers, names are in lowerCamelCase.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from msgspec import Struct

Value = str | int | float | bool


class SpanKind(IntEnum):
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4


class Link(Struct, frozen=True, gc=False):
    """A span of another trace that this one led to, or came of."""

    trace_id: str
    span_id: str


class Span(Struct, frozen=True, gc=False, kw_only=True):
    """Times in nanoseconds since 1970. parent_id: "" for a root. failed: its status is ERROR."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    name: str
    kind: SpanKind = SpanKind.INTERNAL
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Value] = {}
    links: tuple[Link, ...] = ()
    failed: bool = False


#: StatusCode of opentelemetry.proto.trace.v1.Status.
_ERROR = 2


def encode_spans(spans: Iterable[Span], resource: Mapping[str, Value], *, version: str) -> bytes:
    """Return the body of POST /v1/traces. resource: what all of them came from."""
    document = {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [
                    {
                        "scope": {"name": "penfold", "version": version},
                        "spans": [_span(span) for span in spans],
                    }
                ],
            }
        ]
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _span(span: Span) -> dict[str, Any]:
    document: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(max(span.start_ns, span.end_ns)),
        "attributes": _attributes(span.attributes),
    }
    if span.parent_id:
        document["parentSpanId"] = span.parent_id
    if span.links:
        document["links"] = [
            {"traceId": link.trace_id, "spanId": link.span_id} for link in span.links
        ]
    if span.failed:
        document["status"] = {"code": _ERROR}
    return document


def _attributes(values: Mapping[str, Value]) -> Sequence[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value}
