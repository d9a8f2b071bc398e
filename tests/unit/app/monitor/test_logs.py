"""Log lines: declared fields only, one line each, whatever is in the values."""

import json
import logging
import os
import select

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.app.monitor.logs import LineLog, bridge_logging
from penfold.base.clock import FixedClock
from penfold.spec.events import EVENTS, LIBRARY, PREPARED, PROCESS_DIED, REQUEST, STOPPED

NOW = 1_790_000_000_123


def emitted(event, form="json", **fields):
    reader, writer = os.pipe()
    log = LineLog(writer, form=form, process="http-0", clock=FixedClock(NOW))
    try:
        log.emit(event, **fields)
    finally:
        os.close(writer)
        with os.fdopen(reader, "rb") as file:
            data = file.read()
    return data.decode()


def test_a_json_line_carries_time_event_process_and_fields():
    line = json.loads(emitted(REQUEST, id="r1", status=200, ms=1.5))
    assert line == {
        "at": "2026-09-21T14:13:20.123Z",
        "event": "request",
        "process": "http-0",
        "id": "r1",
        "status": 200,
        "ms": 1.5,
    }


def test_a_text_line_reads_well():
    line = emitted(PROCESS_DIED, "text", role="http", index=0, status=-9)
    assert line == "14:13:20.123 http-0  ERROR process_died role=http index=0 status=-9\n"


def test_trouble_says_how_bad_it_is():
    assert json.loads(emitted(PROCESS_DIED, role="http"))["severity"] == "error"


@pytest.mark.parametrize("form", ["json", "text"])
def test_fields_without_a_value_are_left_out(form):
    assert "account" not in emitted(REQUEST, form, id="x", account=None)


def test_a_field_that_is_not_declared_cannot_be_logged():
    with pytest.raises(ValueError, match="has no field password"):
        emitted(REQUEST, password="secret")


@pytest.mark.parametrize("form", ["json", "text"])
@given(value=st.text() | st.binary())
def test_no_value_breaks_a_line_or_forges_one(form, value):
    line = emitted(LIBRARY, form, message=value)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert "\r" not in line
    assert "\x1b" not in line


def test_a_log_nobody_reads_does_not_stop_the_program():
    reader, writer = os.pipe()
    os.close(reader)
    LineLog(writer, form="json", process="x", clock=FixedClock()).emit(REQUEST, id="x")
    os.close(writer)


def test_libraries_speak_in_the_same_log():
    reader, writer = os.pipe()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        bridge_logging(LineLog(writer, form="json", process="x", clock=FixedClock(NOW)))
        logging.getLogger("some.library").warning("careful: %s", "thing")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        os.close(writer)
    with os.fdopen(reader) as file:
        line = json.loads(file.read())
    assert (line["event"], line["logger"]) == ("library_trouble", "some.library")
    assert line["message"] == "careful: thing"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_no_event_declares_a_field_for_secrets_or_content(event):
    banned = {"password", "token", "secret", "authorization", "body", "raw", "query", "cookie", "q"}
    assert not event.fields & banned
    assert event.sentence.endswith(".")


def test_event_names_are_unique():
    assert len({event.name for event in EVENTS}) == len(EVENTS)


class Calls:
    """What an event loop would call at the end of its turn."""

    def __init__(self):
        self.waiting = []

    def __call__(self, call):
        self.waiting.append(call)

    def run(self):
        while self.waiting:
            self.waiting.pop()()


def test_lines_of_one_turn_go_out_in_writes_a_pipe_takes_whole():
    # A packet pipe keeps the borders of writes.
    reader, writer = os.pipe2(os.O_DIRECT)
    log = LineLog(writer, form="json", process="http-0", clock=FixedClock(NOW))
    soon = Calls()
    log.gather(soon)
    for number in range(100):
        log.emit_soon(REQUEST, id=f"r{number}", path="/" + "p" * (number * 10))
    soon.run()
    os.close(writer)
    writes = list(iter(lambda: os.read(reader, 1 << 16), b""))
    os.close(reader)
    assert all(len(octets) <= select.PIPE_BUF for octets in writes)
    assert all(octets.endswith(b"\n") for octets in writes)
    ids = [json.loads(line)["id"] for line in b"".join(writes).splitlines()]
    assert ids == [f"r{number}" for number in range(100)]
    assert len(writes) < 30


def test_details_of_a_start_are_kept_from_a_terminal_where_the_banner_says_them():
    reader, terminal = os.openpty()
    try:
        log = LineLog(terminal, form="text", process="serve", clock=FixedClock(NOW))
        log.emit(PREPARED, created=True)
        log.emit(STOPPED, ms=1)
        shown = os.read(reader, 4096).decode()
    finally:
        os.close(reader)
        os.close(terminal)
    assert "stopped" in shown
    assert "prepared" not in shown
