"""A client of our own API, for commands: one server, which whoever typed the command named.

The key goes over https, or over plain http to this machine alone. Redirects are not followed. What
is asked too often is asked again when the server says so.
"""

import http.client
import ipaddress
import json
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from penfold import __version__
from penfold.base.errors import ParseError
from penfold.base.limits import API_ANSWER_MAX_BYTES, API_TIMEOUT_S, API_TRIES, API_WAIT_MAX_S
from penfold.ports.api_client import RefusedError
from penfold.proto.retry_after import parse_retry_after

_AGAIN: Final = frozenset({429, 503})


class HttpApiClient:
    """Implements ports.api_client. url: of the server, without `/v1`. wait: so many seconds."""

    def __init__(self, url: str, key: str, *, wait: Callable[[float], None]) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(host)):
            raise ParseError("the address of a server begins with https://", url=url)
        if not (key.isascii() and key.isprintable()):
            raise ParseError("PENFOLD_API_KEY has no API key in it")
        self._secure = parts.scheme == "https"
        self._netloc = parts.netloc.rpartition("@")[2]
        self._root = f"{parts.path.rstrip('/').removesuffix('/v1')}/v1"
        self._key = key
        self._wait = wait

    def ask(self, verb: str, path: str, value: Any = None) -> Any:
        status, octets, wait = self._send(verb, path, value)
        for _ in range(API_TRIES - 1):
            if status not in _AGAIN:
                break
            self._wait(min(max(wait, 1), API_WAIT_MAX_S))
            status, octets, wait = self._send(verb, path, value)
        try:
            answer = json.loads(octets)
        except ValueError:
            answer = None
        if status != 200 or not isinstance(answer, dict):
            raise RefusedError(_explain(status, answer))
        return answer

    def _send(self, verb: str, path: str, value: Any) -> tuple[int, bytes, int]:
        connection = self._connect()
        body = None if value is None else json.dumps(value).encode()
        headers = {
            "Authorization": f"Bearer {self._key}",
            "User-Agent": f"Penfold/{__version__}",
            "Content-Type": "application/json",
        }
        try:
            connection.request(verb, f"{self._root}{path}", body, headers)
            response = connection.getresponse()
            octets = response.read(API_ANSWER_MAX_BYTES)
            again = response.getheader("retry-after", "")
        except (OSError, http.client.HTTPException) as error:
            why = f"{self._netloc} does not answer ({error}); is --url right?"
            raise RefusedError(why) from error
        finally:
            connection.close()
        return response.status, octets, parse_retry_after(again, now_s=round(time.time())) or 0

    def _connect(self) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(self._netloc, timeout=API_TIMEOUT_S)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(self._netloc, timeout=API_TIMEOUT_S, context=context)


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _explain(status: int, answer: Any) -> str:
    if not isinstance(answer, dict) or not isinstance(answer.get("message"), str):
        return f"the server answers {status}, and not as Penfold does; is --url right?"
    errors = answer.get("errors")
    reasons = [
        str(one["message"])
        for one in (errors if isinstance(errors, list) else ())
        if isinstance(one, dict) and "message" in one
    ]
    return "\n".join(reasons) or answer["message"]
