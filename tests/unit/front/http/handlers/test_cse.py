"""Key pairs over time: what clients cannot wait for."""

import pytest
from tests.keys import make_leaf, make_pkcs7, make_root

from penfold.base.limits import OBLITERATE_DAYS
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import (
    CseIdentity,
    CseKeyPair,
    CsePrivateKeyMetadata,
    HardwareKeyMetadata,
)


@pytest.fixture
def pair(world):
    chain = make_pkcs7(make_leaf(world.alice.address), make_root())
    metadata = CsePrivateKeyMetadata(hardware_key_metadata=HardwareKeyMetadata())
    metadata.hardware_key_metadata.description = "A card"
    body = CseKeyPair(pkcs7=chain, private_key_metadata=[metadata])
    return world.api("keypairs_create", body=body, chain_validation="none").key_pair_id


def test_a_key_pair_is_obliterated_thirty_days_after_it_was_first_disabled(world, pair):
    world.api("keypairs_disable", key_pair_id=pair)
    world.clock.advance(days=OBLITERATE_DAYS - 1)
    world.api("keypairs_disable", key_pair_id=pair)
    with pytest.raises(ProblemError):
        world.api("keypairs_obliterate", key_pair_id=pair)
    world.clock.advance(days=1)
    world.api("keypairs_obliterate", key_pair_id=pair)
    with pytest.raises(ProblemError):
        world.api("keypairs_get", key_pair_id=pair)


def test_a_key_pair_in_use_is_not_obliterated(world, pair):
    body = CseIdentity(email_address=world.alice.address, primary_key_pair_id=pair)
    world.api("identities_create", body=body)
    world.api("keypairs_disable", key_pair_id=pair)
    world.clock.advance(days=OBLITERATE_DAYS)
    with pytest.raises(ProblemError, match="is used by an identity"):
        world.api("keypairs_obliterate", key_pair_id=pair)
    world.api("identities_delete", cse_email_address=world.alice.address)
    world.api("keypairs_obliterate", key_pair_id=pair)
