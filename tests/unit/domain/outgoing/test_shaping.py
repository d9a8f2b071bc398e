"""Servers that want less of us get less, and silent ones are left alone."""

import pytest

from penfold.base.clock import FixedClock
from penfold.base.limits import CIRCUIT_FIRST_S, CIRCUIT_LAST_S, SITES_MAX, SLOW_DOWN_S
from penfold.domain.outgoing.shaping import Sites
from penfold.proto.exchangers import Host, Route, Verdict
from penfold.proto.smtp.outcomes.classify import classify
from penfold.proto.smtp.stage import Stage
from penfold.spec.relays import Relay
from penfold.spec.shapes import merge_shapes, parse_shapes

SLOWER = classify(Stage.MAIL, 421, "4.7.28", "too many messages, slow down")
SILENT = classify(Stage.CONNECT, 0, "4.4.1")
REFUSED = classify(Stage.RCPT, 550, "5.1.1", "no such user")


def route(host):
    return Route(Verdict.HOSTS, "box.example", (Host(host, ("192.0.2.1",)),))


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def sites(clock):
    return Sites(clock)


def test_domains_at_one_provider_share_a_site_and_others_have_their_own(sites):
    one = sites.find("one.example", route("aspmx.l.google.com"))
    two = sites.find("two.example", route("alt1.aspmx.l.google.com"))
    own = sites.find("own.example", route("mx.own.example"))
    assert one is two
    assert sites.list_domains(one.name) == {"one.example", "two.example"}
    assert sites.list_domains(own.name) == {"own.example"}
    assert sites.find_share(one).connections == 5
    assert one.shape.encrypted
    assert not own.shape.encrypted


def test_a_domain_without_servers_is_a_site_of_its_own(sites):
    assert sites.find("none.example", Route(Verdict.NO_DOMAIN, "none.example")).name


def test_a_complaint_halves_what_is_used_down_to_one(sites):
    site = sites.find("own.example", route("mx.own.example"))
    shares = []
    for _ in range(5):
        assert sites.note("own.example", site, SLOWER, reached=True) == SLOW_DOWN_S
        shares.append(sites.find_share(site).connections)
    assert shares == [5, 2, 1, 1, 1]


def test_it_comes_back_by_a_tenth_for_each_ten_quiet_minutes(sites, clock):
    site = sites.find("own.example", route("mx.own.example"))
    sites.note("own.example", site, SLOWER, reached=True)
    clock.advance(s=3 * 600)
    assert sites.find_share(site).connections == 6
    clock.advance(days=30)
    assert sites.find_share(site).connections == 10


def test_the_third_silence_in_a_row_closes_a_domain_for_longer_and_longer(sites):
    site = sites.find("own.example", route("mx.own.example"))
    holds = [sites.note("own.example", site, SILENT, reached=False) for _ in range(9)]
    assert holds[:5] == [0, 0, CIRCUIT_FIRST_S, 2 * CIRCUIT_FIRST_S, 4 * CIRCUIT_FIRST_S]
    assert holds[-1] == CIRCUIT_LAST_S


@pytest.mark.parametrize(("outcome", "reached"), [(REFUSED, True), (SILENT, True)])
def test_any_answer_opens_it_again(sites, outcome, reached):
    site = sites.find("own.example", route("mx.own.example"))
    for _ in range(4):
        sites.note("own.example", site, SILENT, reached=False)
    assert sites.note("own.example", site, outcome, reached=reached) == 0
    assert sites.note("own.example", site, SILENT, reached=False) == 0


def test_what_is_remembered_is_bounded(sites):
    for n in range(SITES_MAX + 5):
        sites.find(f"d{n}.example", route(f"mx.d{n}.example"))
    first = sites.find("d0.example", route("mx.d0.example"))
    again = sites.find("d0.example", route("mx.d0.example"))
    assert first is again
    assert len(sites._sites) == len(sites._names) == SITES_MAX


RELAY = Relay(host="hub.example", domains=("*",), user="al", password_file="/pw")


def note(sites, site, outcome, **how):
    how = {"reached": True, "at_fault": False, "login": False, "why": "said so"} | how
    sites.note_relay(site, outcome, **how)


def test_a_relay_is_one_site_for_all_domains_and_tried_by_one_until_it_lets_us_in(sites):
    one = sites.find_relay(RELAY)
    assert sites.find_relay(RELAY) is one
    assert sites.name_relay(RELAY) == one.name
    assert sites.list_domains(one.name) == set()
    assert sites.find_room(one) == 1
    note(sites, one, REFUSED)  # of a recipient, so the login was good
    assert sites.find_room(one) == sites.find_share(one).connections == 10


def test_a_login_that_is_refused_again_and_again_holds_the_relay_for_longer_and_longer(
    sites, clock
):
    site = sites.find_relay(RELAY)
    holds = []
    for _ in range(6):
        note(sites, site, SILENT, at_fault=True, login=True)
        holds.append((site.held_ms - clock.now_ms()) // 1000)
    assert holds[:3] == [CIRCUIT_FIRST_S, 2 * CIRCUIT_FIRST_S, 4 * CIRCUIT_FIRST_S]
    assert holds[-1] == CIRCUIT_LAST_S
    assert sites.is_held(site)
    clock.advance(s=CIRCUIT_LAST_S)
    assert not sites.is_held(site)


def test_a_relay_that_wants_less_gets_less_and_is_left_alone_when_it_says_so_of_itself(sites):
    site = sites.find_relay(RELAY)
    note(sites, site, REFUSED)
    note(sites, site, SLOWER)  # of one recipient
    assert sites.find_share(site).connections == 5
    assert not sites.is_held(site)
    note(sites, site, SLOWER, at_fault=True)
    assert sites.is_held(site)


def test_a_silent_relay_is_left_alone_at_the_third_time(sites):
    site = sites.find_relay(RELAY)
    held = []
    for _ in range(3):
        note(sites, site, SILENT, reached=False, at_fault=True)
        held.append(sites.is_held(site))
    assert held == [False, False, True]


def test_shapes_of_the_settings_count(clock):
    sites = Sites(clock, merge_shapes(parse_shapes({"others": {"connections": 3}})))
    assert sites.find_share(sites.find_relay(RELAY)).connections == 3
