"""MTA-STS policies of others, fetched as RFC 8461 §3.3 wants it.

By HTTPS from `mta-sts.<domain>` with a certificate that is valid for that name, status 200, no
redirects, no HTTP caches, text/plain, 64 KiB and a minute at most. Nothing is remembered here.
"""

import ssl
from typing import Final

from penfold.base.errors import ParseError
from penfold.base.limits import (
    STS_ADDRESSES_MAX,
    STS_CONNECT_S,
    STS_FETCH_S,
    STS_HEAD_MAX_BYTES,
    STS_POLICY_MAX_BYTES,
)
from penfold.net.dns import Resolver
from penfold.net.https_get import Bounds, HttpsOut
from penfold.ports.http_out import NoAnswerError, UntrustedError
from penfold.ports.mta_sts import PolicyError, StsFailure
from penfold.proto.mta_sts import POLICY_PATH, Policy, parse_policy, policy_host

_BOUNDS: Final = Bounds(
    total_s=STS_FETCH_S,
    connect_s=STS_CONNECT_S,
    addresses_max=STS_ADDRESSES_MAX,
    body_bytes=STS_POLICY_MAX_BYTES,
    head_bytes=STS_HEAD_MAX_BYTES,
)
_OK: Final = 200


class PolicyFetcher:
    """A penfold.ports.mta_sts.PolicySource. The other arguments are for tests."""

    def __init__(
        self,
        resolver: Resolver,
        *,
        context: ssl.SSLContext | None = None,
        loopback: bool = False,
        port: int = 443,
        bounds: Bounds = _BOUNDS,
    ) -> None:
        self._https = HttpsOut(resolver, bounds, context=context, loopback=loopback, port=port)

    async def fetch_policy(self, domain: str) -> Policy:
        host = policy_host(domain)
        try:
            got = await self._https.send_get(host, POLICY_PATH)
        except UntrustedError as error:
            raise PolicyError(f"{host}: {error}", StsFailure.WEBPKI) from error
        except NoAnswerError as error:
            raise PolicyError(f"{host}: {error}", StsFailure.FETCH) from error
        if got.status != _OK:
            raise PolicyError(f"{host}: the status is {got.status}, not 200", StsFailure.FETCH)
        # RFC 8461 §3.2: elsewhere a web server may let strangers put pages at any path.
        if got.kind.partition(";")[0].strip().lower() != "text/plain":
            kind = got.kind[:80] or "none"
            raise PolicyError(f"{host}: the type is {kind!r}, not text/plain", StsFailure.INVALID)
        try:
            return parse_policy(got.body)
        except ParseError as error:
            raise PolicyError(f"{host}: {error}", StsFailure.INVALID) from error
