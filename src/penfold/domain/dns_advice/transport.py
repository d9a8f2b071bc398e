"""Whether mail comes here encrypted to the right server: MTA-STS, DANE, and reports about both."""

import hashlib
from typing import Final

from penfold.domain.dns_advice.row import NO_ANSWER, Facts, Look, Row, ask_host, show_texts
from penfold.proto.dane import (
    DANE_EE,
    SHA2_256,
    SPKI,
    find_spki,
    find_tlsa,
    list_usable,
    verify_chain,
)
from penfold.proto.dns import Answer, Association, Question, Status
from penfold.proto.mta_sts import (
    Mode,
    Policy,
    find_own_id,
    is_named,
    parse_record,
    policy_host,
    policy_url,
    print_sts_record,
)
from penfold.proto.tls_rpt import parse_reporting
from penfold.proto.zone_file import print_alias, print_tlsa, print_txt

_SMTP_PORT: Final = 25


def look_at_sts(facts: Facts) -> Look:
    """MTA-STS (RFC 8461): the record is there, and the host that has the policy."""
    name = f"_mta-sts.{facts.domain}"
    answer = yield Question(name, "TXT")
    found = parse_record(answer.texts)
    if facts.policy.mode is Mode.NONE:
        return [_row_without_sts(name, answer, found)]
    host = policy_host(facts.domain)
    addresses = yield from ask_host(host)
    own = find_own_id(facts.policy)
    ok = None if answer.status is Status.FAILED else found is not None
    advice = "Add this record." if found is None else ""
    if ok is None:
        advice = NO_ANSWER
    elif found not in (None, own):
        advice = "Another id will do if it changes whenever the policy does; this one follows it."
    there = tuple(address for each in addresses for address in each.addresses)
    failed = not there and any(each.status is Status.FAILED for each in addresses)
    return [
        Row(
            what="MTA-STS",
            name=name,
            ok=ok,
            wanted=(print_txt(name, print_sts_record(facts.policy)),),
            found=show_texts(answer.texts),
            advice=advice,
        ),
        Row(
            what="MTA-STS host",
            name=host,
            ok=None if failed else bool(there),
            wanted=(print_alias(host, facts.hostname),),
            found=there,
            advice=NO_ANSWER if failed else "" if there else "Add this record.",
        ),
    ]


def _row_without_sts(name: str, answer: Answer, found: str | None) -> Row:
    if found is None:
        advice = 'The setting mta_sts_mode = "testing" would protect mail on its way here.'
    else:
        advice = "The setting mta_sts_mode is none: take it out once the last max_age has passed."
    return Row(
        what="MTA-STS",
        name=name,
        ok=True,
        found=show_texts(answer.texts),
        required=False,
        advice=advice,
    )


def judge_sts_policy(facts: Facts, fetched: Policy | str) -> list[Row]:
    """Return the row about the policy file. fetched: the policy, or why there is none."""
    if facts.policy.mode is Mode.NONE:
        return []
    url = policy_url(facts.domain)
    if isinstance(fetched, str):
        advice = (
            f"HTTPS at {policy_host(facts.domain)} port 443 must lead to Penfold's HTTP port, with "
            "a certificate for that name."
        )
        return [Row(what="MTA-STS policy", name=url, ok=False, found=(fetched,), advice=advice)]
    shown = f"mode: {fetched.mode}, mx: {', '.join(fetched.names)}, max_age: {fetched.age_s}"
    named = is_named(fetched, facts.hostname)
    same = named and fetched.mode is facts.policy.mode
    advice = ""
    if not named:
        advice = f"It does not name {facts.hostname}, so mail for the domain may stay away."
    elif not same:
        advice = f"The setting mta_sts_mode says {facts.policy.mode}: another server answers there."
    return [Row(what="MTA-STS policy", name=url, ok=same, found=(shown,), advice=advice)]


def look_at_tls_reports(facts: Facts) -> Look:
    """TLS-RPT (RFC 8460 §3): where others report that they could not encrypt."""
    name = f"_smtp._tls.{facts.domain}"
    answer = yield Question(name, "TXT")
    wanted = f"v=TLSRPTv1; rua=mailto:{facts.reports_to}"
    there = bool(parse_reporting(answer.texts))
    failed = answer.status is Status.FAILED
    return [
        Row(
            what="TLS-RPT",
            name=name,
            ok=None if failed else there,
            wanted=() if there else (print_txt(name, wanted),),
            found=show_texts(answer.texts),
            required=False,
            advice=NO_ANSWER if failed else "" if there else "Others then report broken TLS.",
        )
    ]


def look_at_tlsa(facts: Facts) -> Look:
    """DANE (RFC 7672): TLSA records, if there are any, are about the certificate in use."""
    answer = yield from find_tlsa(facts.hostname, _SMTP_PORT)
    addresses = yield from ask_host(facts.hostname)
    signed = any(each.secure for each in addresses)
    found = tuple(_show(each) for each in answer.associations)
    name = f"_{_SMTP_PORT}._tcp.{facts.hostname}"
    wanted = _want_tlsa(facts)
    lines = tuple(print_tlsa(name, each) for each in wanted) if signed or found else ()
    ok, advice = _judge_tlsa(facts, answer, signed=signed)
    return [
        Row(
            what="TLSA",
            name=name,
            ok=ok,
            wanted=lines,
            found=found,
            required=bool(found),
            advice=advice,
        )
    ]


def _judge_tlsa(facts: Facts, answer: Answer, *, signed: bool) -> tuple[bool | None, str]:
    if answer.status is Status.FAILED:
        return None, f"{NO_ANSWER} Who sends here by DANE waits as long."
    if not answer.associations:
        if signed:
            return False, "The zone is signed, so this record would protect mail on its way here."
        why = "" if facts.validates else " as far as is known (setting dns_trusted)"
        return True, f"Nothing to do: the zone is not signed (DNSSEC){why}."
    if not facts.certificates:
        return None, "The certificate in use could not be read, so nothing was compared."
    usable = list_usable(answer.associations)
    names = (facts.hostname, facts.domain)
    if verify_chain(facts.certificates, usable, names, now_ms=facts.now_ms).is_good:
        return True, ""
    return False, "No record is about the certificate in use: who heeds DANE cannot send here."


def _want_tlsa(facts: Facts) -> list[Association]:
    """RFC 7672 §3.1.1: the key of the certificate, so that renewing it changes nothing."""
    spki = find_spki(facts.certificates[0]) if facts.certificates else None
    return [Association(DANE_EE, SPKI, SHA2_256, hashlib.sha256(spki).digest())] if spki else []


def _show(record: Association) -> str:
    return f"{record.usage} {record.selector} {record.matching} {record.data.hex()}"
