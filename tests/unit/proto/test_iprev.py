"""Reverse lookups: names that lead back, elsewhere, nowhere, or are not to be had."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.proto.mailauth.zone import Zone

from penfold.base.limits import IPREV_NAMES_MAX
from penfold.proto.dns import Answer, Status, run_check
from penfold.proto.iprev import Iprev, check_iprev

BACK = "3.2.0.192.in-addr.arpa"
BACK6 = "3." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        pytest.param({BACK: {"PTR": ["mx.x.example"]}, "mx.x.example": {"A": ["192.0.2.3"]}}, Iprev("pass", "mx.x.example"), id="back"),
        pytest.param({BACK: {"PTR": ["a.example", "MX.x.example."]}, "mx.x.example": {"A": ["192.0.2.9", "192.0.2.3"]}}, Iprev("pass", "mx.x.example"), id="second-name"),
        pytest.param({BACK: {"PTR": ["mx.x.example"]}, "mx.x.example": {"A": ["192.0.2.4"]}}, Iprev("fail", "mx.x.example"), id="elsewhere"),
        pytest.param({BACK: {"PTR": ["mx.x.example"]}}, Iprev("fail", "mx.x.example"), id="nowhere"),
        pytest.param({}, Iprev("permerror"), id="no-name"),
        pytest.param({BACK: {"PTR": ["no name!"]}}, Iprev("permerror"), id="unusable-name"),
        pytest.param({BACK: {"TIMEOUT": []}}, Iprev("temperror"), id="no-answer"),
        pytest.param({BACK: {"PTR": ["mx.x.example"]}, "mx.x.example": {"TIMEOUT": []}}, Iprev("temperror", "mx.x.example"), id="no-answer-forward"),
    ],
)  # fmt: skip
def test_reverse_lookup_says_whether_a_name_leads_back(names, found):
    assert run_check(check_iprev("192.0.2.3"), Zone(names)) == found


@pytest.mark.parametrize("client", ["2001:db8::3", "2001:DB8:0::3%eth0"])
def test_an_address_of_ipv6_is_looked_up_in_its_own_tree(client):
    zone = Zone({BACK6: {"PTR": ["six.example"]}, "six.example": {"AAAA": ["2001:db8:0:0::3"]}})
    assert run_check(check_iprev(client), zone) == Iprev("pass", "six.example")


def test_an_ipv4_address_in_ipv6_is_looked_up_as_ipv4():
    zone = Zone({BACK: {"PTR": ["mx.x.example"]}, "mx.x.example": {"A": ["192.0.2.3"]}})
    assert run_check(check_iprev("::ffff:192.0.2.3"), zone).result == "pass"


def test_only_some_of_many_names_are_looked_at():
    zone = Zone({BACK: {"PTR": [f"n{n}.example" for n in range(500)]}})
    assert run_check(check_iprev("192.0.2.3"), zone).result == "fail"
    assert len(zone.asked) == 1 + IPREV_NAMES_MAX


def test_what_is_no_address_has_no_name():
    assert run_check(check_iprev("unix"), Zone({})) == Iprev("permerror")


@given(
    st.one_of(st.ip_addresses().map(str), st.text(max_size=40)),
    st.sampled_from(Status),
    st.lists(st.one_of(st.text(), st.ip_addresses().map(str)), max_size=20),
)
def test_reverse_lookup_never_fails_whatever_is_answered(client, status, records):
    answer = Answer(status, tuple(records) if status is Status.FOUND else ())
    found = run_check(check_iprev(client), lambda _: answer)
    assert found.result in {"pass", "fail", "permerror", "temperror"}
