"""Addresses on the web that somebody names for our requests: push endpoints and webhooks."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from penfold.base.errors import ParseError
from penfold.base.limits import PUSH_ENDPOINT_MAX

#: A host's name in ASCII, its labels as long as RFC 1035 §2.3.4 lets them be, or an address; in
#: brackets for IPv6 (RFC 3986 §3.2.2).
_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?|\[[0-9A-Fa-f:.]{2,45}\]"
)


def parse_endpoint(text: str) -> SplitResult:
    """Return the parts of an absolute address without user and fragment.

    Its scheme is any. ParseError: it is none, or has something that has no place in a request.
    """
    if len(text) > PUSH_ENDPOINT_MAX or not (text.isascii() and text.isprintable()):
        raise ParseError("not an address in printable ASCII of a bearable length")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ParseError("not an address") from error
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    odd = " " in text or parts.username is not None or parts.fragment or port == 0
    if odd or not _HOST.fullmatch(host):
        raise ParseError("not an address that can be sent to")
    return parts
