"""Access tokens for relays, from the token endpoint that an authorized-user file names.

By verified HTTPS, bounded in time and size, no redirects. The operator named the endpoint, so it
may stand on a private network or on this machine.
"""

import ssl
from collections.abc import Callable
from typing import Final

from penfold.base.errors import ParseError
from penfold.base.limits import (
    TOKEN_ADDRESSES_MAX,
    TOKEN_BODY_MAX_BYTES,
    TOKEN_CONNECT_S,
    TOKEN_FETCH_S,
    TOKEN_HEAD_MAX_BYTES,
)
from penfold.net.dns import Resolver
from penfold.net.https_get import Bounds, HttpsOut
from penfold.ports.delivering import NoLoginError
from penfold.ports.http_out import NoAnswerError
from penfold.proto.authorized_user import (
    AuthorizedUser,
    Token,
    make_refresh_form,
    parse_token_answer,
)

_BOUNDS: Final = Bounds(
    total_s=TOKEN_FETCH_S,
    connect_s=TOKEN_CONNECT_S,
    addresses_max=TOKEN_ADDRESSES_MAX,
    body_bytes=TOKEN_BODY_MAX_BYTES,
    head_bytes=TOKEN_HEAD_MAX_BYTES,
)
_FORM: Final = "application/x-www-form-urlencoded"


class TokenFetcher:
    """A penfold.ports.delivering.TokenSource. context: verifies the endpoint."""

    def __init__(
        self,
        resolver: Resolver,
        *,
        context: ssl.SSLContext,
        allowed: Callable[[str], bool],
        bounds: Bounds = _BOUNDS,
    ) -> None:
        self._https = HttpsOut(resolver, bounds, context=context, allowed=allowed)

    async def fetch_token(self, user: AuthorizedUser) -> Token:
        try:
            got = await self._https.send_post(
                user.host, user.port, user.path, kind=_FORM, body=make_refresh_form(user)
            )
            return parse_token_answer(got.status, got.body)
        except NoAnswerError as error:
            raise NoLoginError(f"no access token from {user.host}: {error}") from error
        except ParseError as error:
            raise NoLoginError(
                f"{user.host} gives no access token: {error}; if it says invalid_grant, the "
                "refresh token is dead: make a new oauth_file"
            ) from error
