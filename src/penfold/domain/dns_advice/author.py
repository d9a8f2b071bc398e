"""Whether others believe that mail is from the domain: SPF, DKIM, DMARC."""

import re
from collections.abc import Sequence
from typing import Final

from penfold.base.errors import ParseError, UnavailableError
from penfold.domain.dns_advice.row import (
    NO_ANSWER,
    Facts,
    Look,
    Row,
    find_addresses,
    show_texts,
)
from penfold.domain.outgoing.domains import is_forgettable
from penfold.domain.outgoing.signing_keys import KeyState, state_of
from penfold.ports.identity import DkimKey
from penfold.proto.dns import Check, Question, Status
from penfold.proto.mailauth.dmarc_record import report_addresses
from penfold.proto.mailauth.dmarc_walk import Place, Tree
from penfold.proto.mailauth.keys import find_key, make_key_record, parse_key_record
from penfold.proto.mailauth.outcome import Outcome, RefusedError
from penfold.proto.mailauth.spf import SpfResult, check_spf
from penfold.proto.mailauth.spf_record import Result, is_spf_record
from penfold.proto.zone_file import print_txt

_SPF_VERSION: Final = re.compile(r"(?i)\Av=spf1")


def look_at_spf(facts: Facts) -> Look:
    """SPF (RFC 7208) lets every address of ours send for the domain."""
    addresses = yield from find_addresses(facts)
    answer = yield Question(facts.domain, "TXT")
    records = [text for text in answer.texts if is_spf_record(text)]
    ok, refused, advice = None, list(addresses), NO_ANSWER
    if answer.status is not Status.FAILED:
        results = yield from _try_spf(facts, addresses, sender=f"postmaster@{facts.domain}")
        ok, refused, advice = _judge_spf(addresses, results, records)
    return [
        Row(
            what="SPF",
            name=facts.domain,
            ok=ok,
            wanted=(print_txt(facts.domain, _want_spf(facts, records, refused, ok=ok)),),
            found=show_texts(records),
            advice=advice,
        )
    ]


def _try_spf(facts: Facts, addresses: Sequence[str], *, sender: str) -> Check[list[SpfResult]]:
    results = []
    for address in addresses:
        result = yield from check_spf(
            ip=address,
            helo=facts.hostname,
            sender=sender,
            receiver=facts.hostname,
            now_s=facts.now_ms // 1000,
        )
        results.append(result)
    return results


def _judge_spf(
    addresses: Sequence[str], results: Sequence[SpfResult], records: Sequence[bytes]
) -> tuple[bool | None, list[str], str]:
    """Return whether all is well, the addresses that may not send, and what to do about it."""
    pairs = list(zip(addresses, results, strict=True))
    refused = [address for address, result in pairs if result.result is not Result.PASS]
    problems = [result.problem for result in results if result.result is Result.PERMERROR]
    if len(records) > 1:
        return False, refused, "Several SPF records count as none (RFC 7208 §4.5): leave one."
    if not records:
        return False, refused, "Add this record."
    if not addresses:
        return None, refused, "The addresses of this server are not known: see above."
    if not refused:
        return True, refused, ""
    if problems:
        return False, refused, f"The record is in error: {problems[0]}."
    if any(result.result is Result.TEMPERROR for result in results):
        return None, refused, NO_ANSWER
    return False, refused, f"The record does not let {', '.join(refused)} send: change it to this."


def _want_spf(
    facts: Facts, records: Sequence[bytes], refused: Sequence[str], *, ok: bool | None
) -> str:
    """Return the record that is there if it will do, with what it lacks in front, or a new one.

    What stands first decides (RFC 7208 §4.6.2), so the rest may stay as it is.
    """
    text = records[0].decode("latin-1") if len(records) == 1 else ""
    if text and (ok is not False or not refused):
        return text
    lacking = " ".join(map(_print_mechanism, refused))
    if text and lacking and text.isascii() and text.isprintable():
        return _SPF_VERSION.sub(f"v=spf1 {lacking}", text, count=1)
    return _print_new(facts, "mx")


def _print_new(facts: Facts, mechanism: str) -> str:
    """Return a record of our own; the mechanism stands for addresses that the DNS knows."""
    return f"v=spf1 {' '.join(map(_print_mechanism, facts.addresses)) or mechanism} -all"


def _print_mechanism(address: str) -> str:
    return f"ip6:{address}" if ":" in address else f"ip4:{address}"


