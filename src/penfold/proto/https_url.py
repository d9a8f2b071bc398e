"""Addresses of HTTPS (RFC 9110 §4.2.2) that somebody configured or announced, in parts."""

import re
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from penfold.base.errors import ParseError

_HTTPS_PORT: Final = 443
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


class HttpsUrl(Struct, frozen=True, gc=False):
    """path: with the query; "/" at least."""

    host: str
    port: int
    path: str


def parse_https_url(text: str) -> HttpsUrl:
    """Return the parts of https://HOST[:PORT][/PATH][?QUERY]; ParseError for anything else.

    No user, no fragment, no IPv6 literal, nothing but printable ASCII.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ParseError("it is no address") from None
    host, path = (parts.hostname or ""), (parts.path or "/")
    wrong = parts.scheme != "https" or "@" in parts.netloc or "#" in text
    plain = text.isascii() and text.isprintable() and " " not in text
    if wrong or not plain or not _HOST.fullmatch(host):
        raise ParseError("it is not https://HOST/PATH")
    if parts.query:
        path += f"?{parts.query}"
    return HttpsUrl(host, _HTTPS_PORT if port is None else port, path)
