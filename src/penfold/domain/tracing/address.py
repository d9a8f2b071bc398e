"""The last mails from and to an address, with what became of each.

An address of ours is looked up in the mailboxes that get its mail; another one in all mailboxes,
by the index of addresses, and in the queue. What is in both is one entry.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from penfold.base.addresses import exact_address
from penfold.base.limits import HAND_OVER_MAX_ROWS, TRACE_ROWS_MAX
from penfold.domain.access.aliases import find_candidates
from penfold.domain.tracing.reading import find_header_id, look_into, read_copy
from penfold.domain.tracing.values import AddressTrace, Copy, Entry
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxReader, Query
from penfold.ports.queue import Queue, QueueRow
from penfold.proto.address import domain_of
from penfold.proto.search.tree import Addressed, Node, Place, any_of

_PLACES: Final[tuple[Place, ...]] = ("from", "to", "cc", "bcc", "deliveredto")


@dataclass(frozen=True, slots=True)
class AddressTracer:
    directory: Directory
    mailboxes: Mailboxes
    queue: Queue

    def is_known(self, address: str) -> bool:
        """Return whether the address is an account or an alias here, or has rows in the queue."""
        found = find_candidates(self.directory, address, catch_all=False)
        return bool(found or self.queue.list_by_address(exact_address(address), limit=1))

    def trace(
        self, address: str, *, limit: int, since_ms: int = 0, within: Sequence[Account] = ()
    ) -> AddressTrace:
        """Return up to `limit` mails from or to the address, those since a time (epoch ms).

        within: of an address elsewhere, look into these mailboxes only.
        """
        address = exact_address(address)
        accounts = find_candidates(self.directory, address)
        domain = domain_of(address)
        answers, coverage = look_into(
            self.mailboxes,
            accounts or within or self.directory.list_accounts(),
            lambda account, box: _list_copies(account, box, address, limit),
        )
        rows = self.queue.list_by_address(address, limit=limit)
        entries = [
            *(
                self._make_entry(copy, None if accounts else address, waiting=waiting)
                for found in answers
                for copy, waiting in found
            ),
            *(Entry(row.created_ms, None, (row,)) for row in rows),
        ]
        shown = [each for each in _merge(entries) if each.at_ms >= since_ms]
        return AddressTrace(
            address,
            self.directory.is_local_domain(domain),
            tuple(accounts),
            tuple(shown[:limit]),
            self.queue.find_destination(domain),
            coverage,
        )

    def _make_entry(self, copy: Copy, recipient: str | None, *, waiting: bool) -> Entry:
        """Return a copy with its rows in the queue; recipient: only those to it."""
        rows: Sequence[QueueRow] = ()
        if copy.sent and copy.header_id:
            rows = self.queue.find_by_message_id(copy.header_id, limit=TRACE_ROWS_MAX)
        chosen = [row for row in rows if recipient in (None, exact_address(row.recipient))]
        return Entry(copy.at_ms, copy, tuple(chosen), waiting)


def _list_copies(
    account: Account, box: MailboxReader, address: str, limit: int
) -> list[tuple[Copy, bool]]:
    """Return a mailbox's newest messages of an address, and whether each waits in the outbox.

    All messages are those of the mailbox's own address.
    """
    own = address == account.address
    tree: Node | None = None
    if not own:
        tree = any_of(Addressed(place, address) for place in _PLACES)
    found = box.list_messages(Query(limit=limit, tree=tree, hidden=True))
    rows = [row for number, _ in found if (row := box.find_message(number)) is not None]
    copies = [read_copy(account, box, row) for row in rows]
    waiting = {find_header_id(row.raw) for row in box.list_outbox(limit=HAND_OVER_MAX_ROWS)} - {""}
    return [(each, each.sent and each.header_id in waiting) for each in copies]


def _merge(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Yield the newest first; a row that stands with a copy does not stand alone."""
    known = {row.id for entry in entries if entry.copy for row in entry.rows}
    for entry in sorted(entries, key=lambda each: -each.at_ms):
        if entry.copy is not None or entry.rows[0].id not in known:
            yield entry