def look_at_helo(facts: Facts) -> Look:
    """SPF of the host's own name, by which mail without a sender is judged (RFC 7208 §2.3)."""
    if facts.hostname == facts.domain:
        return []
    addresses = yield from find_addresses(facts)
    answer = yield Question(facts.hostname, "TXT")
    records = [text for text in answer.texts if is_spf_record(text)]
    results = yield from _try_spf(facts, addresses, sender="")
    ok: bool | None = bool(results) and all(each.result is Result.PASS for each in results)
    if answer.status is Status.FAILED:
        ok = None
    advice = NO_ANSWER if ok is None else "" if ok else "Notices about failed mail pass SPF by it."
    return [
        Row(
            what="SPF of the host",
            name=facts.hostname,
            ok=ok,
            wanted=(print_txt(facts.hostname, _print_new(facts, "a")),),
            found=show_texts(records),
            required=False,
            advice=advice,
        )
    ]


def look_at_keys(facts: Facts) -> Look:
    """DKIM (RFC 6376): the record of each key is there, and is that key."""
    rows = []
    for key in facts.keys:
        row = yield from _look_at_key(facts, key)
        rows.append(row)
    return rows


def _look_at_key(facts: Facts, key: DkimKey) -> Check[Row]:
    answer = yield Question(key.name, "TXT")
    try:
        published = yield from find_key(facts.domain, key.selector)
    except RefusedError as error:
        same, why = None if error.outcome is Outcome.TEMPERROR else False, error.reason
    else:
        same, why = make_key_record(published.key) == _own_record(key), "another key"
        if same and published.testing:
            why = "marked as a test (t=y), so failures are not held against the mail"
    ok, advice = _judge_key(facts, key, same=same, why=why, found=bool(answer.texts))
    gone = is_forgettable(key, facts.now_ms)
    return Row(
        what="DKIM",
        name=key.name,
        ok=ok,
        wanted=() if gone else (print_txt(key.name, key.record),),
        found=show_texts(answer.texts),
        required=state_of(key) is not KeyState.RETIRED,
        advice=advice,
        selector=key.selector,
    )


def _own_record(key: DkimKey) -> str:
    """Return our record in the spelling of make_key_record; "" if it cannot be read."""
    try:
        return make_key_record(parse_key_record(key.record.encode()).key)
    except ParseError:
        return ""


def _judge_key(
    facts: Facts, key: DkimKey, *, same: bool | None, why: str, found: bool
) -> tuple[bool | None, str]:
    state = state_of(key)
    if is_forgettable(key, facts.now_ms):
        return True, "Retired: its record may go." if same else ""
    if same is None:
        return None, NO_ANSWER
    if same:
        return True, why if "test" in why else ""
    if state is KeyState.WAITING:
        what = "Put this record in its place" if found else "Add this record"
        return False, f"{what} ({why}); the key signs once it is seen."
    if state is KeyState.RETIRED:
        return False, f"Mail under way was signed with it: add it again ({why})."
    return False, f"Mail is signed with this key, and others find it invalid ({why})."


def look_at_dmarc(facts: Facts) -> Look:
    """DMARC (RFC 9989): the domain says what to do with mail that only pretends to be from it."""
    name = f"_dmarc.{facts.domain}"
    answer = yield Question(name, "TXT")
    place: Place | None = None
    ok: bool | None
    try:
        place = yield from Tree().find_policy(facts.domain)
        ok, advice = _judge_dmarc(facts, place)
    except UnavailableError:
        ok, advice = None, NO_ANSWER
    report = f"v=DMARC1; p=none; rua=mailto:{facts.reports_to}"
    there = [text for text in answer.texts if text.lower().lstrip().startswith(b"v=dmarc1")]
    inherited = ok and place is not None and place.domain != facts.domain
    return [
        Row(
            what="DMARC",
            name=name,
            ok=ok,
            wanted=() if inherited else (print_txt(name, there[0] if ok and there else report),),
            found=show_texts(there),
            advice=advice,
        )
    ]


def _judge_dmarc(facts: Facts, place: Place | None) -> tuple[bool, str]:
    if place is None:
        return False, "Add this record (only one); Gmail and others ask for it."
    record = place.record
    if not record.usable:
        return False, "The record asks for nothing that is known: replace it."
    if place.domain != facts.domain:
        policy = record.policy_below(exists=True)
        return True, f"The record of {place.domain} holds here: {policy}."
    if not report_addresses(record.rua):
        return True, "Without rua=mailto:… nobody reports how mail from this domain fares."
    if record.p == "none":
        return True, "p=none asks for reports only; go on to quarantine when they look well."
    return True, ""
