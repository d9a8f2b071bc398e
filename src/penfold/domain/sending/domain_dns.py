"""What the DNS has to say about a sending domain, looking at it, and what follows from that.

    _penfold.DOMAIN                TXT    whoever runs the domain wants it to be here
    SELECTOR._domainkey.DOMAIN     TXT    DKIM (RFC 6376), one of each algorithm
    send.DOMAIN                    CNAME  return addresses of its mail lead here, and SPF holds
    links.DOMAIN                   CNAME  links of its mail lead here
    _dmarc.DOMAIN                  TXT    DMARC (RFC 9989); any that asks for something will do

The first two decide whether mail may leave; the others are advice.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.errors import ParseError, UnavailableError
from penfold.base.limits import SENDING_DOMAIN_GRACE_MS
from penfold.domain.outgoing.signing_keys import KeyState, state_of
from penfold.ports.identity import DkimKey
from penfold.ports.sending.events import OtherKind
from penfold.ports.sending.records import SendingDomain
from penfold.proto.dns import Check, Question, Status
from penfold.proto.mailauth.dmarc_walk import Tree
from penfold.proto.mailauth.keys import find_key, parse_key_record
from penfold.proto.mailauth.outcome import Outcome, RefusedError

PENDING: Final = "pending"
VERIFIED: Final = "verified"
FAILED: Final = "failed"

#: Kinds of events about a domain.

#: Names of records in SendingDomain.checks; a key's is its selector.
_OWNER, _RETURN, _TRACKING, _DMARC = "ownership", "return_path", "tracking", "dmarc"


class Found(StrEnum):
    """unanswered: nobody could say. missing: no such record. wrong: it says something else."""

    VERIFIED = "verified"
    MISSING = "missing"
    WRONG = "wrong"
    UNANSWERED = "unanswered"


class DnsRecord(Struct, frozen=True, gc=False):
    """A record to publish. what: its place in checks. purpose: a word for people."""

    what: str
    purpose: str
    name: str
    kind: str
    value: str
    required: bool


class Verdict(Struct, frozen=True):
    """domain: as it is to be kept. event: the kind of what happened, "" for nothing."""

    domain: SendingDomain
    event: str = ""


def list_dns_records(domain: SendingDomain, hostname: str) -> list[DnsRecord]:
    """Return what is to be published. hostname: of this server."""
    name = domain.name
    needed = {key.name for key in _needed_keys(domain)}
    advice = f"v=DMARC1; p=none; rua=mailto:postmaster@{name}"
    return [
        DnsRecord(_OWNER, "Ownership", f"_penfold.{name}", "TXT", _owner_text(domain), True),
        *(
            DnsRecord(key.selector, "DKIM", key.name, "TXT", key.record, key.name in needed)
            for key in _published_keys(domain)
        ),
        DnsRecord(_RETURN, "Return path", domain.return_path, "CNAME", hostname, False),
        DnsRecord(_TRACKING, "Tracking", domain.tracking, "CNAME", hostname, False),
        DnsRecord(_DMARC, "DMARC", f"_dmarc.{name}", "TXT", advice, False),
    ]


def look_at(domain: SendingDomain, hostname: str) -> Check[dict[str, str]]:
    """Return what was Found of each record, by its `what`."""
    found = {_OWNER: (yield from _look_for_owner(domain))}
    for key in _published_keys(domain):
        found[key.selector] = yield from _look_at_key(domain, key)
    home = yield from _find_addresses(hostname)
    found[_RETURN] = yield from _look_at_alias(domain.return_path, home)
    found[_TRACKING] = yield from _look_at_alias(domain.tracking, home)
    found[_DMARC] = yield from _look_at_dmarc(domain.name)
    return {what: each.value for what, each in found.items()}


def leads_here(domain: SendingDomain) -> bool:
    """Return whether what is sent to the domain's name for bounces comes to this server."""
    return domain.checks.get(_RETURN) == Found.VERIFIED


def is_tracking_seen(domain: SendingDomain) -> bool:
    """Return whether its name for tracked links leads here."""
    return domain.checks.get(_TRACKING) == Found.VERIFIED


