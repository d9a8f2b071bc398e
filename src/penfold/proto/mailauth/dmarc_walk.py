"""The DNS tree walk of DMARC (RFC 9989 §4.10): from a name towards the root, record by record.

Two questions are answered by it: whose policy applies, and which name is the organization's. A
Tree remembers what was asked, so walks that share names ask once. Owns no policy.

A question nobody can answer ends the walk with UnavailableError: what lies above might matter.
"""

from collections.abc import Generator
from typing import TypeVar

from msgspec import Struct

from penfold.base.errors import UnavailableError
from penfold.base.limits import DMARC_QUERIES_MAX
from penfold.proto.dns import Answer, Question, Status
from penfold.proto.mailauth.dmarc_record import DmarcRecord, find_record
from penfold.proto.mailauth.domain_names import NAME_MAX

T = TypeVar("T")
Steps = Generator[Question, Answer, T]


class Place(Struct, frozen=True, gc=False):
    """A record, and the name it is published for."""

    domain: str
    record: DmarcRecord


def list_names(domain: str) -> tuple[str, ...]:
    """Return the names a walk asks about, longest first, at most DMARC_QUERIES_MAX.

    RFC 9989 §4.10, steps 3 to 7: a name of more than eight labels is asked about whole, and then
    from its last seven on.
    """
    labels = domain.split(".")
    first = max(1, len(labels) - (DMARC_QUERIES_MAX - 1))
    return (domain, *(".".join(labels[at:]) for at in range(first, len(labels))))


class Tree:
    """What one check has learned of the names it walked."""

    __slots__ = ("_known", "_organizations")

    def __init__(self) -> None:
        self._known: dict[str, DmarcRecord | None] = {}
        self._organizations: dict[str, str] = {}

    def look_up(self, domain: str) -> Steps[DmarcRecord | None]:
        """Return the record published for exactly this name."""
        if domain not in self._known:
            name = f"_dmarc.{domain}"
            if len(name) > NAME_MAX:
                return None  # no such name can be asked for
            answer = yield Question(name, "TXT")
            if answer.status == Status.FAILED:
                raise UnavailableError("no answer from the DNS", name=name)
            self._known[domain] = find_record(answer.texts)
        return self._known[domain]

    def _walk(self, domain: str) -> Steps[list[Place]]:
        """Return the places with a record, longest name first."""
        found = []
        for name in list_names(domain):
            record = yield from self.look_up(name)
            if record is not None:
                found.append(Place(name, record))
                if record.psd != "u":
                    break
        return found

    def find_organization(self, domain: str) -> Steps[str]:
        """Return the Organizational Domain of a name (RFC 9989 §4.10.2), itself if need be."""
        if domain not in self._organizations:
            found = yield from self._walk(domain)
            self._organizations[domain] = _choose_organization(domain, found)
        return self._organizations[domain]

    def known_organization(self, domain: str) -> str:
        """Return the Organizational Domain if a walk has found it, "" otherwise."""
        return self._organizations.get(domain, "")

    def find_policy(self, domain: str) -> Steps[Place | None]:
        """Return the record that applies to an Author Domain (RFC 9989 §4.10.1).

        Its own, or else its organization's, or else that of the public suffix above.
        """
        own = yield from self.look_up(domain)
        if own is not None:
            return Place(domain, own)
        found = yield from self._walk(domain)
        organization = _choose_organization(domain, found)
        self._organizations[domain] = organization
        suitable = [place for place in found if place.domain == organization]
        suitable += [place for place in found if place.record.psd == "y"]
        return suitable[0] if suitable else None


def _choose_organization(domain: str, found: list[Place]) -> str:
    """Choose among the places of a walk, which ended at the first record with psd=y or psd=n."""
    if not found:
        return domain
    last = found[-1]
    # A suffix that sends mail itself is its own organization: psd=y where the walk began.
    if last.record.psd == "y" and last.domain != domain:
        labels = domain.removesuffix(f".{last.domain}").split(".")
        return f"{labels[-1]}.{last.domain}"
    return last.domain
