"""The resolver against a real server on this machine, which also behaves badly."""

import asyncio
import random
import socket

import pytest

from penfold.base.clock import FixedClock
from penfold.net.dns import Patience, Resolver, load_resolvers
from penfold.proto.dns import Answer, Association, Exchange, Question, Status
from penfold.proto.resolv_conf import Resolvers, Server
from penfold.testing.dns import DnsServer, Entry, Mishap

ZONES = {
    "example.org": {
        "MX": [Exchange(10, "mx.example.org"), Exchange(20, "mx.example.net")],
        "TXT": [b"v=spf1 -all", b"x" * 700],
    },
    "mx.example.org": {"A": Entry(["192.0.2.1"], ttl_s=60, secure=True), "AAAA": ["2001:db8::1"]},
    "_25._tcp.mx.example.org": {"TLSA": [Association(3, 1, 1, b"d" * 32)]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.org"]},
    "www.example.org": {"CNAME": Entry(["mx.example.org"], secure=True)},
    "half.example.org": {
        "CNAME": ["www.example.org"],
        "A": Mishap.UNFOLLOWED,
        "TLSA": Mishap.UNFOLLOWED,
    },
    "circle.example.org": {"CNAME": ["circle.example.org"]},
    "loop-a.example.org": {"CNAME": ["loop-b.example.org"], "A": Mishap.UNFOLLOWED},
    "loop-b.example.org": {"CNAME": ["loop-a.example.org"], "A": Mishap.UNFOLLOWED},
}
BELIEVED = ["wrong-number", "wrong-name", "wrong-kind", "a-question"]
#: Quick to give up: for what is never answered.
HASTY = Patience(total_s=0.3, try_s=0.1, rounds=1)


def resolver_of(*servers, trusted=True, clock=None, patience=Patience()):  # noqa: B008 - frozen
    return Resolver(
        Resolvers(tuple(Server(server.host, server.port) for server in servers), trusted),
        clock=clock or FixedClock(),
        chance=random.Random(7),
        patience=patience,
    )


def ask(resolver, *questions):
    """Return the answers, one after the other."""

    async def run():
        return [await resolver.ask(question) for question in questions]

    return asyncio.run(run())


@pytest.fixture
def server():
    with DnsServer(ZONES) as server:
        yield server


@pytest.mark.parametrize(
    ("name", "kind"),
    [(n, k) for n, rows in ZONES.items() for k in rows if k != "CNAME" and n[:4] not in ("half", "loop")],
)  # fmt: skip
def test_records_of_a_zone_are_found(server, name, kind):
    (answer,) = ask(resolver_of(server), Question(name, kind))
    entry = ZONES[name][kind]
    assert answer.status is Status.FOUND
    assert answer.records == tuple(getattr(entry, "records", entry))


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("gone.example.org", "A", Status.ABSENT),
        ("example.org", "A", Status.NOTHING),
        ("_tcp.mx.example.org", "A", Status.NOTHING),
        ("a..b", "A", Status.ABSENT),
        ("é.example", "A", Status.ABSENT),
        ("circle.example.org", "A", Status.FAILED),
        ("loop-a.example.org", "A", Status.FAILED),
    ],
)
def test_what_is_not_found_is_told_apart(server, name, kind, status):
    (answer,) = ask(resolver_of(server), Question(name, kind))
    assert answer == Answer(status)


def test_chain_of_aliases_is_followed_by_the_server_or_by_us(server):
    resolver = resolver_of(server)
    whole, half, none = ask(
        resolver,
        Question("www.example.org", "A"),
        Question("half.example.org", "A"),
        Question("half.example.org", "TLSA"),
    )
    assert whole.addresses == half.addresses == ("192.0.2.1",)
    assert whole.secure
    assert not half.secure  # its first link is not
    assert none.status is Status.NOTHING


def test_answer_too_long_for_udp_comes_by_tcp():
    records = [bytes([65 + n]) * 1_500 for n in range(30)]
    with DnsServer({"big.example": {"TXT": records, "A": Mishap.TRUNCATED}}) as server:
        resolver = resolver_of(server)
        big, cut = ask(resolver, Question("big.example", "TXT"), Question("big.example", "A"))
        assert list(big.texts) == records
        assert cut.status is Status.NOTHING
        assert server.by_tcp == {("big.example", "TXT"): 1, ("big.example", "A"): 1}
        assert resolver.counts.by_tcp == 2


