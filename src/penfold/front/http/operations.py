"""/healthz, /readyz and /metrics: for machines that watch the server.

/healthz answers while the event loop turns. /readyz asks the store and the queue with a read
each. /metrics is for this machine, or for who holds the metrics token: numbers tell how much
mail somebody gets. A request that was forwarded is not from this machine, whatever its address.
"""

import hmac
import ipaddress
from collections.abc import Callable, Mapping
from typing import Final

from penfold.front.http.app import Operation, Reply
from penfold.front.http.request import Scope

#: Prometheus text exposition format 0.0.4.
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
_FORWARDED: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"})
_OK: Final = Reply(200, b"ok\n")
_FORBIDDEN: Final = Reply(
    403, b"Only for this machine, or with the metrics token (setting metrics_token).\n"
)
_USE_GET: Final = Reply(405, b"Use GET.\n")


def make_operations(
    *,
    find_trouble: Callable[[], str | None],
    render_metrics: Callable[[], bytes],
    metrics_token: str,
) -> Mapping[str, Operation]:
    """Return the operations by path; find_trouble: None when store and queue answer."""

    def answer_ready(_: Scope) -> Reply:
        trouble = find_trouble()
        return Reply(503, f"{trouble}\n".encode()) if trouble else _OK

    def answer_metrics(scope: Scope) -> Reply:
        headers = dict(scope["headers"])
        if not (_has_token(headers, metrics_token) or is_local(scope.get("client"), headers)):
            return _FORBIDDEN
        return Reply(200, render_metrics(), _PROMETHEUS)

    return {
        "/healthz": for_reading(lambda _: _OK),
        "/readyz": for_reading(answer_ready),
        "/metrics": for_reading(answer_metrics),
    }


def for_reading(operation: Operation) -> Operation:
    """Return the operation for GET and HEAD; every other method is refused."""
    return lambda scope: operation(scope) if scope["method"] in ("GET", "HEAD") else _USE_GET


def _has_token(headers: Mapping[bytes, bytes], token: str) -> bool:
    scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
    if not token or scheme.lower() != b"bearer":
        return False
    return hmac.compare_digest(given.strip(), token.encode())


def is_local(client: tuple[str, int] | None, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a request comes from this machine and was not forwarded."""
    if client is None or not _FORWARDED.isdisjoint(headers):
        return False
    try:
        address = ipaddress.ip_address(client[0].partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
