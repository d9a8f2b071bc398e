"""How often programs may ask for tokens, from a network that is not this machine."""

import contextlib

import pytest
from starlette.requests import Request
from tests.unit.identity import make_throttle

from penfold.base.clock import FixedClock
from penfold.domain.throttle import TooManyError
from penfold.front.web.pace import paced
from penfold.proto.oauth import PENDING, OAuthError, invalid_grant
from penfold.spec.rates import TOKEN_NETWORK


@pytest.fixture
def ask():
    """Return a function that asks for a token and meets this end."""
    throttle = make_throttle(FixedClock())
    request = Request({"type": "http", "headers": [], "client": ("192.0.2.1", 9)})

    def ask(error):
        with contextlib.suppress(OAuthError), paced(throttle, request, {"client_id": "app"}):
            if error:
                raise error

    return ask


def test_a_network_that_is_refused_too_often_must_wait_but_good_requests_are_served(ask):
    for _ in range(TOKEN_NETWORK.count):
        ask(invalid_grant())
    with pytest.raises(TooManyError):
        ask(invalid_grant())
    ask(None)


def test_a_device_that_waits_for_its_person_is_not_counted_as_refused(ask):
    for _ in range(2 * TOKEN_NETWORK.count):
        ask(OAuthError(PENDING, "Precondition Required", status=428))
    ask(invalid_grant())
