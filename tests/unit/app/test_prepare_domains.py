"""The domains of the settings, when the data directory is made ready."""

import pytest
from tests.signatures import private_key
from tests.unit.identity import IdentityWorld

from penfold.app.exits import WRONG_USE, StartError
from penfold.app.process.prepare import prepare_domains
from penfold.base.clock import FixedClock
from penfold.domain.outgoing.domains import Domains
from penfold.proto.mailauth.private_keys import ED25519
from penfold.testing.sealing import PlainSealer


@pytest.fixture
def domains():
    clock = FixedClock()
    world = IdentityWorld(clock=clock)
    return Domains(
        world.book,
        world.identity.accounts,
        PlainSealer(),
        clock,
        lambda algorithm: private_key("ed" if algorithm == ED25519 else "rsa"),
    )


def test_a_start_adds_the_domains_that_are_new_and_keeps_the_keys_of_the_others(domains):
    prepare_domains(domains, ["example.org"])
    keys = domains.list_keys(domains.get("example.org"))
    prepare_domains(domains, ["example.org", "example.net"])
    assert {"example.org", "example.net"} <= {each.name for each in domains.list_domains()}
    assert domains.list_keys(domains.get("example.org")) == keys
    assert len(domains.list_keys(domains.get("example.net"))) == len(keys) == 2


@pytest.mark.parametrize("name", ["192.0.2.7", "mail.7"])
def test_what_no_address_can_be_in_ends_the_start_as_a_mistake_in_the_settings(domains, name):
    with pytest.raises(
        StartError, match=rf"domains: '{name}': an IP address is no domain"
    ) as caught:
        prepare_domains(domains, [name])
    assert caught.value.code == WRONG_USE
