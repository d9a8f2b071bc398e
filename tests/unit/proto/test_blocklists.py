"""Blocklists: what is a listing, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.proto.mailauth.zone import Zone

from penfold.proto.blocklists import blocklist_name, check_blocklist
from penfold.proto.dns import Answer, Status, run_check

ZONE = "bl.example"
NAME = "3.2.0.192.bl.example"


@pytest.mark.parametrize(
    ("records", "listing"),
    [
        pytest.param(["127.0.0.2"], "listed", id="listed"),
        pytest.param(["127.0.0.4", "127.0.0.11"], "listed", id="several-reasons"),
        pytest.param(["127.1.2.3"], "listed", id="anywhere-in-127"),
        pytest.param(["127.0.0.1"], "unknown", id="test-address-that-is-never-listed"),
        pytest.param(["127.255.255.254"], "unknown", id="public-resolver-refused"),
        pytest.param(["127.255.255.252"], "unknown", id="wrong-zone"),
        pytest.param(["203.0.113.80"], "unknown", id="zone-died-and-answers-everything"),
        pytest.param(["127.0.0.2", "203.0.113.80"], "unknown", id="answers-something-else-too"),
        pytest.param(["::1"], "unknown", id="not-even-ipv4"),
    ],
)
def test_only_an_answer_of_the_standard_is_a_listing(records, listing):
    assert run_check(check_blocklist("192.0.2.3", ZONE), Zone({NAME: {"A": records}})) == listing


def test_absent_name_is_clean_and_no_answer_is_unknown():
    assert run_check(check_blocklist("192.0.2.3", ZONE), Zone({})) == "clean"
    failing = Zone({NAME: {"TIMEOUT": []}})
    assert run_check(check_blocklist("192.0.2.3", ZONE), failing) == "unknown"


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("192.0.2.3", NAME),
        ("::ffff:192.0.2.3", NAME),
        ("2001:db8::3", "3." + "0." * 23 + "8.b.d.0.1.0.0.2." + ZONE),
        ("no address", None),
    ],
)
def test_name_that_is_asked_for_is_the_reversed_address_below_the_zone(client, name):
    assert blocklist_name(client, ZONE) == name


@given(
    st.one_of(st.ip_addresses().map(str), st.text(max_size=40)),
    st.sampled_from(Status),
    st.lists(st.one_of(st.text(), st.ip_addresses().map(str)), max_size=20),
)
def test_check_never_fails_whatever_is_answered(client, status, records):
    answer = Answer(status, tuple(records) if status is Status.FOUND else ())
    found = run_check(check_blocklist(client, ZONE), lambda _: answer)
    assert found in {"listed", "clean", "unknown"}
