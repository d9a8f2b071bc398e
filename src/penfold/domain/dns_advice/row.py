"""What a look at a domain's DNS starts from, and what it comes to: facts and rows."""

from collections.abc import Iterable

from msgspec import Struct

from penfold.ports.identity import DkimKey
from penfold.proto.dns import Answer, Check, Kind, Question
from penfold.proto.mta_sts import Policy
from penfold.proto.zone_file import print_strings


class Facts(Struct, frozen=True, kw_only=True):
    """What this server is and does for one domain.

    addresses: from which its mail comes; () for those of these kinds that its hostname has in the
    DNS. policy: MTA-STS as
    it is served. lists: DNS blocklists. certificates: what SMTP presents, DER, its own first.
    validates: whether the resolver's word on DNSSEC counts. reports: the address that takes the
    reports of others, "" without one.
    """

    domain: str
    hostname: str
    now_ms: int
    policy: Policy
    addresses: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ("A", "AAAA")
    keys: tuple[DkimKey, ...] = ()
    lists: tuple[str, ...] = ()
    certificates: tuple[bytes, ...] = ()
    validates: bool = False
    reports: str = ""

    @property
    def reports_to(self) -> str:
        """Where reports about the domain should go.

        Another domain's address would need that domain's word in the DNS (RFC 7489 §7.1), so it is
        not advised.
        """
        same = self.reports.lower().endswith(f"@{self.domain}")
        return self.reports if same else f"postmaster@{self.domain}"


class Row(Struct, frozen=True, kw_only=True):
    """One thing the DNS should say.

    what: a word for it, which stays the same. wanted: lines for a zone file; () when nothing has
    to be there. found: as it stands. ok: None when nobody could say. required: mail suffers
    without. advice: what to change, or good to know; "" for nothing. selector: of the key the row
    is about.
    """

    what: str
    name: str
    ok: bool | None
    wanted: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    required: bool = True
    advice: str = ""
    selector: str = ""

    @property
    def is_bad(self) -> bool:
        """Something has to be changed, or somebody has to look again."""
        return self.required and self.ok is not True


class Report(Struct, frozen=True):
    """What came of it. begun: selectors of keys that sign from now on, as their records are there.
    looked: False in local mode, where nothing leaves this machine: rows say what is wanted only.
    """

    rows: tuple[Row, ...]
    begun: tuple[str, ...] = ()
    looked: bool = True

    @property
    def is_bad(self) -> bool:
        return self.looked and any(row.is_bad for row in self.rows)


#: One look: asks, and returns rows in the order people read them.
Look = Check[list[Row]]

#: Advice when a question got no answer.
NO_ANSWER = "The DNS gave no answer; try again."


def find_addresses(facts: Facts) -> Check[tuple[str, ...]]:
    """Return the addresses mail comes from; () when nobody knows them."""
    if facts.addresses:
        return facts.addresses
    found: list[str] = []
    for kind in facts.kinds:
        answer = yield Question(facts.hostname, kind)
        found += answer.addresses
    return tuple(found)


def ask_host(host: str) -> Check[tuple[Answer, Answer]]:
    """Return the answers about a host's IPv4 and IPv6 addresses."""
    four = yield Question(host, "A")
    six = yield Question(host, "AAAA")
    return four, six


def show_texts(texts: Iterable[bytes]) -> tuple[str, ...]:
    """Return TXT records as people may read them, whatever is in them."""
    return tuple(print_strings(text) for text in texts)