@pytest.mark.parametrize("mishap", BELIEVED)
def test_datagram_that_answers_something_else_is_passed_over(mishap):
    with DnsServer({"x.example": {"A": Entry(["192.0.2.1"], mishap=Mishap(mishap))}}) as server:
        (answer,) = ask(resolver_of(server), Question("x.example", "A"))
        assert answer.addresses == ("192.0.2.1",)
        assert server.asked.total() == 1


@pytest.mark.parametrize("mishap", [Mishap.SERVFAIL, Mishap.REFUSED, Mishap.BROKEN, Mishap.SILENCE])
def test_other_server_is_asked_when_one_fails(mishap):
    good = {"x.example": {"A": ["192.0.2.1"]}}
    bad = {"x.example": {"A": Entry(["192.0.2.66"], mishap=mishap)}}
    patience = Patience(try_s=0.1) if mishap is Mishap.SILENCE else Patience()
    with DnsServer(bad) as first, DnsServer(good) as second:
        resolver = resolver_of(first, second, patience=patience)
        (answer,) = ask(resolver, Question("x.example", "A"))
        assert answer.addresses == ("192.0.2.1",)
        assert first.asked.total() == 1


def test_server_that_keeps_silent_is_asked_last_from_then_on():
    silent = {name: {"A": Mishap.SILENCE} for name in ("x.example", "y.example")}
    good = {name: {"A": ["192.0.2.1"]} for name in silent}
    with DnsServer(silent) as first, DnsServer(good) as second:
        resolver = resolver_of(first, second, patience=Patience(try_s=0.1))
        ask(resolver, *(Question(name, "A") for name in silent))
        assert first.asked == {("x.example", "A"): 1}


@pytest.mark.parametrize("mishap", [Mishap.SERVFAIL, Mishap.REFUSED, Mishap.BROKEN, Mishap.SILENCE])
def test_question_nobody_answers_fails_and_is_not_asked_again_at_once(mishap):
    clock = FixedClock()
    question = Question("x.example", "A")
    with DnsServer({"x.example": {"A": mishap}}) as server:
        resolver = resolver_of(server, patience=HASTY, clock=clock)
        assert ask(resolver, question, question) == [Answer(Status.FAILED)] * 2
        assert server.asked.total() == 1
        assert (resolver.counts.asked, resolver.counts.failed, resolver.counts.kept) == (1, 1, 1)
        clock.advance(s=5)
        server.answers.zones["x.example"] = {"A": ["192.0.2.1"]}
        assert ask(resolver, question)[0].addresses == ("192.0.2.1",)


def test_total_time_ends_what_tries_would_go_on_with():
    with DnsServer({"x.example": {"A": Mishap.SILENCE}}) as server:
        resolver = resolver_of(server, patience=Patience(total_s=0.1, try_s=60))
        assert ask(resolver, Question("x.example", "A")) == [Answer(Status.FAILED)]


def test_port_nobody_listens_at_fails():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    resolver = Resolver(
        Resolvers((Server("127.0.0.1", port),), trusted=True),
        clock=FixedClock(),
        chance=random.Random(7),
        patience=Patience(try_s=0.5),
    )
    assert ask(resolver, Question("x.example", "A")) == [Answer(Status.FAILED)]


def test_server_without_edns_is_asked_without():
    with DnsServer({"x.example": {"A": Entry(["192.0.2.1"], mishap=Mishap.NO_EDNS)}}) as server:
        (answer,) = ask(resolver_of(server), Question("x.example", "A"))
        assert answer.addresses == ("192.0.2.1",)
        assert server.asked.total() == 2


def test_authenticated_data_are_believed_from_a_trusted_server_only(server):
    question = Question("mx.example.org", "A")
    assert ask(resolver_of(server), question)[0].secure
    assert not ask(resolver_of(server, trusted=False), question)[0].secure


