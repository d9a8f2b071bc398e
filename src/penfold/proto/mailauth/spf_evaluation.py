"""Evaluation of SPF records (RFC 7208 §4 to §6): what the terms match, and what they may ask.

Owns check_host() and the bounds of §4.6.4, which are counted over the whole check, not per record.
Raises PermError and TempError, for `spf` to turn into results, and nothing else.
"""

import contextlib

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import SPF_ADDRESSES_MAX, SPF_NAMES_MAX, SPF_TERMS_MAX, SPF_VOID_MAX
from penfold.proto.dns import Answer, Check, Kind, Question, Status
from penfold.proto.mailauth.spf_macro import (
    Template,
    expand_explanation,
    find_name,
    find_target,
    parse_explanation,
    uses_letter,
)
from penfold.proto.mailauth.spf_record import (
    Address,
    Mechanism,
    Record,
    Result,
    bounded,
    is_spf_record,
    parse_record,
)

#: Compares whole addresses.
_EXACT = Mechanism("", Result.PASS, "a")


class PermError(Exception):
    """The record is wrong or asks for too much."""


class TempError(Exception):
    """Nobody could answer a question."""


class Found(Struct, frozen=True, gc=False):
    """What a record says. template: of its explanation, if the result is its own."""

    result: Result
    domain: str
    mechanism: str = ""
    template: Template | None = None
    problem: str = ""


