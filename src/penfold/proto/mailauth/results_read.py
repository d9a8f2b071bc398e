"""Authentication-Results fields that came with a message (RFC 8601 §2.2), as values.

What such a field says is worth as much as whoever wrote it: of strangers, nothing. It is read to
know whose it claims to be, and, of servers one trusts, what they found.

Tolerant: blanks and comments anywhere, results that follow no grammar are left out rather than
guessed at. Never raises but ParseError; linear; bounded by base.limits.
"""

import re
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import (
    AUTHSERV_ID_MAX_CHARS,
    RESULT_PROPERTIES_MAX,
    RESULTS_MAX,
    RESULTS_MAX_CHARS,
)
from penfold.proto.address import domain_of
from penfold.proto.mailauth.domain_names import find_domain_name
from penfold.proto.mailauth.results import ArcInfo
from penfold.proto.mime.tokens import COMMENT, SPACE, SPECIAL, iter_tokens, unquote
from penfold.proto.mime.words import strip_controls

#: RFC 8601 §2.2, authres-version.
_VERSION: Final = 1

#: RFC 8601 §2.2: method, reason, or ptype.property with blanks around the dot.
_NAME = r"([A-Za-z0-9_-]++(?:\s*+\.\s*+[A-Za-z0-9_-]++)*+)"
#: Such a name, perhaps `/version`, `=`, and the value, of which quoted-strings may be part.
_PAIR = re.compile(
    rf'\s*+{_NAME}(?:\s*+/\s*+([0-9]{{1,9}}))?\s*+=\s*+((?:"(?:[^"\\]++|\\.)*+"|[^\s"]++)++)',
    re.DOTALL,
)
#: authserv-id and version. RFC 2045 §5.1: no tspecials in a token; beyond ASCII: RFC 6532 §3.2.
_HEAD = re.compile(
    r'\s*+("(?:[^"\\]++|\\.)*+"|[^\s"()<>@,;:\\/\[\]?=]++)(?:\s++([0-9]{1,9}))?\s*+', re.DOTALL
)
_QUOTED = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


class Property(Struct, frozen=True, gc=False):
    """ptype, name: as in `header.from`, lower case. value: without quotes."""

    ptype: str
    name: str
    value: str


class Result(Struct, frozen=True, gc=False):
    """method, result: lower case. version: of the method. reason: "" when none is given."""

    method: str
    result: str
    reason: str = ""
    properties: tuple[Property, ...] = ()
    version: int = 1

    def find(self, name: str) -> str | None:
        """Return the value of a property such as `header.from`, the first of its name."""
        for each in self.properties:
            if f"{each.ptype}.{each.name}" == name:
                return each.value
        return None


class AuthenticationResults(Struct, frozen=True, gc=False):
    """authserv_id: as written, without quotes. results: empty when the field says `none`."""

    authserv_id: str
    results: tuple[Result, ...]


def parse_authentication_results(value: str) -> AuthenticationResults:
    """Return what an unfolded field says; ParseError without an id or in another version."""
    head, *parts = _split(value[:RESULTS_MAX_CHARS])
    authserv_id, version = _read_head(head)
    if version != _VERSION:
        raise ParseError("unknown version of Authentication-Results", version=version)
    found = (_read_result(part) for part in parts[:RESULTS_MAX])
    return AuthenticationResults(authserv_id, tuple(each for each in found if each is not None))


def read_chain(result: str, *, instance: int, results: str, reason: str = "") -> ArcInfo:
    """Return what an ARC chain says as it is written into our field.

    results: the ARC-Authentication-Results of its last set without `i=`; what cannot be read
    says nothing.
    """
    try:
        found = parse_authentication_results(results).results
    except ParseError:
        found = ()
    return ArcInfo(
        result=result,
        instance=instance,
        spf_domain=_find_passed(found, "spf", "smtp.mailfrom", "smtp.helo"),
        dkim_domain=_find_passed(found, "dkim", "header.d", "header.i"),
        from_domain=_find_passed(found, "dmarc", "header.from"),
        reason=reason,
    )


def _find_passed(results: tuple[Result, ...], method: str, *names: str) -> str:
    """Return the domain of the first result of this method that passed; "" for none."""
    for each in results:
        values = [each.find(name) for name in names]
        domains = [find_domain_name(domain_of(value)) for value in values if value]
        if (each.method, each.result) == (method, "pass") and domains and domains[0]:
            return domains[0]
    return ""


def is_of(value: str, authserv_id: str) -> bool:
    """Say whether a field claims to be written by this server, or may be taken as such.

    Ids are compared as domain names, in A-labels (RFC 8601 §5, RFC 5890). A field whose id or
    version cannot be read counts as ours: another reader might read one.
    """
    try:
        written, version = _read_head(_split(value[:AUTHSERV_ID_MAX_CHARS])[0])
    except ParseError:
        return True
    return version != _VERSION or _spelling(written) == _spelling(authserv_id)


def _spelling(authserv_id: str) -> str:
    text = authserv_id.strip()
    return find_domain_name(text) or text.casefold()


def _split(value: str) -> list[str]:
    """Return the parts between semicolons, comments taken out."""
    parts = [""]
    pieces: list[str] = []
    for kind, text in iter_tokens(strip_controls(value), words=False):
        if kind == SPECIAL and text == ";":
            parts[-1] = "".join(pieces)
            parts.append("")
            pieces = []
        else:
            pieces.append(" " if kind in {COMMENT, SPACE} else text)
    parts[-1] = "".join(pieces)
    return parts


def _read_head(text: str) -> tuple[str, int]:
    match = _HEAD.fullmatch(text)
    authserv_id = _plain(match[1]) if match else ""
    if match is None or not authserv_id:
        raise ParseError("no authserv-id")
    return authserv_id, int(match[2] or _VERSION)


def _plain(text: str) -> str:
    return unquote(text) if _QUOTED.fullmatch(text) else text


def _read_result(text: str) -> Result | None:
    pairs: list[tuple[str, str, str]] = []
    at = 0
    while len(pairs) <= RESULT_PROPERTIES_MAX and (match := _PAIR.match(text, at)):
        pairs.append(("".join(match[1].lower().split()), match[2] or "1", _plain(match[3])))
        at = match.end()
    if not pairs or "." in pairs[0][0]:
        return None
    (method, version, result), *rest = pairs
    reason = next((value for name, _, value in rest if name == "reason"), "")
    properties = []
    for name, _, value in rest:
        ptype, dot, prop = name.partition(".")
        if dot:
            properties.append(Property(ptype, prop, value))
    return Result(method, result.lower(), reason, tuple(properties), int(version))
