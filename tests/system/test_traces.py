"""A request that sends mail is one trace to the store, with a link to the trace of its delivery."""

import base64
import json
import smtplib
import urllib.request
from contextlib import ExitStack, redirect_stdout
from io import StringIO

import pytest
from tests.collector import attributes_of, collect
from tests.sink import Sink
from tests.until import until

from penfold.app.command.commands import run_command
from penfold.proto.dns import Exchange
from penfold.testing.dns import DnsServer
from penfold.testing.server import configure, serve

ZONES = {
    "away.example": {"MX": [Exchange(10, "mail.away.example")]},
    "mail.away.example": {"A": ["127.0.0.1"]},
}
API = "gmail.users"
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
MAIL = (
    b"From: al@home.example\r\nTo: kim@away.example\r\nSubject: CANARYsubject\r\n\r\nCANARYbody\r\n"
)


class World:
    def __init__(self, stack, folder):
        self.collector = stack.enter_context(collect())
        sink = Sink()
        stack.enter_context(sink.serve())
        dns = stack.enter_context(DnsServer(ZONES))
        config = configure(
            folder / "data",
            domains=["home.example"],
            hostname="mail.home.example",
            dns_servers=[f"127.0.0.1:{dns.port}"],
            delivery_reach="loopback",
            delivery_port=sink.port,
            otlp_endpoint=self.collector.endpoint,
        )
        self.server = stack.enter_context(serve(config, log=folder / "log"))
        out = StringIO()
        with redirect_stdout(out):  # here, because a process of its own takes a second
            for command in ("user add al@home.example", "token al@home.example"):
                assert run_command([*command.split(), "--data", str(config)]) == 0
        self.token = out.getvalue().split()[-1]
        self.log = folder / "log"

    def ask(self, path, document=None, *, traceparent=""):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if traceparent:
            headers["traceparent"] = traceparent
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(
            f"{self.server.http}/gmail/v1/users/me/{path}", body, headers
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def send(self, **options):
        raw = base64.urlsafe_b64encode(MAIL).decode()
        self.ask("messages/send", {"raw": raw}, **options)

    def wait(self, name, **wanted):
        """Return the first span of a name with these attributes."""
        return until(lambda: self.collector.named(name, **wanted), what=f"a span {name}")[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with ExitStack() as stack:
        yield World(stack, tmp_path_factory.mktemp("traces"))


def test_a_request_that_sends_is_a_trace_from_its_caller_to_the_attempt_to_deliver(world):
    world.send(traceparent=f"00-{TRACE}-{CALLER}-01")
    sent = f"{API}.messages.send"
    request = until(lambda: [x for x in world.collector.named(sent) if x["traceId"] == TRACE])[0]
    assert (request["traceId"], request["parentSpanId"]) == (TRACE, CALLER)
    assert attributes_of(request)["http.response.status_code"] == 200
    change = next(x for x in world.collector.named("store.change") if x["traceId"] == TRACE)
    assert change["parentSpanId"] == request["spanId"]
    handlers = world.collector.named("handler", penfold__method=sent)
    [handler] = [x for x in handlers if x["traceId"] == TRACE]
    assert handler["parentSpanId"] == change["spanId"]
    [link] = change["links"]

    def find(name):
        found = [x for x in world.collector.named(name) if x["traceId"] == link["traceId"]]
        return found and found[0]

    assert until(lambda: find("queue.add"))["spanId"] == link["spanId"]
    attempt = until(lambda: find("delivery.attempt"))
    assert attempt["parentSpanId"] == link["spanId"]
    assert attributes_of(attempt)["penfold.kind"] == "accepted"
    [server] = [
        x for x in world.collector.named("smtp.delivery") if x["parentSpanId"] == attempt["spanId"]
    ]
    assert attributes_of(server)["server.address"] == "mail.away.example"
    assert attributes_of(server)["smtp.reply_code"] == 250
    for outer, inner in ((request, change), (change, handler), (attempt, server)):
        assert int(outer["startTimeUnixNano"]) <= int(inner["startTimeUnixNano"])
        assert int(inner["endTimeUnixNano"]) <= int(outer["endTimeUnixNano"])


def test_a_caller_that_does_not_record_is_followed_and_one_without_a_header_begins_a_trace(world):
    other = "a" * 32
    world.ask("labels", traceparent=f"00-{other}-{CALLER}-00")
    world.ask("profile")
    profile = world.wait(f"{API}.getProfile")
    assert "parentSpanId" not in profile
    read = next(
        x for x in world.collector.named("store.read") if x["traceId"] == profile["traceId"]
    )
    assert read["parentSpanId"] == profile["spanId"]
    assert [span for span in world.collector.spans if span["traceId"] == other] == []


def test_work_in_a_thread_and_calls_of_a_batch_stand_under_their_request(world):
    world.ask("messages?q=hello")
    listed = world.wait(f"{API}.messages.list")
    reads = [x for x in world.collector.named("store.read") if x["traceId"] == listed["traceId"]]
    # On the event loop, where it turns out to be more than brief, and then in a thread.
    assert [x["parentSpanId"] for x in reads] == [listed["spanId"]] * 2
    part = b"--b\r\nContent-Type: application/http\r\n\r\nGET /gmail/v1/users/me/labels\r\n\r\n"
    request = urllib.request.Request(
        f"{world.server.http}/batch/gmail/v1",
        part * 2 + b"--b--\r\n",
        {"Authorization": f"Bearer {world.token}", "Content-Type": "multipart/mixed; boundary=b"},
    )
    urllib.request.urlopen(request, timeout=20).close()
    batch = world.wait("batch")
    parts = [
        x
        for x in world.collector.spans
        if x.get("parentSpanId") == batch["spanId"] and x["name"] == f"{API}.labels.list"
    ]
    assert len(parts) == 2


def test_a_message_by_smtp_is_a_span(world):
    host, _, port = world.server.smtp.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=20) as smtp:
        smtp.sendmail("x@away.example", ["al@home.example"], MAIL)
    span = world.wait("smtp.message", penfold__listener="smtp")
    assert attributes_of(span)["smtp.reply_code"] == 250


def test_no_span_holds_an_address_a_subject_a_body_or_a_token(world):
    world.send()
    world.ask("messages?q=hello")
    assert world.wait("smtp.delivery")
    assert world.wait(f"{API}.messages.list")
    octets = world.collector.octets
    for secret in (b"CANARY", world.token.encode(), b"al@", b"kim@", b"/users/me", b"q=hello"):
        assert secret not in octets
    names = {each["service.instance.id"] for each in world.collector.resources}
    assert names == {"mail.home.example/http-0", "mail.home.example/mail-0"}


def test_a_collector_that_fails_costs_spans_and_one_line_not_a_request(world):
    world.collector.status = 503
    try:
        for _ in range(3):
            world.ask("profile")
        line = until(
            lambda: [x for x in world.log.read_text().splitlines() if "traces_unsent" in x]
        )
        assert "it answered 503" in line[0]
    finally:
        world.collector.status = 200