class Evaluation:
    """One check: who is asking to be let in, and what was used up so far."""

    __slots__ = ("client", "kind", "names", "terms", "valid", "values", "void", "voids")

    def __init__(self, client: Address, values: dict[str, str]) -> None:
        self.client = client
        self.values = values
        self.kind: Kind = "A" if client.version == 4 else "AAAA"
        self.terms = 0
        self.voids = 0
        self.void = False  # this term was counted among the voids
        self.names: tuple[str, ...] | None = None  # of the client, not validated
        self.valid: dict[str, bool] = {}

    def check_host(self, domain: str) -> Check[Found]:
        record = yield from self._fetch(domain)
        if record is None:
            return Found(Result.NONE, domain, problem="no record")
        for mechanism in record.mechanisms:
            if (yield from self._matches(mechanism, domain)):
                return Found(mechanism.result, domain, mechanism.text, record.explanation)
        if record.redirect is None:
            return Found(Result.NEUTRAL, domain, "default")  # RFC 7208 §4.7
        self._count_term()
        target = yield from self._expand(record.redirect, domain)
        found = target and (yield from self.check_host(target))
        if not found or found.result == Result.NONE:  # RFC 7208 §6.1
            raise PermError(f"redirect to no record: {bounded(target or 'no name')}")
        return found

    def _fetch(self, domain: str) -> Check[Record | None]:
        answer = yield Question(domain, "TXT")
        if answer.status == Status.FAILED:
            raise TempError(f"no answer: TXT {bounded(domain)}")
        records = [text for text in answer.texts if is_spf_record(text)]
        if len(records) > 1:
            raise PermError(f"more than one record: {bounded(domain)}")
        try:
            return parse_record(records[0]) if records else None
        except ParseError as error:
            raise PermError(f"{bounded(domain)}: {error}") from error

    def _matches(self, mechanism: Mechanism, domain: str) -> Check[bool]:
        if mechanism.name == "all":
            return True
        if mechanism.network is not None:
            return self._is_within(mechanism.network, mechanism)
        self._count_term()
        target: str | None = domain
        if mechanism.target is not None:
            target = yield from self._expand(mechanism.target, domain)
        match mechanism.name:
            case "include":
                return (yield from self._matches_include(target))
            case _ if target is None:
                return False  # RFC 7208 §4.8: a name nobody can ask for is not there
            case "a":
                return (yield from self._matches_a(target, mechanism))
            case "mx":
                return (yield from self._matches_mx(target, mechanism))
            case "ptr":
                return (yield from self._matches_ptr(target))
        found = yield from self._ask(target, "A")  # RFC 7208 §5.7: exists, for IPv6 clients too
        return bool(found.addresses)

    def _matches_include(self, target: str | None) -> Check[bool]:
        found = target and (yield from self.check_host(target))
        if not found or found.result == Result.NONE:  # RFC 7208 §5.2
            raise PermError(f"include of no record: {bounded(target or 'no name')}")
        return found.result == Result.PASS

    def _matches_a(self, target: str, mechanism: Mechanism) -> Check[bool]:
        found = yield from self._ask(target, self.kind)
        return self._is_among(found, mechanism)

    def _matches_mx(self, target: str, mechanism: Mechanism) -> Check[bool]:
        found = yield from self._ask(target, "MX")
        for count, exchange in enumerate(sorted(found.exchanges)):
            if count == SPF_NAMES_MAX:
                raise PermError(f"more than {SPF_NAMES_MAX} MX hosts: {bounded(target)}")
            host = find_name(exchange.host)
            if host is not None and (yield from self._matches_a(host, mechanism)):
                return True
        return False

    def _matches_ptr(self, target: str) -> Check[bool]:
        """RFC 7208 §5.5: does a validated name of the client lie in the target?"""
        for name in (yield from self._find_names()):
            if _lies_in(name, target) and (yield from self._is_valid(name)):
                return True
        return False

    def _is_among(self, answer: Answer, mechanism: Mechanism) -> bool:
        """Say whether one of the addresses, all of the client's kind, is the client's."""
        kind = type(self.client)
        for text in answer.addresses[:SPF_ADDRESSES_MAX]:
            with contextlib.suppress(ValueError):
                if self._is_within(kind(text), mechanism):
                    return True
        return False

    def _is_within(self, network: Address, mechanism: Mechanism) -> bool:
        client = self.client
        if network.version != client.version:
            return False
        prefix = mechanism.prefix4 if client.version == 4 else mechanism.prefix6
        return (int(client) ^ int(network)) >> (client.max_prefixlen - prefix) == 0

    def _ask(self, name: str, kind: Kind) -> Check[Answer]:
        """Ask for a term. RFC 7208 §5: no answer ends the check; §4.6.4: voids are counted.

        The limit is on terms, so hosts of one mx that have no address of the client's kind count
        once. Deviates (SHOULD): that the client has no names counts for no ptr and no %{p}. Its
        owner decides that, who could turn the domain's fail into an error with it.
        """
        answer = yield Question(name, kind)
        if answer.status == Status.FAILED:
            raise TempError(f"no answer: {kind} {bounded(name)}")
        if not answer.records and not self.void:
            self.void = True
            self.voids += 1
            if self.voids > SPF_VOID_MAX:
                raise PermError(f"more than {SPF_VOID_MAX} terms that find nothing")
        return answer

    def _count_term(self) -> None:
        self.terms += 1
        self.void = False
        if self.terms > SPF_TERMS_MAX:
            raise PermError(f"more than {SPF_TERMS_MAX} terms that look up")

    def _expand(self, template: Template, domain: str) -> Check[str | None]:
        if self.names is None and uses_letter(template, "p"):
            self._count_term()  # RFC 7208 §4.6.4: asking for PTR counts for %{p} as for ptr
        values = yield from self._values_at(domain, template)
        return find_target(template, values)

    def _values_at(self, domain: str, template: Template) -> Check[dict[str, str]]:
        """Return the values of all letters the template uses, in the record of the domain."""
        values = {**self.values, "d": domain}
        if uses_letter(template, "p"):
            values["p"] = yield from self._find_valid_name(domain)
        return values

    def _find_valid_name(self, domain: str) -> Check[str]:
        """RFC 7208 §7.3, %{p}: the domain, else a name in it, else any; "unknown" for none."""
        names = yield from self._find_names()
        for name in sorted(names, key=lambda name: (name != domain, not _lies_in(name, domain))):
            if (yield from self._is_valid(name)):
                return name
        return "unknown"

    def _find_names(self) -> Check[tuple[str, ...]]:
        """Return the first names of the client's address, for further answers to confirm."""
        if self.names is None:
            answer = yield Question(self.client.reverse_pointer, "PTR")
            # RFC 7208 §4.6.4: further names are ignored.
            names = (find_name(name) for name in answer.addresses[:SPF_NAMES_MAX])
            self.names = tuple(dict.fromkeys(name for name in names if name is not None))
        return self.names

    def _is_valid(self, name: str) -> Check[bool]:
        """Say whether the name has the client's address; RFC 7208 §5.5: no answer is a no."""
        if name not in self.valid:
            answer = yield Question(name, self.kind)
            self.valid[name] = self._is_among(answer, _EXACT)
        return self.valid[name]

    def explain(self, found: Found) -> Check[str]:
        """Return the explanation of a fail; RFC 7208 §6.2: "" for whatever is wrong with it."""
        if found.result != Result.FAIL or found.template is None:
            return ""
        values = yield from self._values_at(found.domain, found.template)
        target = find_target(found.template, values)
        if target is None:
            return ""
        answer = yield Question(target, "TXT")
        if len(answer.texts) != 1:
            return ""
        try:
            template = parse_explanation(answer.texts[0].decode("ascii"))
        except (ParseError, UnicodeDecodeError):
            return ""
        return expand_explanation(template, (yield from self._values_at(found.domain, template)))


def _lies_in(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")
