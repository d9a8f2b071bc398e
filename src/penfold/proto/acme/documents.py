"""What an ACME server says (RFC 8555 §7.1), as values: directory, order, authorization, problem.

The server was named by the operator and speaks over verified TLS, yet nothing it says is believed
beyond its form: addresses are https (§6.1), text is bounded and printable before it gets to a log,
lists are no longer than what was asked for may need. Members nobody needs are not read.
"""

from collections.abc import Sequence
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from penfold.base.errors import ParseError, PenfoldError
from penfold.base.limits import ACME_LIST_MAX, ACME_TEXT_MAX, ACME_URL_MAX

#: RFC 8555 §6.7: what the types of problems begin with.
PROBLEM: Final = "urn:ietf:params:acme:error:"
BAD_NONCE: Final = PROBLEM + "badNonce"

T = TypeVar("T")


class AcmeError(PenfoldError):
    """No certificate: what the authority objects to, as a line for the operator.

    wait_s: how long the authority wants to be left alone, 0 when it did not say.
    """

    public = "The certificate authority did not give a certificate"

    def __init__(self, detail: str, *, wait_s: float = 0.0) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class Meta(Struct, frozen=True, rename="camel"):
    external_account_required: bool = False


class Directory(Struct, frozen=True, rename="camel"):
    """Where requests go (§7.1.1)."""

    new_nonce: str
    new_account: str
    new_order: str
    meta: Meta = Meta()


class Identifier(Struct, frozen=True):
    type: str = ""
    value: str = ""


class Subproblem(Struct, frozen=True):
    type: str = ""
    detail: str = ""
    identifier: Identifier = Identifier()


class Problem(Struct, frozen=True):
    """An error document (§6.7); subproblems say which name is meant."""

    type: str = ""
    detail: str = ""
    subproblems: tuple[Subproblem, ...] = ()


class Challenge(Struct, frozen=True):
    """One way to show that a name is ours (§8). token: absent in kinds that are not known here."""

    type: str
    url: str = ""
    token: str = ""
    status: str = ""
    error: Problem | None = None


class Authorization(Struct, frozen=True):
    """What the server wants to see for one name (§7.1.4)."""

    status: str
    identifier: Identifier
    challenges: tuple[Challenge, ...] = ()


class Order(Struct, frozen=True):
    """A certificate that is asked for (§7.1.3). certificate: where it is, once it is there."""

    status: str
    finalize: str
    authorizations: tuple[str, ...] = ()
    certificate: str = ""
    error: Problem | None = None


def parse_document(body: bytes, kind: type[T]) -> T:
    """Return a document; ParseError when it is none of its kind."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ParseError(f"not the {kind.__name__.lower()} RFC 8555 has") from error


def check_url(url: str) -> str:
    """Return an address from a document; ParseError unless requests may go there."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or len(url) > ACME_URL_MAX or not url.isascii() or not _is_visible(url):
        raise ParseError(f"{shorten(url)!r} is not an https address")
    return url


def check_length(items: Sequence[object]) -> None:
    if len(items) > ACME_LIST_MAX:
        raise ParseError(f"more than {ACME_LIST_MAX} entries in a list")


def explain(problem: Problem) -> str:
    """Return what a problem document says, in one line: its kind, the words, the names meant."""
    kind = problem.type.removeprefix(PROBLEM)
    said = [": ".join(filter(None, (kind, problem.detail))) or "refused without a reason"]
    for each in problem.subproblems[:ACME_LIST_MAX]:
        words = each.detail or each.type.removeprefix(PROBLEM)
        said.append(f"{each.identifier.value}: {words}" if each.identifier.value else words)
    return shorten("; ".join(said))


def shorten(text: str) -> str:
    """Return text of others so that it fits in a log: one printable line of bounded length."""
    text = text[: 2 * ACME_TEXT_MAX]
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= ACME_TEXT_MAX else line[: ACME_TEXT_MAX - 1] + "…"


def _is_visible(text: str) -> bool:
    return text.isprintable() and " " not in text
