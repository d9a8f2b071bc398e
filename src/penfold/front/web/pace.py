"""How often programs may ask for tokens (spec/rates.py)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from starlette.requests import Request

from penfold.domain.throttle import Throttle
from penfold.front.web.browser import client_address
from penfold.proto.oauth import PENDING, OAuthError, parse_client_login
from penfold.spec.rates import TOKEN_CLIENT, TOKEN_NETWORK


@contextmanager
def paced(throttle: Throttle, request: Request, given: Mapping[str, str]) -> Iterator[None]:
    """Count a request for tokens and, if the work raises OAuthError, a refused one.

    A device that waits for its person is told so every few seconds and is not refused.
    """
    throttle.take(TOKEN_CLIENT, _name(request, given))
    try:
        yield
    except OAuthError as error:
        if error.error == PENDING:
            raise
        throttle.take(TOKEN_NETWORK, client_address(request))
        raise


def _name(request: Request, given: Mapping[str, str]) -> str:
    """Return who the client says it is; "" for nobody."""
    try:
        return parse_client_login(given, request.headers.get("authorization")).client_id
    except OAuthError:
        return ""
