"""SPF (RFC 7208): may this client send mail for this domain?

Owns who is checked and what is told of it. Records are parsed by spf_record, macros by spf_macro,
terms evaluated by spf_evaluation. Asks through questions, does no I/O and never raises, whatever
the client, the records and the answers are.

The time a check may take (RFC 7208 §4.6.4: 20 seconds at least) is up to whoever answers: from when
it has run out, every answer is Status.FAILED.
"""

import ipaddress
import re
from typing import Literal

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.proto.address import domain_of, parse_mailbox
from penfold.proto.dns import Check
from penfold.proto.mailauth.spf_evaluation import Evaluation, PermError, TempError
from penfold.proto.mailauth.spf_macro import find_name
from penfold.proto.mailauth.spf_record import Address, Result, bounded

Identity = Literal["mailfrom", "helo"]

#: Letters, digits and hyphens, and the underscore that real hosts have. No address literals.
_HOST = re.compile(r"[a-z0-9_.-]+")


class SpfResult(Struct, frozen=True, gc=False):
    """What a check found; the words of RFC 7208 §9.1. Every text is bounded and printable ASCII.

    domain: A-labels. mechanism: the term that matched, as its record has it; "default" when none
    did; "" when there was no evaluation to the end. explanation: of a fail only, in the words of
    the sender's domain, which is a stranger. problem: why there is an error or none.
    """

    result: Result
    domain: str
    identity: Identity
    mechanism: str = ""
    explanation: str = ""
    problem: str = ""


def check_spf(
    *, ip: str, helo: str, sender: str, receiver: str = "unknown", now_s: int = 0
) -> Check[SpfResult]:
    """Return whether the client may use the sender's domain (RFC 7208 §4).

    sender: the reverse-path without its brackets; "" for the null one, and to check the HELO
    identity: then it is postmaster@helo (§2.4). receiver: our own name, now_s: seconds since 1970;
    both only for explanations. SPF_QUESTIONS_MAX bounds the questions.
    """
    identity: Identity = "mailfrom" if sender else "helo"
    local, at, given = sender.rpartition("@") if sender else ("", "@", helo)
    client = _find_client(ip)
    domain = _find_domain(given) if at else None
    if domain is None or client is None:
        problem = "no IP address" if client is None else "no domain name of several labels"
        return SpfResult(Result.NONE, bounded(domain or given), identity, problem=problem)
    values = {
        "l": local or "postmaster",  # RFC 7208 §4.3
        "s": f"{local or 'postmaster'}@{domain}",
        "o": domain,
        "h": helo,
        "i": client.exploded if client.version == 4 else _nibbles(client),
        "v": "in-addr" if client.version == 4 else "ip6",
        "c": str(client),
        "r": receiver,
        "t": str(now_s),
    }
    evaluation = Evaluation(client, values)
    try:
        found = yield from evaluation.check_host(domain)
    except (TempError, PermError) as error:
        result = Result.TEMPERROR if isinstance(error, TempError) else Result.PERMERROR
        return SpfResult(result, domain, identity, problem=str(error))
    explanation = yield from evaluation.explain(found)
    return SpfResult(found.result, domain, identity, found.mechanism, explanation, found.problem)


def _find_client(ip: str) -> Address | None:
    """Return the address; RFC 7208 §5: an IPv4-mapped one is IPv4."""
    try:
        client = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return None
    mapped = client.ipv4_mapped if client.version == 6 else None
    return mapped or client


def _find_domain(given: str) -> str | None:
    """Return the domain as the DNS knows it; None unless a host could have it (RFC 7208 §4.3)."""
    if not given.isascii():
        try:
            given = domain_of(parse_mailbox(f"postmaster@{given}"))
        except ParseError:
            return None
    name = find_name(given)
    if name is None or len(name) < len(given.removesuffix(".")):
        return None
    top = name.rpartition(".")[2]
    return name if _HOST.fullmatch(name) and not top.isdigit() else None


def _nibbles(client: Address) -> str:
    """RFC 7208 §7.3: hexadecimal digits with dots between them; capitals as in the test suite."""
    return ".".join(client.exploded.replace(":", "").upper())
