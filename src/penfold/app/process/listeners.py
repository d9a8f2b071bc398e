"""Bind the addresses people connect to, before any process is started.

The supervisor owns the listening sockets and the processes inherit them, so a process that
is replaced never refuses a connection: the kernel keeps newcomers waiting meanwhile.
"""

import errno
import socket
from collections.abc import Iterable, Mapping
from typing import Final

from penfold.app.exits import StartError
from penfold.spec.setting_values import Endpoint
from penfold.spec.settings import SETTING_OF, Settings

LISTENERS: Final = ("http", "smtp", "submission", "submissions")
#: Connections the kernel holds for us; it caps this at net.core.somaxconn (4096).
_BACKLOG: Final = 4096


def bind_listeners(settings: Settings) -> dict[str, socket.socket]:
    """Return a listening socket for each listener, or say which address cannot be had."""
    sockets: dict[str, socket.socket] = {}
    try:
        for name in LISTENERS:
            sockets[name] = bind_listener(name, getattr(settings, name))
    except BaseException:
        close_all(sockets.values())
        raise
    return sockets


def close_all(sockets: Iterable[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


def addresses_of(sockets: Mapping[str, socket.socket]) -> dict[str, Endpoint]:
    """Return where a client on this machine reaches each listener."""
    return {name: _reachable(sock.getsockname()) for name, sock in sockets.items()}


def bind_listener(name: str, endpoint: Endpoint) -> socket.socket:
    """Return a listening socket, or say why there cannot be one."""
    flag = SETTING_OF[name].flag
    try:
        found = socket.getaddrinfo(
            endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise StartError(f"{flag} {endpoint}: no such address ({error.strerror})") from None
    family, kind, protocol, _, address = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise StartError(f"{flag} {endpoint}: {_reason(error, flag)}") from None
    return sock


def _reason(error: OSError, flag: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"the port is in use; stop what uses it or choose another {flag} HOST:PORT"
        case errno.EACCES:
            return f"ports below 1024 need a privilege; choose another {flag} HOST:PORT"
        case errno.EADDRNOTAVAIL:
            return f"this machine has no such address; choose another {flag} HOST:PORT"
        case _:
            return str(error.strerror)


def _reachable(name: tuple[str, int]) -> Endpoint:
    host, port = name[:2]
    return Endpoint({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104 - not bound here
