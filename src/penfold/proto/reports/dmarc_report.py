"""DMARC aggregate reports (RFC 9990, and RFC 7489 appendix C, which most senders write still).

Tolerant where meaning survives: any namespace or none, elements in any order, enumerations in any
case. What is an enumeration stays text, because receivers invent values. A record without an IP
address or with a count that is no number is left out and counted in `damaged`.
"""

import ipaddress
import re

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import DMARC_RECORDS_MAX
from penfold.proto.reports.elements import Element, read_document
from penfold.proto.reports.unpack import unpack_report

_NUMBER = re.compile(r"\d{1,15}")


class Reason(Struct, frozen=True, gc=False):
    """Why a policy was not applied: "forwarded", "local_policy", …, and a comment."""

    kind: str
    comment: str = ""


class AuthResult(Struct, frozen=True, gc=False):
    """What DKIM or SPF said, before alignment. selector: of DKIM; scope: of SPF."""

    domain: str
    result: str
    selector: str = ""
    scope: str = ""
    detail: str = ""


class DmarcRecord(Struct, frozen=True, gc=False):
    """Messages of one source with one result.

    dkim, spf: whether they passed and were aligned. disposition: what was done.
    """

    source_ip: str
    count: int
    disposition: str
    dkim: str
    spf: str
    reasons: tuple[Reason, ...]
    header_from: str
    envelope_from: str
    envelope_to: str
    dkim_results: tuple[AuthResult, ...]
    spf_results: tuple[AuthResult, ...]


class DmarcPolicy(Struct, frozen=True, gc=False):
    """The policy as the reporter found it; "" is what it does not say.

    testing, np, discovery: of RFC 9990. percent: of RFC 7489.
    """

    domain: str
    p: str = ""
    sp: str = ""
    np: str = ""
    adkim: str = ""
    aspf: str = ""
    fo: str = ""
    testing: str = ""
    discovery: str = ""
    percent: str = ""


class DmarcReport(Struct, frozen=True, gc=False):
    """An aggregate report. begin_s, end_s: epoch seconds, 0 when unusable.

    damaged: records that could not be read. omitted: those beyond DMARC_RECORDS_MAX.
    """

    reporter: str
    email: str
    contact: str
    report_id: str
    begin_s: int
    end_s: int
    errors: tuple[str, ...]
    generator: str
    policy: DmarcPolicy
    records: tuple[DmarcRecord, ...]
    damaged: int = 0
    omitted: int = 0


def parse_dmarc_report(data: bytes) -> DmarcReport:
    """Return a report from XML, plain or in gzip or zip.

    ParseError when it is not one, is damaged, too large, or names no domain.
    """
    records: list[DmarcRecord | None] = []
    omitted: list[None] = []

    def take(element: Element) -> None:
        if len(records) < DMARC_RECORDS_MAX:
            records.append(_read_record(element))
        else:
            omitted.append(None)

    root = read_document(unpack_report(data), repeated="record", take=take)
    policy = _read_policy(root)
    if root.name != "feedback" or not policy.domain:
        raise ParseError("no DMARC report")
    about = root.find("report_metadata") or Element("report_metadata")
    return DmarcReport(
        reporter=about.find_text("org_name"),
        email=about.find_text("email"),
        contact=about.find_text("extra_contact_info"),
        report_id=about.find_text("report_id"),
        begin_s=_read_number(about.find_text("date_range", "begin")) or 0,
        end_s=_read_number(about.find_text("date_range", "end")) or 0,
        errors=tuple(each.text for each in about.list("error")),
        generator=about.find_text("generator"),
        policy=policy,
        records=tuple(each for each in records if each is not None),
        damaged=records.count(None),
        omitted=len(omitted),
    )


def _read_policy(root: Element) -> DmarcPolicy:
    found = root.find("policy_published") or Element("policy_published")
    return DmarcPolicy(
        domain=_name(found, "domain"),
        p=_word(found, "p"),
        sp=_word(found, "sp"),
        np=_word(found, "np"),
        adkim=_word(found, "adkim"),
        aspf=_word(found, "aspf"),
        fo=_word(found, "fo"),
        testing=_word(found, "testing"),
        discovery=_word(found, "discovery_method"),
        percent=_word(found, "pct"),
    )


def _read_record(element: Element) -> DmarcRecord | None:
    count = _read_number(element.find_text("row", "count"))
    source_ip = "" if count is None else _read_address(element.find_text("row", "source_ip"))
    if count is None or not source_ip:
        return None
    evaluated = element.find("row", "policy_evaluated") or Element("policy_evaluated")
    # RFC 7489 appendix C says identifiers; early reporters wrote identities.
    names = element.find("identifiers") or element.find("identities") or Element("identifiers")
    return DmarcRecord(
        source_ip=source_ip,
        count=count,
        disposition=_word(evaluated, "disposition"),
        dkim=_word(evaluated, "dkim"),
        spf=_word(evaluated, "spf"),
        reasons=tuple(
            Reason(_word(each, "type"), each.find_text("comment"))
            for each in evaluated.list("reason")
        ),
        header_from=_name(names, "header_from"),
        envelope_from=_name(names, "envelope_from"),
        envelope_to=_name(names, "envelope_to"),
        dkim_results=tuple(map(_read_result, element.list("auth_results", "dkim"))),
        spf_results=tuple(map(_read_result, element.list("auth_results", "spf"))),
    )


def _read_result(element: Element) -> AuthResult:
    return AuthResult(
        domain=_name(element, "domain"),
        result=_word(element, "result"),
        selector=element.find_text("selector"),
        scope=_word(element, "scope"),
        detail=element.find_text("human_result"),
    )


def _word(element: Element, name: str) -> str:
    return element.find_text(name).lower()


def _name(element: Element, name: str) -> str:
    """Return a domain: lower case, without the final dot."""
    return element.find_text(name).lower().rstrip(".")


def _read_number(text: str) -> int | None:
    # Some reporters write seconds with a fraction.
    match = _NUMBER.match(text)
    return int(match[0]) if match and text[match.end() : match.end() + 1] in ("", ".") else None


def _read_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
