"""Discovery documents, served with the root address the client itself used.

Owns the addresses of the documents and their octets, kept per root. The root is scheme and Host
of the request; forwarded headers are not trusted. A Host that is no host name is answered with
the address the connection came in on.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from penfold.front.http.encode import encode_pretty
from penfold.front.http.request import Scope
from penfold.front.http.system import parse_query
from penfold.spec.directory import make_directory, make_oauth2_document
from penfold.spec.discovery import make_document

_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
#: Documents kept; one is 200 kB. A server has one or two names.
_KEPT: Final = 8

_BY_PATH: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "/$discovery/rest": make_document,
    "/discovery/v1/apis/gmail/v1/rest": make_document,
    "/discovery/v1/apis/oauth2/v2/rest": make_oauth2_document,
    "/discovery/v1/apis": make_directory,
}


def find_document(scope: Scope) -> bytes | None:
    """Return the document at the address; None when there is none."""
    make = _BY_PATH.get(scope["path"])
    if make is None or scope["method"] not in ("GET", "HEAD"):
        return None
    if scope["path"] == "/$discovery/rest" and not _is_v1(scope["query_string"]):
        return None
    return encode_document(make, root_of(scope))


def _is_v1(query: bytes) -> bool:
    versions = [v for name, v in parse_query(query.decode("utf-8", "replace")) if name == "version"]
    return versions in ([], ["v1"])


@lru_cache(_KEPT)
def encode_document(make: Callable[[str], dict[str, Any]], root: str) -> bytes:
    """Return a document as it is served below a root, made once: that costs up to 70 ms."""
    return encode_pretty(make(root))


def root_of(scope: Scope) -> str:
    """Return the origin the client used, with a final slash."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    text = host.decode("latin-1")
    if not _HOST.fullmatch(text):
        address, port = scope.get("server") or ("127.0.0.1", None)
        text = f"{address}:{port}" if port else str(address)
    return f"{scope.get('scheme', 'http')}://{text}/"