def test_answer_is_kept_for_its_time(server):
    clock = FixedClock()
    resolver = resolver_of(server, clock=clock)
    question = Question("mx.example.org", "A")
    ask(resolver, question, question)
    clock.advance(s=59)
    ask(resolver, question)
    assert server.asked == {("mx.example.org", "A"): 1}
    assert resolver.counts.kept == 2
    clock.advance(s=1)
    ask(resolver, question)
    assert server.asked == {("mx.example.org", "A"): 2}


def test_absence_is_kept_as_long_as_its_zone_says(server):
    clock = FixedClock()
    resolver = resolver_of(server, clock=clock)
    question = Question("gone.example.org", "A")
    ask(resolver, question)
    clock.advance(s=59)
    ask(resolver, question)
    clock.advance(s=1)
    ask(resolver, question)
    assert server.asked == {("gone.example.org", "A"): 2}


def test_one_question_in_flight_serves_all_who_ask_it(server):
    resolver = resolver_of(server)
    question = Question("example.org", "MX")

    async def run():
        return await asyncio.gather(*(resolver.ask(question) for _ in range(50)))

    answers = asyncio.run(run())
    assert len(answers) == 50
    assert len(set(map(id, answers))) == 1
    assert server.asked == {("example.org", "MX"): 1}
    assert (resolver.counts.asked, resolver.counts.joined) == (1, 49)


def test_who_stops_waiting_takes_the_answer_from_nobody(server):
    resolver = resolver_of(server)
    question = Question("example.org", "MX")

    async def run():
        impatient = asyncio.create_task(resolver.ask(question))
        patient = asyncio.create_task(resolver.ask(question))
        await asyncio.sleep(0)
        impatient.cancel()
        return await patient

    assert asyncio.run(run()).status is Status.FOUND


def test_closing_ends_what_is_in_flight():
    async def run(resolver):
        waiting = asyncio.create_task(resolver.ask(Question("x.example", "A")))
        await asyncio.sleep(0)
        await resolver.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    with DnsServer({"x.example": {"A": Mishap.SILENCE}}) as server:
        asyncio.run(run(resolver_of(server)))


def test_many_questions_at_a_time_all_get_their_own_answer():
    zones = {f"{n}.example": {"A": [f"192.0.2.{n}"]} for n in range(250)}
    with DnsServer(zones) as server:
        resolver = resolver_of(server)

        async def run():
            return await asyncio.gather(*(resolver.ask(Question(name, "A")) for name in zones))

        answers = asyncio.run(run())
    assert [answer.addresses for answer in answers] == [(f"192.0.2.{n}",) for n in range(250)]


def test_check_is_run_with_real_answers(server):
    def check():
        exchanges = yield Question("example.org", "MX")
        best = min(exchanges.exchanges)
        found = yield Question(best.host, "A")
        return found.addresses

    assert asyncio.run(resolver_of(server).run(check())) == ("192.0.2.1",)


def test_check_that_takes_too_long_has_failures_for_the_rest_of_its_questions():
    zones = {f"{n}.example": {"A": Mishap.SILENCE} for n in range(100)}

    def check():
        statuses = []
        for name in zones:
            answer = yield Question(name, "A")
            statuses.append(answer.status)
        return statuses

    async def run(resolver):
        statuses = await resolver.run(check(), within_s=0.1)
        await resolver.close()
        return statuses

    with DnsServer(zones) as server:
        assert asyncio.run(run(resolver_of(server))) == [Status.FAILED] * 100
        assert server.asked.total() <= 1


def test_case_of_a_name_means_nothing(server):
    first, second = ask(
        resolver_of(server), Question("MX.example.ORG", "A"), Question("mx.example.org", "A")
    )
    assert first.addresses == ("192.0.2.1",)
    assert first is second


def test_system_without_a_file_asks_itself(tmp_path):
    assert load_resolvers(tmp_path / "none") == Resolvers((Server("127.0.0.1"),), trusted=True)
    (tmp_path / "conf").write_bytes(b"nameserver 192.0.2.53 \xff\n")
    assert load_resolvers(tmp_path / "conf").servers == (Server("192.0.2.53"),)
