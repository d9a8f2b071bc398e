"""Keys of id tokens take turns: who verifies never meets one it could not know."""

import pytest
from tests.unit.identity import ISSUER, IdentityWorld

from penfold.base.limits import ACCESS_TOKEN_S, CERTS_MAX_AGE_S, ID_KEY_DAYS
from penfold.proto.jwt import parse_header
from penfold.proto.oauth import OAuthError


@pytest.fixture
def world():
    return IdentityWorld()


def make(world):
    return world.identity.id_tokens.make(
        world.alice,
        client_id="app",
        scopes=frozenset({"openid"}),
        issuer=ISSUER,
        access_token="ya29.x",
        nonce="",
    )


def kid_of(token):
    return parse_header(token)["kid"]


def published(world):
    return {key["kid"] for key in world.identity.id_tokens.list_jwks()}


def test_the_first_key_signs_at_once(world):
    token = make(world)
    assert published(world) == {kid_of(token)}
    assert world.identity.id_tokens.check(token)["aud"] == "app"


def test_a_new_key_is_published_before_it_signs(world):
    first = kid_of(make(world))
    world.clock.advance(days=ID_KEY_DAYS)
    both = published(world)
    assert len(both) == 2
    assert kid_of(make(world)) == first
    world.clock.advance(s=2 * CERTS_MAX_AGE_S)
    assert {kid_of(make(world))} == both - {first}


def test_what_the_key_before_signed_stays_good_to_its_end(world):
    make(world)
    world.clock.advance(days=ID_KEY_DAYS)
    make(world)
    world.clock.advance(s=2 * CERTS_MAX_AGE_S - 1)
    last = make(world)
    world.clock.advance(s=ACCESS_TOKEN_S - 1)
    assert kid_of(last) != kid_of(make(world))
    assert world.identity.id_tokens.check(last)
    world.clock.advance(s=1)
    with pytest.raises(OAuthError):
        world.identity.id_tokens.check(last)


def test_a_key_goes_when_the_one_after_it_is_followed(world):
    first = kid_of(make(world))
    for _ in range(2):
        world.clock.advance(days=ID_KEY_DAYS)
        make(world)
    assert len(published(world)) == 2
    assert first not in published(world)
