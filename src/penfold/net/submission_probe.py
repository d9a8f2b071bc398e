"""Try a mail server that somebody named: connect, TLS, EHLO, AUTH, QUIT.

The address is checked by net.guard. Each step has PROBE_STEP_S, all together PROBE_S: then the
connection is cut, so that a server that answers one octet at a time holds no thread for long.
What the server says is never repeated to the client: it could be any service that speaks.
"""

import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from threading import Timer
from typing import Final

from penfold.base.limits import PROBE_S, PROBE_STEP_S
from penfold.net.guard import ForbiddenAddressError, Resolve, UnreachableError, connect, resolve
from penfold.ports.submitting import ServerError

_FORBIDDEN: Final = "the host leads to an address that is not allowed; name a public mail server"
_UNREACHABLE: Final = "nobody answers at that host and port; check both, and any firewall between"
_NO_TLS: Final = "the server offers no STARTTLS; use another port or securityMode ssl"
_BAD_TLS: Final = (
    "TLS with the server fails; check securityMode and port, and that its certificate is valid "
    "for the host"
)
_BAD_LOGIN: Final = "the server refuses the user name or the password; check both"
_NO_LOGIN: Final = "the server offers no login that is known here; check port and securityMode"
_NOT_SMTP: Final = "the server does not speak SMTP as expected; check port and securityMode"


class SubmissionProbe:
    """penfold.ports.submitting.Probe over real connections."""

    def __init__(
        self,
        *,
        hostname: str,
        loopback: bool,
        resolve: Resolve = resolve,
        make_context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        longest_s: float = PROBE_S,
    ) -> None:
        """hostname: what we call ourselves. loopback: whether this machine may be named."""
        self._hostname = hostname
        self._loopback = loopback
        self._resolve = resolve
        self._make_context = make_context
        self._longest_s = longest_s

    def __call__(
        self, host: str, port: int, *, security: str, username: str, password: str
    ) -> None:
        client = smtplib.SMTP(local_hostname=self._hostname, timeout=PROBE_STEP_S)
        timer = Timer(self._longest_s, _cut, [client])
        timer.daemon = True
        try:
            client.sock = self._connect(host, port)
            timer.start()
            self._talk(client, host, security, username, password)
        except ForbiddenAddressError as error:
            raise ServerError(_FORBIDDEN, host=host) from error
        except UnreachableError as error:
            raise ServerError(_UNREACHABLE, host=host, port=port) from error
        except ssl.SSLError as error:
            raise ServerError(_BAD_TLS, host=host) from error
        except smtplib.SMTPAuthenticationError as error:
            raise ServerError(_BAD_LOGIN, host=host) from error
        except (OSError, ValueError, UnicodeError) as error:  # smtplib's errors are OSErrors
            raise ServerError(_NOT_SMTP, host=host) from error
        finally:
            timer.cancel()
            client.close()

    def _connect(self, host: str, port: int) -> socket.socket:
        try:
            return connect(
                host,
                port,
                loopback=self._loopback,
                timeout_s=PROBE_STEP_S,
                resolve=self._resolve,
            )
        except (ValueError, UnicodeError) as error:  # no name the resolver can take
            raise UnreachableError("not a host", host=host) from error

    def _talk(
        self, client: smtplib.SMTP, host: str, security: str, username: str, password: str
    ) -> None:
        # smtplib takes the name it connects to from its constructor only, and connects by itself;
        # here the connection is made already, so what connect() would set is set.
        vars(client)["_host"] = host
        if security == "ssl":
            client.sock = self._make_context().wrap_socket(_socket_of(client), server_hostname=host)
        if client.getreply()[0] != 220:
            raise ServerError(_NOT_SMTP, host=host)
        client.ehlo_or_helo_if_needed()
        if security == "starttls":
            if not client.has_extn("starttls"):
                raise ServerError(_NO_TLS, host=host)
            client.starttls(context=self._make_context())
            client.ehlo_or_helo_if_needed()
        if username:
            _log_in(client, username, password, host)
        with suppress(smtplib.SMTPException, OSError):
            client.quit()


def _log_in(client: smtplib.SMTP, username: str, password: str, host: str) -> None:
    offered = client.esmtp_features.get("auth", "").upper().split()
    client.user, client.password = username, password
    if "PLAIN" in offered:
        client.auth("PLAIN", client.auth_plain)
    elif "LOGIN" in offered:
        client.auth("LOGIN", client.auth_login)
    else:
        raise ServerError(_NO_LOGIN, host=host)


def _socket_of(client: smtplib.SMTP) -> socket.socket:
    assert client.sock is not None
    return client.sock


def _cut(client: smtplib.SMTP) -> None:
    """End the conversation from outside; whoever reads or writes then fails."""
    with suppress(OSError, AttributeError):
        _socket_of(client).shutdown(socket.SHUT_RDWR)
