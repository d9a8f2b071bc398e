"""The author domain of a message: the one domain in its From field (RFC 9989 §5.3.1).

DMARC is about exactly one domain. Whatever else a message brings is told as a problem, with the
domains that were found, because such messages are how DMARC is got round (RFC 9989 §11.5); what
happens to them is decided elsewhere.

The field is read by the functions that make the address people are shown, so that the domain
checked is the domain seen. Never raises.
"""

from enum import StrEnum
from itertools import islice

from msgspec import Struct

from penfold.base.limits import AUTHOR_DOMAINS_MAX, MIME_MAX_HEADER_BYTES
from penfold.proto.address import domain_of, parse_address_list
from penfold.proto.mailauth.domain_names import find_domain_name
from penfold.proto.mime.fields import iter_named, unfold
from penfold.proto.mime.scan import show_fields


class Unclear(StrEnum):
    """Why a message has no author domain."""

    MISSING = "no From field"
    REPEATED = "several From fields"
    SEVERAL = "From names several domains"
    INVALID = "From names no valid domain"


class Author(Struct, frozen=True, gc=False):
    """domain: "" exactly when there is a problem.

    domains: the valid ones of all From fields, as they come, at most AUTHOR_DOMAINS_MAX; the
    first is what people are shown, if that is valid.
    """

    domain: str = ""
    domains: tuple[str, ...] = ()
    problem: Unclear | None = None


def find_author(raw: bytes) -> Author:
    """Return the author domain of a message, in A-labels (RFC 5890), or why there is none.

    Several addresses of one domain have one author domain. One address without a valid domain
    among others makes the field invalid: nobody knows which is shown.
    """
    values = [match[1] for match in islice(iter_named(raw, b"From"), AUTHOR_DOMAINS_MAX)]
    if not values:
        return Author(problem=Unclear.MISSING)
    names: list[str | None] = []
    for value in values:
        names += [find_domain_name(domain_of(address)) for address in _addresses(value)]
    domains = tuple(dict.fromkeys(name for name in names if name))
    problem = None
    if len(values) > 1:
        # RFC 5322 §3.6: From occurs once.
        problem = Unclear.REPEATED
    elif len(domains) > 1:
        problem = Unclear.SEVERAL
    elif not domains or None in names:
        problem = Unclear.INVALID
    domain = "" if problem else domains[0]
    return Author(domain, domains[:AUTHOR_DOMAINS_MAX], problem)


def _addresses(value: bytes) -> list[str]:
    if len(value) > MIME_MAX_HEADER_BYTES:
        return [""]  # nobody is shown such a field
    shown = show_fields([("From", unfold(value))])[0][1]
    # A bare word (`root`) has no domain.
    return [
        each.address if "@" in each.address else ""
        for each in parse_address_list(shown, decoded=True)
    ]
