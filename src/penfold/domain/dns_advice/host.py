"""The server as others see it: where mail for the domain goes, and whose addresses those are."""

import ipaddress

from penfold.domain.dns_advice.row import NO_ANSWER, Facts, Look, Row, ask_host, find_addresses
from penfold.proto.blocklists import check_blocklist
from penfold.proto.dns import Answer, Exchange, Kind, Question, Status
from penfold.proto.iprev import check_iprev
from penfold.proto.special_addresses import Reach, reach_of
from penfold.proto.zone_file import print_mx, print_record

_PREFERENCE = 10


def look_at_mx(facts: Facts) -> Look:
    """RFC 5321 §5.1: one MX record names this host."""
    answer = yield Question(facts.domain, "MX")
    exchanges = sorted(answer.exchanges)
    ours = [each for each in exchanges if each.host == facts.hostname]
    advice = ""
    if answer.status is Status.FAILED:
        advice = NO_ANSWER
    elif not ours:
        there = ", which leads elsewhere" if exchanges else ""
        advice = f"Add this record{there}; without it no mail arrives here."
        if any(not each.host for each in exchanges):
            advice = "The record there says that the domain takes no mail (RFC 7505): replace it."
    elif exchanges[0].preference < ours[0].preference:
        advice = f"Mail goes to {exchanges[0].host} first."
    return [
        Row(
            what="MX",
            name=facts.domain,
            ok=None if answer.status is Status.FAILED else bool(ours),
            wanted=(print_mx(facts.domain, Exchange(_PREFERENCE, facts.hostname)),),
            found=tuple(f"{each.preference} {each.host}." for each in exchanges),
            advice=advice,
        )
    ]


def look_at_addresses(facts: Facts) -> Look:
    """The host has addresses, which the whole world can reach."""
    answers = yield from ask_host(facts.hostname)
    found = tuple(address for answer in answers for address in answer.addresses)
    ok, advice = _judge_addresses(answers, found)
    known = found if ok else facts.addresses
    lines = tuple(_print_address(facts.hostname, address) for address in known)
    unknown = print_record(facts.hostname, "A", "<the public IPv4 address of this server>")
    return [
        Row(
            what="address",
            name=facts.hostname,
            ok=ok,
            wanted=lines or (unknown,),
            found=found,
            advice=advice,
        )
    ]


def _judge_addresses(
    answers: tuple[Answer, Answer], found: tuple[str, ...]
) -> tuple[bool | None, str]:
    if not found:
        failed = any(answer.status is Status.FAILED for answer in answers)
        return (None, NO_ANSWER) if failed else (False, "Add this record: the MX leads nowhere.")
    hidden = [address for address in found if reach_of(address) is not Reach.PUBLIC]
    if hidden:
        return False, f"Nobody outside can reach {', '.join(hidden)}: give the public address."
    return True, ""


def look_at_reverse(facts: Facts) -> Look:
    """Every address has a name that leads back to it: Gmail and others refuse mail without."""
    addresses = yield from find_addresses(facts)
    if not addresses:
        backwards = print_record("<address backwards>.in-addr.arpa", "PTR", f"{facts.hostname}.")
        advice = "The addresses of this server are not known: see above."
        return [Row(what="PTR", name="", ok=None, wanted=(backwards,), advice=advice)]
    rows = []
    for address in addresses:
        name = ipaddress.ip_address(address).reverse_pointer
        answer = yield Question(name, "PTR")
        checked = yield from check_iprev(address)
        ok = None if checked.result == "temperror" else checked.result == "pass"
        advice = ""
        if ok is None:
            advice = NO_ANSWER
        elif not ok:
            advice = (
                "Whoever gave you the address (the provider) sets this, often on a page of theirs; "
                f"the name must have {address} as an address."
            )
        elif facts.hostname not in answer.addresses:
            advice = f"Better the name this server says it is: {facts.hostname}."
        rows.append(
            Row(
                what="PTR",
                name=name,
                ok=ok,
                wanted=(print_record(name, "PTR", f"{facts.hostname}."),),
                found=tuple(f"{each}." for each in answer.addresses),
                advice=advice,
            )
        )
    return rows


def look_at_blocklists(facts: Facts) -> Look:
    """No list that others refuse mail by has an address of ours (RFC 5782)."""
    if not facts.lists:
        return []
    addresses = yield from find_addresses(facts)
    rows = []
    for address in addresses:
        listed: list[str] = []
        silent: list[str] = []
        for zone in facts.lists:
            answer = yield from check_blocklist(address, zone)
            if answer != "clean":
                (listed if answer == "listed" else silent).append(zone)
        advice = ""
        if listed:
            advice = "Find out why on the list's own page, end it, then ask to be taken off."
        elif silent:
            advice = f"No answer to rely on from {', '.join(silent)}."
        rows.append(
            Row(
                what="blocklists",
                name=address,
                ok=False if listed else None if len(silent) == len(facts.lists) else True,
                found=tuple(listed),
                required=False,
                advice=advice,
            )
        )
    return rows


def _print_address(host: str, address: str) -> str:
    kind: Kind = "AAAA" if ":" in address else "A"
    return print_record(host, kind, address)
