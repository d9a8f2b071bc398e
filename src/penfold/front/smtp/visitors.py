"""Who is connected, and how often they came: the counts a listener turns clients away by.

Knows addresses, never sessions. Memory is bounded by the connections that are open and by
SMTP_CLIENTS_COUNTED_MAX; a flood from more networks than that begins a new count.
"""

from typing import Final

from penfold.base.limits import SMTP_CLIENTS_COUNTED_MAX
from penfold.base.networks import is_loopback, network_of
from penfold.front.smtp.bounds import Bounds
from penfold.proto.smtp import replies
from penfold.proto.smtp.replies import Reply

_MINUTE_S: Final = 60.0


class Visitors:
    """Connections by network, IPv4 address or IPv6 /64."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._open: dict[str, int] = {}
        self._came: dict[str, int] = {}
        self._minute = 0.0

    @property
    def is_empty(self) -> bool:
        return not self._open

    def admit(self, client: str, now: float) -> Reply | None:
        """Count a connection in and return why it is refused; call `leave` either way."""
        network = network_of(client)
        count = self._open.get(network, 0) + 1
        self._open[network] = count
        came = self._count_arrival(network, now)
        if count > self._bounds.client_connections_max:
            return replies.TOO_MANY_CONNECTIONS
        is_exempt = self._bounds.exempts_loopback and is_loopback(client)
        if came > self._bounds.client_rate_max and not is_exempt:
            return replies.TOO_FAST
        return None

    def leave(self, client: str) -> None:
        network = network_of(client)
        count = self._open.get(network, 0) - 1
        if count > 0:
            self._open[network] = count
        else:
            self._open.pop(network, None)

    def _count_arrival(self, network: str, now: float) -> int:
        minute = now // _MINUTE_S
        if minute != self._minute or len(self._came) >= SMTP_CLIENTS_COUNTED_MAX:
            self._minute = minute
            self._came = {}
        self._came[network] = came = self._came.get(network, 0) + 1
        return came
