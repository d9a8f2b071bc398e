"""What happens to mail of a test key is what its address says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.domain.sending.simulator import simulate
from penfold.ports.sending.events import FINAL, EventKind


def kinds(address):
    return [kind.value for kind, _ in simulate(address)]


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("delivered@simulator.test", ["sent", "delivered"]),
        ("Bounced@Resend.dev", ["sent", "bounced"]),
        ("deferred@simulator.test", ["sent", "deferred", "delivered"]),
        ("complained+label@simulator.test", ["sent", "delivered", "complained"]),
        ("suppressed@simulator.test", ["suppressed"]),
        ("bounced@elsewhere.example", ["sent", "delivered"]),
    ],
)
def test_an_address_says_what_happens(address, wanted):
    assert kinds(address) == wanted


@pytest.mark.parametrize(
    ("tag", "code", "kind"),
    [
        ("", "5.1.1", "invalid_recipient"),
        ("+5.2.2", "5.2.2", "mailbox_full"),
        ("+4.2.2", "5.1.1", "invalid_recipient"),  # no permanent code
        ("+5.1.1\r\nx", "5.1.1", "invalid_recipient"),
    ],
)
def test_a_bounce_has_the_code_that_is_named(tag, code, kind):
    _, data = simulate(f"bounced{tag}@simulator.test")[1]
    assert (data["enhanced_code"], data["class"], data["type"]) == (code, kind, "permanent")
    assert data["response"] == f"550 {code} simulated refusal"


@given(st.text(max_size=60))
def test_whatever_the_address_one_thing_is_final(address):
    found = [kind for kind, _ in simulate(address)]
    assert sum(kind in FINAL for kind in found) == 1
    assert all(data.get("simulated") for _, data in simulate(address))
    assert set(found) <= set(EventKind)
