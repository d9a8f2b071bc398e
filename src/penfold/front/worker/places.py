"""Where the rows in hand go, so that no domain, provider or relay takes the places of all others.

A row is counted from the moment it is taken: by its relay, else by the site its domain's mail went
to last (domain.shaping), else by its domain. What has enough rows in hand gets no more of them.
"""

from collections import Counter
from typing import Final

from penfold.domain.outgoing.shaping import Site, Sites
from penfold.ports.queue import Lease, QueueRow, Unless
from penfold.proto.address import domain_of

#: Rows in hand for each that has room at its site, so that this never stands still.
_PER_ROOM: Final = 2


class Places:
    """For one event loop."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        #: Of rows in hand, the name of their site. A row may be in hand twice: what came of it is
        #: told while it has been taken again.
        self._names: dict[tuple[int, int], str] = {}
        self._counts: Counter[str] = Counter()

    def enter(self, lease: Lease) -> None:
        """Count a row that was taken."""
        row = lease.row
        self._count(lease, self._find_relay(row.sender, row.recipient) or self._find_site(row))

    def move(self, lease: Lease, site: Site) -> None:
        """Count a row where it turned out to go."""
        if self._names[_key(lease)] != site.name:
            self.leave(lease)
            self._count(lease, site.name)

    def leave(self, lease: Lease) -> str | None:
        """Count a row no more; return the name of its site when nothing else goes there."""
        name = self._names.pop(_key(lease))
        self._counts[name] -= 1
        if self._counts[name]:
            return None
        del self._counts[name]
        return name

    def find_busy(self) -> tuple[set[str], Unless | None]:
        """Return of what no more is taken now: domains, and rows for relays if there are such."""
        names = {name for name, count in self._counts.items() if self._is_full(name, count)}
        domains = {domain for name in names for domain in self._sites.list_domains(name)}
        if not any(self._sites.is_relay(name) for name in names):
            return domains, None
        return domains, lambda sender, recipient: self._find_relay(sender, recipient) in names

    def _count(self, lease: Lease, name: str) -> None:
        self._names[_key(lease)] = name
        self._counts[name] += 1

    def _is_full(self, name: str, count: int) -> bool:
        return count >= _PER_ROOM * self._sites.find_room_of(name)

    def _find_relay(self, sender: str, recipient: str) -> str | None:
        relay = self._sites.relays.find(sender, recipient)
        return self._sites.name_relay(relay) if relay else None

    def _find_site(self, row: QueueRow) -> str:
        return self._sites.find_name(domain_of(row.recipient).lower())


def _key(lease: Lease) -> tuple[int, int]:
    return lease.row.id, lease.number