def judge(domain: SendingDomain, checks: Mapping[str, str], *, now_ms: int) -> Verdict:
    """Return the domain with what was found, and the event that is.

    A record nobody could say anything about changes nothing. Keys sign once they are seen.
    """
    needed = [_OWNER, *(key.selector for key in _needed_keys(domain))]
    said = [checks.get(what, Found.UNANSWERED) for what in needed]
    seen = replace(domain, checks=dict(checks), checked_ms=now_ms)
    if all(each == Found.VERIFIED for each in said):
        news = domain.state != VERIFIED or domain.failing_ms
        good = replace(
            seen,
            state=VERIFIED,
            verified_ms=now_ms if domain.state != VERIFIED else domain.verified_ms,
            failing_ms=0,
            keys=_begin(domain.keys, checks, now_ms),
        )
        return Verdict(good, OtherKind.DOMAIN_VERIFIED.value if news else "")
    if domain.state != VERIFIED or not any(each in (Found.MISSING, Found.WRONG) for each in said):
        return Verdict(seen)
    if not domain.failing_ms:
        return Verdict(replace(seen, failing_ms=now_ms), OtherKind.DOMAIN_ERROR.value)
    if now_ms - domain.failing_ms >= SENDING_DOMAIN_GRACE_MS:
        return Verdict(replace(seen, state=FAILED), OtherKind.DOMAIN_ERROR.value)
    return Verdict(seen)


def _published_keys(domain: SendingDomain) -> list[DkimKey]:
    return [key for key in domain.keys if state_of(key) is not KeyState.RETIRED]


def _needed_keys(domain: SendingDomain) -> list[DkimKey]:
    """Return the keys mail is signed with, or will be when there is none yet."""
    active = [key for key in domain.keys if state_of(key) is KeyState.ACTIVE]
    return active or _published_keys(domain)


def _begin(
    keys: tuple[DkimKey, ...], checks: Mapping[str, str], now_ms: int
) -> tuple[DkimKey, ...]:
    """Let waiting keys sign whose records are there; older ones of their algorithms retire."""
    begun = {
        key.algorithm: key.name
        for key in keys
        if state_of(key) is KeyState.WAITING and checks.get(key.selector) == Found.VERIFIED
    }

    def turn(key: DkimKey) -> DkimKey:
        if begun.get(key.algorithm) == key.name:
            return replace(key, active_ms=now_ms)
        if key.algorithm in begun and state_of(key) is KeyState.ACTIVE:
            return replace(key, sealed=b"", retired_ms=now_ms)
        return key

    return tuple(map(turn, keys))


def _owner_text(domain: SendingDomain) -> str:
    return f"penfold-domain={domain.token}"


def _look_for_owner(domain: SendingDomain) -> Check[Found]:
    answer = yield Question(f"_penfold.{domain.name}", "TXT")
    if answer.status is Status.FAILED:
        return Found.UNANSWERED
    if _owner_text(domain).encode() in answer.texts:
        return Found.VERIFIED
    return Found.WRONG if answer.texts else Found.MISSING


def _look_at_key(domain: SendingDomain, key: DkimKey) -> Check[Found]:
    answer = yield Question(key.name, "TXT")
    try:
        published = yield from find_key(domain.name, key.selector)
        same = published.key == parse_key_record(key.record.encode()).key
    except RefusedError as error:
        if error.outcome is Outcome.TEMPERROR:
            return Found.UNANSWERED
        return Found.WRONG if answer.texts else Found.MISSING
    except ParseError:
        return Found.WRONG
    return Found.VERIFIED if same else Found.WRONG


def _find_addresses(host: str) -> Check[set[str] | None]:
    """Return the addresses of a host, aliases followed; None when nobody could say."""
    four = yield Question(host, "A")
    six = yield Question(host, "AAAA")
    if Status.FAILED in (four.status, six.status):
        return None
    return {*four.addresses, *six.addresses}


def _look_at_alias(name: str, home: set[str] | None) -> Check[Found]:
    """Whether a name leads here, as an alias or by the same addresses."""
    there = yield from _find_addresses(name)
    if there is None or not home:
        return Found.UNANSWERED
    if not there:
        return Found.MISSING
    return Found.VERIFIED if there <= home else Found.WRONG


def _look_at_dmarc(name: str) -> Check[Found]:
    try:
        place = yield from Tree().find_policy(name)
    except UnavailableError:
        return Found.UNANSWERED
    if place is None:
        return Found.MISSING
    return Found.VERIFIED if place.record.usable else Found.WRONG
